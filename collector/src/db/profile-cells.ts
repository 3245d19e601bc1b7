/** What files tell of profiles, read for thousands of them in one statement. */
import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Cell } from '../core/export-column';
import { ONCE_PREFIX } from '../core/traits';
import type { Database } from './tables';

/** As many as a profile shows. */
const MAX_ANONYMOUS_IDS = sql.lit(1000);

/**
 * A cell's expression is over p (the sums that it asks of the parts q), named (user_id, email and anonymous_id, as
 * identifierColumns() chooses them), devices (anonymous_ids, a JSON array), money (by_currency, a JSON object of exact
 * decimal texts), each of them null where a profile has nothing there, and w, the workspace.
 */
export interface ProfileCells {
  /** Columns of p, with their names. */
  readonly sums: readonly RawBuilder<unknown>[];
  /** Columns of the answer, with their names. */
  readonly cells: readonly RawBuilder<unknown>[];
}

/**
 * Each list of IDs is looked up in an index in its order, and what was found is joined by hashing: for a few thousand
 * profiles that takes a third of the time of looking up one profile after the other. The planner, which does not know
 * how long a list is, would rather read whole tables again for each list, or join lists by nested loops.
 */
export async function preferLists(transaction: Transaction<Database>): Promise<void> {
  await sql`
    select set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
      set_config('enable_nestloop', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)`.execute(
    transaction,
  );
}

/** A row of cells for each profile, in the order of their IDs. The transaction prefers lists. */
export async function readProfileCells(
  transaction: Transaction<Database>,
  { workspaceId, profileIds }: { readonly workspaceId: string; readonly profileIds: readonly string[] },
  { sums, cells }: ProfileCells,
): Promise<readonly Record<string, Cell>[]> {
  const { rows } = await sql<Record<string, Cell>>`
    with asked as (select ${profileIds}::uuid[] as ids),
    owned as materialized (
      select o.owner_id, o.subject_id, o.target_id, o.from_at, o.to_at
      from ownership o
      where o.workspace_id = ${workspaceId} and o.owner_id = any((select ids from asked)::uuid[])),
    known as materialized (
      select s.subject_id, s.kind, s.value
      from subject s
      where s.workspace_id = ${workspaceId}
        and s.subject_id = any((select ids from asked) || array(select subject_id from owned))),
    claimed as materialized (
      select c.weaker_id, c.stronger_id, c.from_at, c.message_id
      from claim c
      where c.workspace_id = ${workspaceId}
        and c.weaker_id = any(array(select subject_id from known where kind = 'email'))),
    held as materialized (
      select o.owner_id, k.value, o.to_at, o.from_at
      from owned o join known k on k.subject_id = o.subject_id and k.kind = 'anonymous')
    select ${sql.join(cells)}
    from unnest((select ids from asked)) with ordinality as m (profile_id, place)
    left join known as own on own.subject_id = m.profile_id
    left join (${LAST_CLAIMED_EMAILS}) as mail on mail.owner_id = m.profile_id
    left join (${LAST_HELD_DEVICES}) as device on device.owner_id = m.profile_id
    cross join lateral (
      select case when own.kind = 'user' then own.value end as user_id,
        coalesce(case when own.kind = 'email' then own.value end, mail.value) as email,
        coalesce(case when own.kind = 'anonymous' then own.value end, device.value) as anonymous_id) as named
    left join (${ALL_DEVICES}) as devices on devices.owner_id = m.profile_id
    left join (
      select q.owner_id, ${sql.join(sums.length === 0 ? [sql`true as is_seen`] : sums)}
      from profile_part q
      where q.workspace_id = ${workspaceId} and q.owner_id = any((select ids from asked)::uuid[])
      group by q.owner_id) as p on p.owner_id = m.profile_id
    left join (${revenues(workspaceId)}) as money on money.owner_id = m.profile_id
    cross join workspace w
    where w.workspace_id = ${workspaceId}
    order by m.place`.execute(transaction);
  return rows;
}

/** An email's target is the profile itself, or a user who is linked to it. */
const LAST_CLAIMED_EMAILS = sql`
  select distinct on (o.owner_id) o.owner_id, k.value
  from owned o
  join known k on k.subject_id = o.subject_id and k.kind = 'email'
  join claimed c on c.weaker_id = o.subject_id and c.stronger_id = o.target_id
  order by o.owner_id, c.from_at desc, c.message_id desc`;

const LAST_HELD_DEVICES = sql`
  select distinct on (owner_id) owner_id, value from held order by owner_id, to_at desc, from_at desc, value`;

/** Those that are or were a profile's. */
const ALL_DEVICES = sql`
  select owner_id, jsonb_agg(value order by value) as anonymous_ids
  from (
    select owner_id, value, row_number() over (partition by owner_id order by value) as place
    from (
      select owner_id, value from held
      union
      select subject_id, value from known where kind = 'anonymous') as its) as placed
  where place <= ${MAX_ANONYMOUS_IDS}
  group by owner_id`;

function revenues(workspaceId: string): RawBuilder<unknown> {
  return sql`
    select owner_id, jsonb_object_agg(currency, amount) as by_currency
    from (
      select r.owner_id, r.currency, trim_scale(sum(r.amount))::text as amount
      from profile_revenue r
      where r.workspace_id = ${workspaceId} and r.owner_id = any((select ids from asked)::uuid[])
      group by r.owner_id, r.currency
      having sum(r.amount) <> 0) as sums
    group by owner_id`;
}

const ONCE = sql.lit(ONCE_PREFIX);
/** Where the trait's own name begins. */
const AFTER_ONCE = sql.lit(ONCE_PREFIX.length + 1);

/** What merged registers say now, as valuesOf() in core/traits.ts has it; as JSON, for numbers stay as they are stored. */
export function shownTraits(registers: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(
    select coalesce(jsonb_object_agg(
      case when starts_with(key, ${ONCE}) then substr(key, ${AFTER_ONCE}) else key end, value -> 0), '{}')
    from jsonb_each(${registers})
    where value -> 0 <> 'null'
      and not (starts_with(key, ${ONCE}) and jsonb_exists(${registers}, substr(key, ${AFTER_ONCE}))))`;
}

/** Stored emails are trimmed and in lower case. */
export const EMAIL_SHA256 = sql`encode(sha256(convert_to(named.email, 'UTF8')), 'hex')`;

/** An exact decimal. */
export function revenueIn(currency: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`coalesce(money.by_currency ->> ${currency}, '0')`;
}

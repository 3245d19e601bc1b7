import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import { type ListPlace, PROFILE_SORTS, type ProfileSort, type SortOrder } from '../core/profile-list';
import type { Rule } from '../core/rule';
import { compileSorted } from './rule-sql';
import type { Database } from './tables';

export interface ProfileQuery {
  /** The beginning of an identifier of theirs; null for all profiles. */
  readonly search: string | null;
  /** What holds of them; null for all. It asks about traits only. */
  readonly filter: Rule | null;
  readonly sort: ProfileSort;
  readonly order: SortOrder;
  readonly limit: number;
  readonly after: ListPlace | null;
  /** The moment that the filter is about. */
  readonly now: Date;
}

/** Profiles in their order, and about how many there are on all pages. */
export interface FoundProfiles {
  readonly places: readonly ListPlace[];
  readonly estimatedTotal: number;
}

/** A list that took longer than it may. */
export class ListTooSlow extends Error {}

/** More identifiers than this are not looked through; a longer prefix finds the rest. */
const MAX_FOUND_IDENTIFIERS = 1_000;
/** So many profiles are counted; of more the planner's statistics say how many. */
const MAX_COUNTED = 10_000;
/** A list that passes over all profiles is given up after this long. */
const PASS_TIMEOUT_MS = 10_000;

/** Whether the list costs its page only, and not the number of profiles: by when they were seen last, unfiltered. */
export function isWalk({ sort, filter }: Pick<ProfileQuery, 'sort' | 'filter'>): boolean {
  return sort === 'lastSeenAt' && filter === null;
}

/**
 * A page of profiles.
 *
 * @param timeoutMs how long a pass over all profiles may take @default 10 seconds
 * @throws ListTooSlow
 */
export async function findProfiles(
  db: Transaction<Database>,
  workspaceId: string,
  { timeoutMs = PASS_TIMEOUT_MS, ...query }: ProfileQuery & { readonly timeoutMs?: number },
): Promise<FoundProfiles> {
  const owners = query.search === null ? null : await readOwnersOfPrefix(db, workspaceId, query.search);
  if (isWalk(query)) {
    const places = await walkProfiles(db, workspaceId, { ...query, owners });
    return { places, estimatedTotal: owners?.length ?? (await estimateProfiles(db, workspaceId)) };
  }
  try {
    return await passOverProfiles(db, workspaceId, { ...query, owners, timeoutMs });
  } catch (error) {
    if ((error as { code?: unknown }).code !== TIMED_OUT) throw error;
    throw new ListTooSlow(`The list took longer than ${timeoutMs / 1000} seconds.`, { cause: error });
  }
}

const TIMED_OUT = '57014';

type NarrowedQuery = ProfileQuery & {
  /** Only these; null for all. */
  readonly owners: readonly string[] | null;
};

/**
 * Walks the parts by hour of last activity and takes from each profile the part that was seen last, so that a page
 * costs its length and not the number of profiles.
 */
async function walkProfiles(
  db: Kysely<Database>,
  workspaceId: string,
  { owners, order, limit, after }: NarrowedQuery,
): Promise<ListPlace[]> {
  const matches = owners === null ? sql`true` : sql`p.owner_id = any(${owners}::uuid[])`;
  const [beyond, orBeyond, direction] = DIRECTIONS[order];
  const place =
    after === null
      ? sql`true`
      : sql`p.last_seen_hour ${orBeyond} date_trunc('hour', ${after.sorted}::timestamptz, 'UTC')
            and (p.last_seen_at, p.owner_id) ${beyond} (${after.sorted}::timestamptz, ${after.id}::uuid)`;
  const { rows } = await sql<{ owner_id: string; last_seen_at: Date }>`
    select p.owner_id, p.last_seen_at
    from profile_part p
    where p.workspace_id = ${workspaceId} and ${matches} and ${place}
      and not exists (
        select from profile_part q
        where q.workspace_id = ${workspaceId} and q.owner_id = p.owner_id
          and (q.last_seen_at, q.subject_id) > (p.last_seen_at, p.subject_id))
    order by p.last_seen_hour ${direction}, p.last_seen_at ${direction}, p.owner_id ${direction}
    limit ${limit}`.execute(db);
  return rows.map((row) => ({ sorted: row.last_seen_at.toISOString(), id: row.owner_id }));
}

const DIRECTIONS = {
  desc: [sql`<`, sql`<=`, sql`desc`],
  asc: [sql`>`, sql`>=`, sql`asc`],
} as const;

/** One pass over the sums of all profiles, or of those that were searched for; the matching ones are sorted and counted. */
async function passOverProfiles(
  db: Kysely<Database>,
  workspaceId: string,
  {
    owners,
    filter,
    sort,
    order,
    limit,
    after,
    now,
    timeoutMs,
  }: NarrowedQuery & { readonly timeoutMs: number },
): Promise<FoundProfiles> {
  // As for a rebuild of an audience (audience-rebuild.ts), where also a nested loop is the wrong plan.
  await sql`
    select set_config('statement_timeout', ${String(timeoutMs)}, true), set_config('jit', 'off', true),
      set_config('work_mem', '32MB', true),
      set_config('enable_nestloop', ${owners === null ? 'off' : 'on'}, true)`.execute(db);
  const { timezone, currency } = await db
    .selectFrom('workspace')
    .select(['timezone', 'currency'])
    .where('workspace_id', '=', workspaceId)
    .executeTakeFirstOrThrow();
  const { trait, kind } = PROFILE_SORTS[sort];
  const matching = compileSorted(filter, {
    ...{ workspaceId, trait, timezone, currency, now },
    ...(owners === null ? {} : { profileIds: owners }),
  });
  const [beyond, , direction] = DIRECTIONS[order];
  const type: RawBuilder<unknown> = kind === 'instant' ? sql`timestamptz` : sql`numeric`;
  const place =
    after === null
      ? sql`true`
      : sql`(sorted, profile_id) ${beyond} (${after.sorted}::text::${type}, ${after.id}::uuid)`;
  const { rows } = await sql<{ total: number; profile_id: string | null; sorted: Date | string }>`
    with matching as materialized (${matching})
    select counted.total, page.profile_id, page.sorted
    from (select count(*) as total from matching) as counted
    left join (
      select profile_id, sorted from matching
      where ${place}
      order by sorted ${direction}, profile_id ${direction}
      limit ${limit}) as page on true
    order by page.sorted ${direction}, page.profile_id ${direction}`.execute(db);
  const places = rows.flatMap(({ profile_id: id, sorted }) =>
    id === null ? [] : [{ id, sorted: sorted instanceof Date ? sorted.toISOString() : sorted }],
  );
  return { places, estimatedTotal: rows[0]!.total };
}

/** How many profiles there are: counted where they are few, else as many as the planner would expect. */
export async function estimateProfiles(db: Kysely<Database>, workspaceId: string): Promise<number> {
  const all = sql`select from profile_part where workspace_id = ${workspaceId} group by owner_id`;
  const { rows } = await sql<{ count: number }>`
    select count(*) from (${all} limit ${MAX_COUNTED + 1}) as profiles`.execute(db);
  if (rows[0]!.count <= MAX_COUNTED) return rows[0]!.count;
  const plan = await sql<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>`
    explain (format json) ${all}`.execute(db);
  return Math.max(rows[0]!.count, plan.rows[0]!['QUERY PLAN'][0].Plan['Plan Rows']);
}

/** Everybody who owns something under an identifier that begins so; emails are compared in lower case. */
async function readOwnersOfPrefix(
  db: Kysely<Database>,
  workspaceId: string,
  prefix: string,
): Promise<readonly string[]> {
  // The last character of Unicode closes the range: no text that begins with the prefix sorts after it.
  const range = (text: string) => sql`(s.value >= ${text} and s.value < ${`${text}\u{10FFFF}`})`;
  const { rows } = await sql<{ owner_id: string }>`
    with found as materialized (
      select s.subject_id from subject s
      where s.workspace_id = ${workspaceId} and (${range(prefix)} or ${range(prefix.toLowerCase())})
      order by s.value
      limit ${MAX_FOUND_IDENTIFIERS}),
    owner as (
      select subject_id as owner_id from found
      union
      select o.owner_id from ownership o join found on found.subject_id = o.subject_id
      where o.workspace_id = ${workspaceId})
    select owner_id from owner
    where exists (select from profile_part p where p.workspace_id = ${workspaceId} and p.owner_id = owner.owner_id)`.execute(
    db,
  );
  return rows.map((row) => row.owner_id);
}

import { type RawBuilder, sql } from 'kysely';
import { onceKeyOf } from '../core/traits';
import { MARK_HEAD_LENGTH } from '../core/visit';
import { ownedEvents } from './rule-event-sql';
import type { RunTime } from './rule-time-sql';

/** What a rule is evaluated against. */
export interface RuleRun extends RunTime {
  readonly workspaceId: string;
  /** What `$revenue` is counted in. */
  readonly currency: string;
  /** Only these profiles; all of the workspace's where it is left out. */
  readonly profileIds?: readonly string[];
  /** One profile, whether or not anything is known of it: there is a row for it in any case. */
  readonly asked?: AskedProfile;
  /** Of one profile, by their keys: whether it is in these audiences, whatever is stored. */
  readonly memberships?: ReadonlyMap<string, boolean>;
}

/** Whom a decision is about, and what its caller says of the moment. */
export interface AskedProfile {
  readonly profileId: string;
  /** JSON text of an object. */
  readonly context: string;
}

/** Whether a row of a table is about a profile that the run asks about. */
function isAsked(
  table: RawBuilder<unknown>,
  { workspaceId, profileIds, asked }: RuleRun,
  owner: RawBuilder<unknown> = sql`owner_id`,
): RawBuilder<boolean> {
  const isInWorkspace = sql<boolean>`${table}.workspace_id = ${workspaceId}`;
  if (asked !== undefined) return sql`${isInWorkspace} and ${table}.${owner} = ${asked.profileId}::uuid`;
  if (profileIds === undefined) return isInWorkspace;
  return sql`${isInWorkspace} and ${table}.${owner} = any(${profileIds}::uuid[])`;
}

/** The profiles, as p, with columns that sum up their parts q. */
export function profiles(columns: readonly RawBuilder<unknown>[], run: RuleRun): RawBuilder<unknown> {
  const { asked } = run;
  const all = [
    asked === undefined ? sql`q.owner_id as profile_id` : sql`${asked.profileId}::uuid as profile_id`,
    sql`min(q.first_seen_at) as first_seen_at`,
    sql`max(q.last_seen_at) as last_seen_at`,
    sql`coalesce(sum(q.event_count), 0) as event_count`,
    sql`coalesce(sum(q.order_count), 0) as order_count`,
    ...columns,
  ];
  return sql`(
      select ${sql.join(all)}
      from profile_part q
      where ${isAsked(sql`q`, run)}
      ${asked === undefined ? sql`group by q.owner_id` : sql``}) as p`;
}

/** What the caller of a decision says, as c; read once, however many leaves ask for it. */
export function saidContext({ asked }: RuleRun): RawBuilder<unknown> {
  return sql`cross join (select ${asked?.context ?? '{}'}::jsonb as said offset 0) as c`;
}

/**
 * Of a profile's parts, the value that was written last, else the once-only one that was written first; JSON null, which
 * a tombstone has, is SQL null. As texts that begin with time and message ID, since the greatest of those needs no sorting
 * within each profile: with array_agg(… order by …) the whole pass was sorted, and took twice as long.
 */
export function standingTrait([key, ...steps]: readonly string[]): RawBuilder<unknown> {
  const standing = sql`coalesce(max(${registerText(key!)}), min(${registerText(onceKeyOf(key!))}))`;
  return sql`nullif(substring(${standing} from ${sql.lit(REGISTER_HEAD_LENGTH + 1)})::jsonb
    #> ${steps}::text[], 'null'::jsonb)`;
}

const REGISTER_HEAD_LENGTH = '2026-01-31T12:00:00.000Z00000000-0000-4000-8000-000000000000'.length;

function registerText(key: string): RawBuilder<unknown> {
  const register = sql`(q.traits -> ${key}::text)`;
  return sql`((${register} ->> 1) || (${register} ->> 2) || (${register} -> 0)::text) collate "C"`;
}

/** What a mark (core/visit.ts) says in a field. */
export function said(mark: RawBuilder<unknown>, field: string): RawBuilder<unknown> {
  return sql`(substring(${mark} from ${sql.lit(MARK_HEAD_LENGTH + 1)})::jsonb ->> ${field}::text)`;
}

/** Sums of a profile's revenue, as r. */
export function revenueSums(revenues: readonly RawBuilder<unknown>[], run: RuleRun): RawBuilder<unknown> {
  return sql`left join (
      select r.owner_id, ${sql.join(revenues)}
      from profile_revenue r
      where ${isAsked(sql`r`, run)}
      group by r.owner_id) as r on r.owner_id = p.profile_id`;
}

export const USER_ID = sql`case when own.kind = 'user' then own.value end`;
export const EMAIL = sql`coalesce(case when own.kind = 'email' then own.value end, claimed.email)`;

/** What identifierColumns() gives for one profile, for all of them in one pass. */
export function identifiers(run: RuleRun): RawBuilder<unknown> {
  return sql`left join (
      select s.subject_id, s.kind, s.value
      from subject s
      where ${isAsked(sql`s`, run, sql`subject_id`)}) as own
      on own.subject_id = p.profile_id
    left join (
      select distinct on (c.stronger_id) c.stronger_id as owner_id, s.value as email
      from claim c
      join subject s on s.workspace_id = c.workspace_id and s.subject_id = c.weaker_id and s.kind = 'email'
      join ownership o on o.workspace_id = c.workspace_id and o.subject_id = c.weaker_id
        and o.owner_id = c.stronger_id
      where ${isAsked(sql`c`, run, sql`stronger_id`)}
      order by c.stronger_id, c.from_at desc, c.message_id desc) as claimed on claimed.owner_id = p.profile_id`;
}

/** The stored members of another audience; its profile_id is null where a profile is none. */
export function members(
  { key, name }: { readonly key: string; readonly name: RawBuilder<unknown> },
  run: RuleRun,
): RawBuilder<unknown> {
  return sql`left join (
      select m.profile_id
      from audience_member m
      join audience u on u.workspace_id = m.workspace_id and u.audience_id = m.audience_id
      where ${isAsked(sql`m`, run, sql`profile_id`)} and u.workspace_id = ${run.workspaceId}
        and u.key = ${key}) as ${name} on ${name}.profile_id = p.profile_id`;
}

/** What a leaf makes of the events of each owner, and which events that takes. */
export interface Activity {
  readonly aggregates: readonly RawBuilder<unknown>[];
  readonly mayMatter: RawBuilder<boolean>;
  /** A column that looks beyond the event itself. */
  readonly window: RawBuilder<unknown> | null;
}

/** One pass over the events for all leaves, as a. */
export function activity(asked: readonly Activity[], run: RuleRun): RawBuilder<unknown> {
  const windows = asked.flatMap(({ window }) => (window === null ? [] : [window]));
  const matter = sql.join(
    asked.map(({ mayMatter }) => mayMatter),
    sql` or `,
  );
  const events =
    windows.length === 0
      ? sql`${ownedEvents(run)} where ${matter}`
      : sql`(select e.*, ${sql.join(windows)} from ${ownedEvents(run)} where ${matter}) as e`;
  return sql`left join (
      select e.owner_id, ${sql.join(asked.flatMap(({ aggregates }) => aggregates))}
      from ${events}
      group by e.owner_id) as a on a.owner_id = p.profile_id`;
}

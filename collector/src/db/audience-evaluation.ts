/**
 * Who belongs to an audience, worked out and written. Whoever does so holds the audience's row, and began to look after
 * it was got: so of two the later one has seen more, and the numbers of changes are those of their commits.
 */
import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Rule } from '../core/rule';
import { checkRule } from '../core/rule-check';
import { needsOf } from '../core/rule-needs';
import { evaluateList } from './audience-listed';
import type { LockedAudience } from './audience-lock';
import { markReaders } from './audience-readers';
import { compileEvaluation } from './rule-evaluation-sql';
import { compileRule } from './rule-sql';
import type { Database } from './tables';

/** Why an audience's members could not be found, for its owner; they stay as they were. */
export class RebuildError extends Error {}

/** What led to a change of members. */
export type Cause = 'event' | 'clock' | 'rebuild' | 'list' | 'erasure';

export interface Evaluation {
  readonly audience: LockedAudience;
  /** Only these; all of the workspace's where they are left out. */
  readonly profileIds?: readonly string[];
  readonly now: Date;
  readonly cause: Cause;
  /** What else is to be written of the audience, in any case. */
  readonly more?: RawBuilder<unknown>;
}

/** How many entered and exited, and how many members there are now. */
export interface Difference {
  readonly size: number;
  readonly entered: number;
  readonly exited: number;
}

/** Finds who belongs to it, and writes what differs: members, changes, sizes, and when to look again. */
export async function evaluateAudience(
  transaction: Transaction<Database>,
  evaluation: Evaluation,
): Promise<Difference> {
  const { audience, profileIds, now } = evaluation;
  const difference = await storeDifference(transaction, evaluation, {
    evaluated: compileMembership(audience, { now, profileIds }),
    isInScope: (profileId) =>
      profileIds === undefined ? sql`true` : sql`${profileId} = any(${profileIds}::uuid[])`,
  });
  if (difference.entered + difference.exited > 0) await markReaders(transaction, audience);
  return difference;
}

/** @throws RebuildError */
function readRule(rule: unknown): Rule {
  const checked = checkRule(rule);
  if (checked.ok) return checked.rule;
  const { path, message } = checked.problems[0]!;
  throw new RebuildError(`The stored rule is not valid: ${path} ${message}.`);
}

/** Rows of profile_id, holds and next_check_at; a profile that has no row does not belong to it. @throws RebuildError */
export function compileMembership(
  audience: LockedAudience,
  { now, profileIds }: { readonly now: Date; readonly profileIds: readonly string[] | undefined },
): RawBuilder<unknown> {
  const { workspaceId, timezone, currency } = audience;
  if (audience.rule === null) return evaluateList(audience, profileIds);
  const rule = readRule(audience.rule);
  const run = { workspaceId, timezone, currency, now, ...(profileIds === undefined ? {} : { profileIds }) };
  if (needsOf(rule).usesClock) return compileEvaluation(rule, run);
  return sql`select profile_id, true as holds, null::timestamptz as next_check_at from (${compileRule(rule, run)}) as found`;
}

interface Found {
  readonly evaluated: RawBuilder<unknown>;
  readonly isInScope: (profileId: RawBuilder<unknown>) => RawBuilder<unknown>;
}

/**
 * One statement, and so one view of the data. Full joins, because they hash the side that is estimated smaller, and how
 * many match is estimated badly: with `not exists` Postgres prepared for two billion and took 3.5 s to find that nothing
 * had changed among 8,000.
 *
 * Many are written in the order of their keys: as they came, 100,000 new members took 3.3 to 4.1 s of Postgres' time
 * instead of 2.2 to 2.7 (without the foreign key to their audience it was 2.8 unsorted; it stays, since it takes them
 * away with it).
 */
async function storeDifference(
  transaction: Transaction<Database>,
  { audience, now, cause, more }: Evaluation,
  { evaluated, isInScope }: Found,
): Promise<Difference> {
  const { workspaceId, audienceId, lastChange, size } = audience;
  const its = sql`${workspaceId}::uuid, ${audienceId}::uuid`;
  const isIts = (table: string) =>
    sql`${sql.ref(`${table}.workspace_id`)} = ${workspaceId} and ${sql.ref(`${table}.audience_id`)} = ${audienceId}`;
  const { rows } = await sql<{ entered: number; exited: number }>`
    with evaluated as materialized (${evaluated}),
    difference as materialized (
      select coalesce(x.profile_id, m.profile_id) as profile_id, m.profile_id is null as is_entering
      from (select profile_id from evaluated where holds) x
      full join (
        select m.profile_id from audience_member m
        where ${isIts('m')} and ${isInScope(sql.ref('m.profile_id'))}) m on m.profile_id = x.profile_id
      where x.profile_id is null or m.profile_id is null),
    numbered as materialized (
      select profile_id, is_entering, ${lastChange} + row_number() over (order by is_entering, profile_id) as change_no
      from difference),
    counted as (
      select count(*) filter (where is_entering) as entered, count(*) filter (where not is_entering) as exited
      from difference),
    exited as (
      delete from audience_member m using difference d
      where ${isIts('m')} and m.profile_id = d.profile_id and not d.is_entering),
    entered as (
      insert into audience_member (workspace_id, audience_id, profile_id, entered_at, cause)
      select ${its}, profile_id, ${now}, ${cause} from difference where is_entering order by profile_id),
    changed as (
      insert into audience_change (workspace_id, audience_id, change_no, profile_id, change, at, cause)
      select ${its}, change_no, profile_id, case when is_entering then 'entered' else 'exited' end, ${now}, ${cause}
      from numbered),
    checks as materialized (
      select coalesce(x.profile_id, c.profile_id) as profile_id, x.next_check_at
      from (select profile_id, next_check_at from evaluated where next_check_at is not null) x
      full join (
        select c.profile_id, c.check_at from audience_check c
        where ${isIts('c')} and ${isInScope(sql.ref('c.profile_id'))}) c on c.profile_id = x.profile_id
      where x.next_check_at is distinct from c.check_at),
    unchecked as (
      delete from audience_check c using checks
      where ${isIts('c')} and c.profile_id = checks.profile_id and checks.next_check_at is null),
    checked as (
      insert into audience_check (workspace_id, audience_id, profile_id, check_at)
      select ${its}, profile_id, next_check_at from checks where next_check_at is not null order by profile_id
      on conflict (workspace_id, audience_id, profile_id) do update set check_at = excluded.check_at),
    sized as (
      insert into audience_size as s (workspace_id, audience_id, hour, size, entered, exited)
      select ${its}, date_trunc('hour', ${now}::timestamptz, 'UTC'), ${size} + entered - exited, entered, exited
      from counted where entered + exited > 0
      on conflict (workspace_id, audience_id, hour) do update
      set size = excluded.size, entered = s.entered + excluded.entered, exited = s.exited + excluded.exited),
    written as (
      update audience a
      set size = ${size} + entered - exited, last_change = ${lastChange} + entered + exited, error = null
        ${more === undefined ? sql`` : sql`, ${more}`}
      from counted
      where ${isIts('a')}
        and (entered + exited > 0 or a.error is not null or ${more === undefined ? sql`false` : sql`true`}))
    select entered, exited from counted`.execute(transaction);
  const { entered, exited } = rows[0]!;
  return { size: size + entered - exited, entered, exited };
}

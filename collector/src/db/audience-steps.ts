import { type Kysely, sql } from 'kysely';
import { evaluateAudience } from './audience-evaluation';
import { type AudienceReference, lockAudience } from './audience-lock';
import { changeWorkspace } from './connect';
import type { Database } from './tables';

/** How many profiles are looked at in one transaction. */
const MARKS_PER_STEP = 500;

/** What an audience waits for. */
export interface Waiting extends AudienceReference {
  readonly isStale: boolean;
  /** Whether whoever may not have known what to mark is over now, and all is to be found anew for the last time. */
  readonly isSettling: boolean;
  /** Whether somebody is marked, or has a check that is due. */
  readonly hasDue: boolean;
  /** Whether its last count from scratch is long enough ago. */
  readonly isUnchecked: boolean;
  /** Whether its last rebuild was given up by somebody less than an hour ago. */
  readonly isGivenUp: boolean;
}

/** Every workspace that ever had an audience; the list itself belongs to none. */
export async function listWorkspacesWithAudiences(db: Kysely<Database>): Promise<string[]> {
  const rows = await db
    .selectFrom('workspace')
    .select('workspace_id')
    .where('audience_epoch', '>', 0)
    .orderBy('workspace_id')
    .execute();
  return rows.map((row) => row.workspace_id);
}

/** The workspace's audiences that wait for something, the one first that was rebuilt longest ago. */
export function listWaiting(
  db: Kysely<Database>,
  workspaceId: string,
  { now, checkedBefore }: { readonly now: Date; readonly checkedBefore: Date },
): Promise<Waiting[]> {
  return changeWorkspace(db, workspaceId, async (transaction) => {
    const { rows } = await sql<Omit<Waiting, keyof AudienceReference> & { audience_id: string }>`
      select * from (
        select a.audience_id, a.is_stale as "isStale", a.rebuilt_at,
          coalesce(a.unsettled_since <= pg_snapshot_xmin(pg_current_snapshot()), false) as "isSettling",
          coalesce(a.checked_at <= ${checkedBefore}, false) as "isUnchecked",
          -- Until it is built for the first time nobody is shown, rather than a part of its members.
          a.rebuilt_at is not null and (
            exists (
              select from audience_mark m
              where m.workspace_id = a.workspace_id and m.audience_id = a.audience_id)
            or exists (
              select from audience_check c
              where c.workspace_id = a.workspace_id and c.audience_id = a.audience_id and c.check_at <= ${now})) as "hasDue",
          exists (
            select from audience_rebuild r
            where r.workspace_id = a.workspace_id and r.audience_id = a.audience_id
              and r.outcome = 'cancelled' and r.finished_at > ${now}::timestamptz - interval '1 hour') as "isGivenUp"
        from audience a
        where a.workspace_id = ${workspaceId}) as all_of_them
      where "isStale" or "isSettling" or "isUnchecked" or "hasDue"
      order by rebuilt_at nulls first, audience_id`.execute(transaction);
    return rows.map(({ audience_id: audienceId, ...row }) => ({ ...row, workspaceId, audienceId }));
  });
}

/** What a step came to. */
export interface Step {
  /** How many profiles were looked at. */
  readonly evaluated: number;
  readonly entered: number;
  readonly exited: number;
  /** How long the first mark had waited, by the database's clock; null where it was a check that was due. */
  readonly waitedMs: number | null;
  /** Whether there was no more than that; what has come since is for the next look, with what comes until then. */
  readonly isLast: boolean;
}

interface TakenRow {
  readonly profile_id: string;
  readonly waited_ms: number | null;
  /** Marks, or checks, whichever were more; the same in each row. */
  readonly taken: number;
}

/**
 * Takes some of an audience's marks and due checks away and looks at those profiles. Left alone where somebody else has
 * the audience: who does takes them too.
 *
 * @returns null where there was nothing to do
 * @throws RebuildError, or what the database says; the marks stay then
 */
export function takeStep(
  db: Kysely<Database>,
  { workspaceId, audienceId, now }: AudienceReference & { readonly now: Date },
): Promise<Step | null> {
  return changeWorkspace(db, workspaceId, async (transaction) => {
    await sql`select set_config('jit', 'off', true)`.execute(transaction);
    const audience = await lockAudience(transaction, { workspaceId, audienceId }, 'skip');
    if (audience === null) return null;
    const isIts = sql`t.workspace_id = ${workspaceId} and t.audience_id = ${audienceId}`;
    const { rows } = await sql<TakenRow>`
      with due as materialized (
        select t.profile_id from audience_check t where ${isIts} and t.check_at <= ${now}
        order by t.check_at limit ${sql.lit(MARKS_PER_STEP)}),
      picked as materialized (
        select t.mark_id from audience_mark t where ${isIts}
        order by t.mark_id limit ${sql.lit(MARKS_PER_STEP)} for update skip locked),
      taken as (
        delete from audience_mark t using picked
        where ${isIts} and t.mark_id = picked.mark_id
        returning t.profile_id, t.marked_at)
      select profile_id, max(extract(epoch from clock_timestamp() - marked_at) * 1000)::double precision as waited_ms,
        (select greatest(count(*), (select count(*) from due)) from picked)::integer as taken
      from (
        select profile_id, marked_at from taken
        union all
        select profile_id, null from due) as found
      group by profile_id`.execute(transaction);
    if (rows.length === 0) return null;
    const isMarked = rows.some((row) => row.waited_ms !== null);
    const { entered, exited } = await evaluateAudience(transaction, {
      audience,
      profileIds: rows.map((row) => row.profile_id),
      now,
      cause: isMarked ? 'event' : 'clock',
    });
    const waitedMs = isMarked ? Math.max(...rows.map((row) => row.waited_ms ?? 0)) : null;
    return { evaluated: rows.length, entered, exited, waitedMs, isLast: rows[0]!.taken < MARKS_PER_STEP };
  });
}

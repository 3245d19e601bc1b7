/** Rebuilds that run, as every process can see them: by the lock that each holds. */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { listWorkspacesWithAudiences } from './audience-steps';
import { inWorkspace } from './connect';
import type { Database } from './tables';

/** Whether a row of pg_locks is the rebuild of an audience. */
export const IS_REBUILD = sql`
  locktype = 'advisory' and objsubid = 2
  and database = (select oid from pg_database where datname = current_database())
  and classid::bigint = (hashtext('throughline.rebuild')::bigint & 4294967295)`;

/** Of which audience it is, given its ID: pg_locks has the bits of a number without a sign. */
export const rebuildHash = (audienceId: RawBuilder<unknown>) =>
  sql`(hashtext(${audienceId}::text)::bigint & 4294967295)`;

/** Rows of hash and for_ms, how long it has run by the database's clock. */
export const RUNNING_REBUILDS = sql`
  select l.objid::bigint as hash, max(extract(epoch from clock_timestamp() - b.xact_start) * 1000) as for_ms
  from pg_locks l left join pg_stat_activity b on b.pid = l.pid
  where ${IS_REBUILD} and l.granted
  group by l.objid`;

/**
 * How long the rebuild of an audience a is expected to take, given the row r of its last one: as long as that; the first
 * time, as long as the longest of the workspace's other ones; null where there is none.
 */
export const EXPECTED_MS = sql`
  coalesce(r.duration_ms, (
    select max(others.duration_ms) from audience_rebuild others where others.workspace_id = a.workspace_id))`;

/**
 * How far a rebuild is, in per cent of that time. An estimate: one statement finds all members, so that readers see
 * those from before or from after, and Postgres does not say how far a statement is. (Not done: a statement for each
 * part of the profiles. What they did lies in order of time, so that each part would read all events again.)
 */
export const progressOf = (forMs: RawBuilder<unknown>) => sql`
  case when ${forMs} is not null and ${EXPECTED_MS} is not null
    then floor(least(99, 100 * ${forMs} / greatest(${EXPECTED_MS}, 1)))::integer end`;

/** The rebuilds of all workspaces. */
export interface RunningRebuilds {
  readonly running: number;
  /** That of the one that is least far, in per cent; null where none runs, or it was never done before. */
  readonly leastPercent: number | null;
}

export async function readRunningRebuilds(db: Kysely<Database>): Promise<RunningRebuilds> {
  const { rows } = await sql<{ running: number }>`
    select count(*) as running from (${RUNNING_REBUILDS}) as all_of_them`.execute(db);
  const { running } = rows[0]!;
  if (running === 0) return { running, leastPercent: null };
  const known: number[] = [];
  for (const workspaceId of await listWorkspacesWithAudiences(db)) {
    const its = await inWorkspace(db, workspaceId, (transaction) =>
      sql<{ percent: number | null }>`
        select min(${progressOf(sql`running.for_ms`)}) as percent
        from (${RUNNING_REBUILDS}) as running
        join audience a on ${rebuildHash(sql`a.audience_id`)} = running.hash
        left join audience_rebuild r on r.workspace_id = a.workspace_id and r.audience_id = a.audience_id
        where a.workspace_id = ${workspaceId}`.execute(transaction),
    );
    const percent = its.rows[0]?.percent ?? null;
    if (percent !== null) known.push(percent);
  }
  return { running, leastPercent: known.length === 0 ? null : Math.min(...known) };
}

/** Events go when their workspace keeps them no longer: by whole months, which costs nothing, or row by row. */
import { type Kysely, sql, type Transaction } from 'kysely';
import { changeWorkspace } from './connect';
import { listMonthlyPartitions, LOCK_TIMEOUT, type MonthlyPartition } from './partitions';
import type { Database } from './tables';

/** A transaction deletes no more than this, so that it neither runs long nor keeps much locked. */
const ROWS_PER_DELETE = 5_000;
const IS_LOCKED = '55P03';

/**
 * Drops the monthly partitions whose end every workspace's retention has passed. One workspace that keeps everything
 * keeps them all. (Detaching concurrently, which would not lock, is not possible beside a default partition.)
 *
 * @returns their names; one that somebody is reading is left to the next time
 */
export async function dropExpiredPartitions(db: Kysely<Database>, now: Date): Promise<string[]> {
  const dropped: string[] = [];
  for (const partition of await listMonthlyPartitions(db)) {
    const isDropped = await db
      .transaction()
      .execute((transaction) => dropIfExpired(transaction, { partition, now }))
      .catch((error: { code?: unknown }) => {
        if (error.code !== IS_LOCKED) throw error;
        return false;
      });
    if (isDropped) dropped.push(partition.name);
  }
  return dropped;
}

/** Looks and drops in one transaction: a workspace that was told to keep more in between keeps it. */
async function dropIfExpired(
  transaction: Transaction<Database>,
  { partition, now }: { partition: MonthlyPartition; now: Date },
): Promise<boolean> {
  await sql`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`.execute(transaction);
  // The same lock as those who create partitions take, and one that keeps workspaces as they are.
  await sql`select pg_advisory_xact_lock(hashtext('throughline.event_partitions'))`.execute(transaction);
  await sql`lock table workspace in share mode`.execute(transaction);
  const { rows } = await sql<{ is_expired: boolean }>`
    select count(*) > 0
       and coalesce(bool_and(${partition.end}::timestamptz <= ${now}::timestamptz - make_interval(days => retention_days)), false)
       and count(*) = count(retention_days)
       and to_regclass(${partition.name}) is not null as is_expired
    from workspace`.execute(transaction);
  if (!rows[0]!.is_expired) return false;
  await sql`drop table ${sql.table(partition.name)}`.execute(transaction);
  return true;
}

export interface Expiry {
  readonly workspaceId: string;
  readonly now: Date;
  /** Whether to stop after the batch at hand. */
  readonly isClosed: () => boolean;
}

/**
 * Deletes a workspace's events from the months that lie wholly beyond its retention, batch by batch: for those months
 * that another workspace still keeps, and for what lies beside the monthly partitions.
 *
 * @returns how many events were deleted
 */
export async function deleteExpiredEvents(
  db: Kysely<Database>,
  { workspaceId, now, isClosed }: Expiry,
): Promise<number> {
  const before = await expiryOf(db, workspaceId, now);
  if (before === null) return 0;
  let deleted = 0;
  for (let batch = ROWS_PER_DELETE; batch === ROWS_PER_DELETE && !isClosed();) {
    batch = await deleteBatch(db, workspaceId, before);
    deleted += batch;
  }
  return deleted;
}

/** The beginning of the first month that is kept at least in part; null where everything is kept. */
async function expiryOf(db: Kysely<Database>, workspaceId: string, now: Date): Promise<Date | null> {
  const { rows } = await sql<{ before: Date | null }>`
    select date_trunc('month', (${now}::timestamptz - make_interval(days => retention_days)) at time zone 'UTC')
      at time zone 'UTC' as before
    from workspace
    where workspace_id = ${workspaceId}`.execute(db);
  return rows[0]?.before ?? null;
}

function deleteBatch(db: Kysely<Database>, workspaceId: string, before: Date): Promise<number> {
  return changeWorkspace(db, workspaceId, async (transaction) => {
    const { numAffectedRows } = await sql`
      delete from event
      using (
        select received_at, message_id
        from event
        where workspace_id = ${workspaceId} and received_at < ${before}
        limit ${ROWS_PER_DELETE}
      ) as expired
      where event.workspace_id = ${workspaceId}
        and event.received_at = expired.received_at
        and event.message_id = expired.message_id
        and event.received_at < ${before}`.execute(transaction);
    return Number(numAffectedRows ?? 0);
  });
}

import { type Kysely, sql } from 'kysely';
import { listWorkspaceIds } from './audiences';
import { inWorkspace } from './connect';
import type { Database } from './tables';

/**
 * Creating a partition locks the whole table for a moment. Where a long read is in the way, every writer would queue
 * behind us: better to give up soon and come back, as there are months of time.
 */
export const LOCK_TIMEOUT = '1s';

/** This month's partition and the two after it. */
export const MONTHS_AHEAD = 3;

/** Events of the month lie in the default partition already (check_violation). */
const IS_OCCUPIED = '23514';

/**
 * Creates the monthly partitions (UTC) that are missing, from the month of `from` on.
 *
 * @returns the months, as "2026-01", whose events already lie in the default partition: they stay there, readable as
 *   any other, but are not dropped with a partition of their own
 */
export async function ensureEventPartitions(
  db: Kysely<Database>,
  { from, months }: { from: Date; months: number },
): Promise<string[]> {
  const occupied: string[] = [];
  // Each in a transaction of its own, so that one that cannot be created does not keep the others from it.
  for (let step = 0; step < months; step += 1) {
    const first = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + step))
      .toISOString()
      .slice(0, 10);
    await ensureEventPartition(db, first).catch((error: { code?: unknown }) => {
      if (error.code !== IS_OCCUPIED) throw error;
      occupied.push(first.slice(0, 7));
    });
  }
  return occupied;
}

function ensureEventPartition(db: Kysely<Database>, firstDay: string): Promise<unknown> {
  return db.transaction().execute(async (transaction) => {
    await sql`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`.execute(transaction);
    await sql`select ensure_event_partitions(${firstDay}::date, 1)`.execute(transaction);
  });
}

export interface MonthlyPartition {
  /** As "event_2026_01". */
  readonly name: string;
  /** The first moment after its month. */
  readonly end: Date;
}

/** The monthly partitions that exist, oldest first. */
export async function listMonthlyPartitions(db: Kysely<Database>): Promise<MonthlyPartition[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'event'::regclass and c.relname ~ '^event_\\d{4}_\\d{2}$'
    order by c.relname`.execute(db);
  return rows.map(({ name }) => ({ name, end: endOf(name) }));
}

function endOf(name: string): Date {
  const [, year, month] = name.split('_').map(Number);
  return new Date(Date.UTC(year!, month!));
}

/** Until when there is a partition for every moment from `from` on; `from` where there is none for now. */
export async function findPartitionsEnd(db: Kysely<Database>, from: Date): Promise<Date> {
  let covered = from;
  for (const { end } of await listMonthlyPartitions(db)) {
    const begin = new Date(Date.UTC(end.getUTCFullYear(), end.getUTCMonth() - 1));
    if (begin <= covered && end > covered) covered = end;
  }
  return covered;
}

/** Events of all workspaces that lie beside the monthly partitions. */
export async function countDefaultPartitionEvents(db: Kysely<Database>): Promise<number> {
  // Nearly always: then no workspace needs to be asked. It counts pages, so it errs towards asking.
  const { rows } = await sql<{ bytes: number }>`select pg_relation_size('event_default') as bytes`.execute(
    db,
  );
  if (rows[0]!.bytes === 0) return 0;
  let count = 0;
  for (const workspaceId of await listWorkspaceIds(db)) {
    count += await inWorkspace(db, workspaceId, async (transaction) => {
      const { rows: counted } = await sql<{ count: number }>`
        select count(*) as count from event_default where workspace_id = ${workspaceId}`.execute(transaction);
      return counted[0]!.count;
    });
  }
  return count;
}

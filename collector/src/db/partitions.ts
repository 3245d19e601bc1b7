import { type Kysely, sql } from 'kysely';
import type { Database } from './tables';

/**
 * Creating a partition locks the whole table for a moment. Where a long read is in the way, every writer would queue
 * behind us: better to give up soon and come back, as there are months of time.
 */
const LOCK_TIMEOUT = '1s';

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

import { type Kysely, sql } from 'kysely';
import type { Database } from './tables';

/**
 * Creating a partition locks the whole table for a moment. Where a long read is in the way, every writer would queue
 * behind us: better to give up soon and come back, as there are months of time.
 */
const LOCK_TIMEOUT = '1s';

/** Creates the monthly partitions (UTC) that are missing, from the month of `from` on; answers how many. */
export async function ensureEventPartitions(
  db: Kysely<Database>,
  { from, months }: { from: Date; months: number },
): Promise<number> {
  const day = from.toISOString().slice(0, 10);
  return db.transaction().execute(async (transaction) => {
    await sql`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`.execute(transaction);
    const { rows } = await sql<{ created: number }>`
      select ensure_event_partitions(${day}::date, ${months}::integer) as created`.execute(transaction);
    return rows[0]!.created;
  });
}

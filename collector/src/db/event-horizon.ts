/**
 * Up to which moment everything that was received is there to be read. `received_at` is taken when a request arrives,
 * long before its commit, and by clocks of several machines: what was received before a moment may become visible at any
 * time after it. So the moment is written down first, as `workspace.exported_until`. Who writes events reads it behind
 * its first write, and writes nothing that was received before it: such events are given that moment as `received_at`
 * (ingest/received-late.ts). Who wrote before holds a lock on the table of events, which shows in pg_locks until its end.
 * So once those who held one are gone, no event received before the moment can appear any more.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import { changeWorkspace } from './connect';
import type { Database } from './tables';

/** What runs longer than this is no group of events. */
const BETWEEN_LOOKS_MS = 10;

/**
 * Fixes a moment for ever, or takes a later one that was fixed before as it is.
 *
 * @param until not later than the database's own clock by then, or it is that clock's time: a wrong clock shall not
 *   move what will be received
 * @returns the moment
 */
export async function fixHorizon(db: Kysely<Database>, workspaceId: string, until: Date): Promise<Date> {
  return changeWorkspace(db, workspaceId, async (transaction) => {
    const { rows } = await sql<{ until: Date }>`
      with wanted as (
        select least(${until}::timestamptz, date_trunc('milliseconds', clock_timestamp())) as until)
      update workspace set exported_until = greatest(exported_until, wanted.until)
      from wanted
      where workspace_id = ${workspaceId}
      returning wanted.until`.execute(transaction);
    return rows[0]!.until;
  });
}

/**
 * Waits until all who write events and may not have known the horizon are over.
 *
 * @param mayGoOn asked between two looks; throws to give up
 */
export async function awaitWriters(db: Kysely<Database>, mayGoOn: () => void | Promise<void>): Promise<void> {
  let writers = await readWriters(db, null);
  while (writers.length > 0) {
    await wait(BETWEEN_LOOKS_MS);
    await mayGoOn();
    writers = await readWriters(db, writers);
  }
}

/** Of the transactions, or of all, those that hold what an insert into the table of events takes. */
async function readWriters(
  db: Kysely<Database>,
  among: readonly string[] | null,
): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select distinct virtualtransaction as id from pg_locks
    where locktype = 'relation' and mode = 'RowExclusiveLock' and relation = 'event'::regclass
      and database = (select oid from pg_database where datname = current_database())
      and (${among}::text[] is null or virtualtransaction = any(${among}::text[]))`.execute(db);
  return rows.map(({ id }) => id);
}

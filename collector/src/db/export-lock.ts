import { type Kysely, sql } from 'kysely';
import type { Database } from './tables';

/**
 * Does work of which a workspace has one at a time, whichever process does it. The lock is a transaction's, so that
 * nothing stays behind on a pooled connection; it reads nothing and so holds nobody up.
 *
 * @param work is given what says whether the lock is still there: it throws where the connection was lost
 * @returns null where another one is at it
 */
export async function whileExporting<T>(
  db: Kysely<Database>,
  workspaceId: string,
  work: (assertHeld: () => Promise<void>) => Promise<T>,
): Promise<T | null> {
  const transaction = await db.startTransaction().setIsolationLevel('read committed').execute();
  try {
    const { rows } = await sql<{ has_it: boolean }>`
      select pg_try_advisory_xact_lock(hashtext('throughline.export'), hashtext(${workspaceId})) as has_it`.execute(
      transaction,
    );
    if (!rows[0]!.has_it) return null;
    return await work(async () => void (await sql`select 1`.execute(transaction)));
  } finally {
    // Where the connection is gone, so is the lock.
    await transaction
      .rollback()
      .execute()
      .catch(() => undefined);
  }
}

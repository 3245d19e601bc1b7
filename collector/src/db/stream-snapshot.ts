import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from './tables';

/**
 * What `read` hands out, piece by piece, of one moment of a workspace, for as long as whoever takes it goes on: a
 * read-only transaction in which it may declare cursors, so memory is flat on both sides and no session is needed.
 * Ending the iteration early ends the transaction.
 */
export async function* streamSnapshot<Piece>(
  db: Kysely<Database>,
  workspaceId: string,
  read: (transaction: Transaction<Database>) => AsyncGenerator<Piece, void, undefined>,
): AsyncGenerator<Piece, void, undefined> {
  const transaction = await db
    .startTransaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute();
  let isDone = false;
  try {
    await sql`
      select set_config('throughline.workspace', ${workspaceId}, true), set_config('jit', 'off', true),
        set_config('lock_timeout', '5s', true)`.execute(transaction);
    yield* read(transaction);
    isDone = true;
  } finally {
    // Where the connection is gone there is nothing to roll back, and the first error is the one to tell.
    if (isDone) await transaction.commit().execute();
    else
      await transaction
        .rollback()
        .execute()
        .catch(() => undefined);
  }
}

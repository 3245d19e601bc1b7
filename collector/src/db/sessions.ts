import { type Kysely, sql, type Transaction } from 'kysely';
import { hashToken } from '../core/key';
import { changeWorkspace } from './connect';
import type { Database } from './tables';

/** A ticket is for the next minutes, and for once. */
export const TICKET_LIFETIME_MS = 15 * 60_000;
export const SESSION_LIFETIME_MS = 7 * 24 * 3_600_000;

/** Keeps the hash of a one-time ticket by which the console is entered. */
export async function createConsoleTicket(
  db: Kysely<Database>,
  { workspaceId, ticket, now }: { workspaceId: string; ticket: string; now: Date },
): Promise<void> {
  await changeWorkspace(db, workspaceId, async (transaction) => {
    await transaction.deleteFrom('console_ticket').where('expires_at', '<=', now).execute();
    await transaction.deleteFrom('console_session').where('expires_at', '<=', now).execute();
    await transaction
      .insertInto('console_ticket')
      .values({
        workspace_id: workspaceId,
        hash: hashToken(ticket),
        expires_at: new Date(now.getTime() + TICKET_LIFETIME_MS),
      })
      .execute();
  });
}

/**
 * Spends a ticket and opens a session under the given token.
 *
 * @returns whether the ticket was good; a spent, expired or unknown one opens nothing
 */
export async function redeemTicket(
  db: Kysely<Database>,
  { ticket, session, now }: { ticket: string; session: string; now: Date },
): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    await present(transaction, ticket);
    const spent = await transaction
      .deleteFrom('console_ticket')
      .where('hash', '=', hashToken(ticket))
      .where('expires_at', '>', now)
      .returning('workspace_id')
      .executeTakeFirst();
    if (spent === undefined) return false;
    await sql`select set_config('throughline.workspace', ${spent.workspace_id}, true)`.execute(transaction);
    await transaction
      .insertInto('console_session')
      .values({
        workspace_id: spent.workspace_id,
        hash: hashToken(session),
        expires_at: new Date(now.getTime() + SESSION_LIFETIME_MS),
      })
      .execute();
    return true;
  });
}

/** The workspace that a session is signed in to, or null. */
export async function findSession(
  db: Kysely<Database>,
  { session, now }: { session: string; now: Date },
): Promise<string | null> {
  return db.transaction().execute(async (transaction) => {
    await present(transaction, session);
    const row = await transaction
      .selectFrom('console_session')
      .select('workspace_id')
      .where('hash', '=', hashToken(session))
      .where('expires_at', '>', now)
      .executeTakeFirst();
    return row?.workspace_id ?? null;
  });
}

export async function deleteSession(db: Kysely<Database>, session: string): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await present(transaction, session);
    await transaction.deleteFrom('console_session').where('hash', '=', hashToken(session)).execute();
  });
}

/** Row-level security shows the one row whose hash is presented, before the workspace is known. */
async function present(transaction: Transaction<Database>, token: string): Promise<void> {
  const hash = hashToken(token).toString('hex');
  await sql`select set_config('throughline.credential', ${hash}, true)`.execute(transaction);
}

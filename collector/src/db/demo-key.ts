import type { Kysely } from 'kysely';
import { inWorkspace } from './connect';
import { findFirstWorkspace } from './keys';
import type { Database } from './tables';

/** A write key of the first workspace, for the demo shop's page; null where there is none that can be shown. */
export async function readDemoWriteKey(db: Kysely<Database>): Promise<string | null> {
  const workspaceId = await findFirstWorkspace(db);
  if (workspaceId === null) return null;
  const key = await inWorkspace(db, workspaceId, (transaction) =>
    transaction
      .selectFrom('access_key')
      .select('token')
      .where('workspace_id', '=', workspaceId)
      .where('kind', '=', 'write')
      .where('token', 'is not', null)
      .where('revoked_at', 'is', null)
      .orderBy('created_at')
      .executeTakeFirst(),
  );
  return key?.token ?? null;
}

import type { Kysely } from 'kysely';
import { inWorkspace } from './connect';
import type { Database } from './tables';

/** A write key of the first workspace, for the demo shop's page; null where there is none that can be shown. */
export async function readDemoWriteKey(db: Kysely<Database>): Promise<string | null> {
  const first = await db
    .selectFrom('workspace')
    .select('workspace_id')
    .orderBy('created_at')
    .orderBy('workspace_id')
    .executeTakeFirst();
  if (first === undefined) return null;
  const key = await inWorkspace(db, first.workspace_id, (transaction) =>
    transaction
      .selectFrom('access_key')
      .select('token')
      .where('workspace_id', '=', first.workspace_id)
      .where('kind', '=', 'write')
      .where('token', 'is not', null)
      .where('revoked_at', 'is', null)
      .orderBy('created_at')
      .executeTakeFirst(),
  );
  return key?.token ?? null;
}

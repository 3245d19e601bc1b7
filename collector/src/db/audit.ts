import { type Kysely, sql } from 'kysely';
import type { Cursor } from '../core/cursor';
import { instants, jsons, texts, uuids } from './columns';
import type { Querier } from './querier';
import type { Database } from './tables';

/** Who did what by hand, and when. Never about whom: an entry outlives the erasure of whom it is about. */
export interface AuditEntry {
  /** A UUIDv7. */
  readonly entryId: string;
  readonly at: Date;
  /** The key, or the console: as access.ts names whoever asks. */
  readonly actor: string;
  /** Noun and verb, e.g. "claim.void". */
  readonly action: string;
  /** Numbers, and hashes of identifiers at most. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** In the transaction of what it tells of, so that both are there or neither is. */
export async function insertAuditEntry(
  client: Querier,
  workspaceId: string,
  { entryId, at, actor, action, detail }: AuditEntry,
): Promise<void> {
  await client.query(
    `insert into audit_entry (workspace_id, entry_id, at, actor, action, detail)
     select $1, given.* from unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::jsonb[]) as given`,
    [
      workspaceId,
      uuids([entryId]),
      instants([at.getTime()]),
      texts([actor]),
      texts([action]),
      jsons([JSON.stringify(detail)]),
    ],
  );
}

/** A page of what was done, newest first. */
export async function listAuditEntries(
  db: Kysely<Database>,
  workspaceId: string,
  { limit, after }: { limit: number; after: Cursor | null },
): Promise<AuditEntry[]> {
  const rows = await db
    .selectFrom('audit_entry')
    .select(['entry_id', 'at', 'actor', 'action', 'detail'])
    .where('workspace_id', '=', workspaceId)
    .$if(after !== null, (query) => query.where('entry_id', '<', sql<string>`${after!.id}::uuid`))
    .orderBy('entry_id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ entry_id: entryId, ...entry }) => ({ entryId, ...entry }));
}

import { instants, jsons, texts, uuids } from './columns';
import type { Querier } from './querier';

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

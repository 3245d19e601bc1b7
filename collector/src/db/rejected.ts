import { type Kysely, sql } from 'kysely';
import type { Cursor } from '../core/cursor';
import { changeWorkspace } from './connect';
import type { Database } from './tables';

/** An event that was refused, as the API shows it. */
export interface RejectedEvent {
  readonly id: string;
  readonly receivedAt: Date;
  readonly messageId: string | null;
  readonly code: string;
  readonly message: string;
  /** Its beginning, as JSON text that may be cut short. */
  readonly payload: string;
  readonly source: { readonly id: string; readonly name: string | null };
}

export interface RejectedQuery {
  readonly code: string | null;
  readonly sourceId: string | null;
  readonly from: Date | null;
  /** Exclusive. */
  readonly to: Date | null;
  readonly limit: number;
  readonly after: Cursor | null;
}

/** A page of refused events, newest first, by the primary key read backwards. */
export async function listRejected(
  db: Kysely<Database>,
  workspaceId: string,
  { code, sourceId, from, to, limit, after }: RejectedQuery,
): Promise<RejectedEvent[]> {
  const rows = await db
    .selectFrom('rejected_event as r')
    .leftJoin('source as s', (join) =>
      join.onRef('s.workspace_id', '=', 'r.workspace_id').onRef('s.source_id', '=', 'r.source_id'),
    )
    .select([
      'rejected_id',
      'received_at',
      'message_id',
      'code',
      'reason',
      'payload',
      'r.source_id',
      's.name',
    ])
    .where('r.workspace_id', '=', workspaceId)
    .$if(code !== null, (query) => query.where('code', '=', code!))
    .$if(sourceId !== null, (query) => query.where('r.source_id', '=', sourceId!))
    .$if(from !== null, (query) => query.where('received_at', '>=', from!))
    .$if(to !== null, (query) => query.where('received_at', '<', to!))
    .$if(after !== null, (query) =>
      query.where(
        sql<boolean>`(received_at, rejected_id) < (${new Date(after!.at)}::timestamptz, ${after!.id}::uuid)`,
      ),
    )
    .orderBy('received_at', 'desc')
    .orderBy('rejected_id', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    id: row.rejected_id,
    receivedAt: row.received_at,
    messageId: row.message_id,
    code: row.code,
    message: row.reason,
    payload: row.payload,
    source: { id: row.source_id, name: row.name },
  }));
}

/**
 * Deletes a workspace's oldest refused events, those received before a moment, in a transaction of its own.
 *
 * @param limit so many at most: a delete of millions would hold its locks, and its snapshot, for minutes
 * @returns how many
 */
export function deleteRejectedBefore(
  db: Kysely<Database>,
  workspaceId: string,
  { before, limit }: { before: Date; limit: number },
): Promise<number> {
  return changeWorkspace(db, workspaceId, async (transaction) => {
    // Two processes may do this at once: each takes rows that the other one does not have.
    const { numAffectedRows } = await sql`
      delete from rejected_event
      where (workspace_id, received_at, rejected_id) in (
        select workspace_id, received_at, rejected_id from rejected_event
        where workspace_id = ${workspaceId} and received_at < ${before}
        order by received_at, rejected_id
        limit ${limit}
        for update skip locked)`.execute(transaction);
    return Number(numAffectedRows ?? 0);
  });
}

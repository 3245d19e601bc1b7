/** Refused events, for whoever looks for somebody in them. */
import { type Kysely, sql } from 'kysely';
import type { Database } from './tables';

/** A refused event, as whoever looks for somebody in it needs it. */
export interface RefusedRow {
  readonly receivedAt: Date;
  readonly id: string;
  readonly payload: string;
}

/** The next refused events, oldest first, after a place in their order. */
export async function readRefusedAfter(
  db: Kysely<Database>,
  workspaceId: string,
  { after, limit }: { after: Pick<RefusedRow, 'receivedAt' | 'id'> | null; limit: number },
): Promise<RefusedRow[]> {
  const place =
    after === null
      ? sql`true`
      : sql`(received_at, rejected_id) > (${after.receivedAt}::timestamptz, ${after.id}::uuid)`;
  const { rows } = await sql<{ received_at: Date; rejected_id: string; payload: string }>`
    select received_at, rejected_id, payload from rejected_event
    where workspace_id = ${workspaceId} and ${place}
    order by received_at, rejected_id
    limit ${limit}`.execute(db);
  return rows.map((row) => ({ receivedAt: row.received_at, id: row.rejected_id, payload: row.payload }));
}

export async function deleteRefused(
  db: Kysely<Database>,
  workspaceId: string,
  refused: readonly RefusedRow[],
): Promise<void> {
  if (refused.length === 0) return;
  await sql`
    delete from rejected_event
    where workspace_id = ${workspaceId}
      and (received_at, rejected_id) in (
        select * from unnest(${refused.map((row) => row.receivedAt)}::timestamptz[],
                             ${refused.map((row) => row.id)}::uuid[]))`.execute(db);
}

import { type Kysely, sql } from 'kysely';
import type { Cursor } from '../core/cursor';
import { instants, texts, uuids } from './columns';
import type { Querier } from './querier';
import type { NamedSubject } from './subjects';
import type { Database } from './tables';
import type { Signed } from './voids';

/** The source user belongs to the target user. */
export interface Link {
  readonly sourceId: string;
  readonly targetId: string;
}

/** The links in which one of these users is source or target. */
export async function readLinksOf(
  client: Querier,
  workspaceId: string,
  userIds: readonly string[],
): Promise<Link[]> {
  const { rows } = await client.query<{ source_id: string; target_id: string }>(
    `select source_id, target_id from profile_link
     where workspace_id = $1 and (source_id = any($2::uuid[]) or target_id = any($2::uuid[]))`,
    [workspaceId, uuids(userIds)],
  );
  return rows.map((row) => ({ sourceId: row.source_id, targetId: row.target_id }));
}

export async function insertLink(
  client: Querier,
  workspaceId: string,
  { sourceId, targetId, id, at, actor }: Link & Signed,
): Promise<void> {
  await client.query(
    `insert into profile_link (workspace_id, source_id, target_id, link_id, linked_at, linked_by)
     select $1, given.* from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::text[]) as given`,
    [
      workspaceId,
      uuids([sourceId]),
      uuids([targetId]),
      uuids([id]),
      instants([at.getTime()]),
      texts([actor]),
    ],
  );
}

export async function deleteLink(client: Querier, workspaceId: string, sourceId: string): Promise<void> {
  await client.query(`delete from profile_link where workspace_id = $1 and source_id = any($2::uuid[])`, [
    workspaceId,
    uuids([sourceId]),
  ]);
}

/** A link as it is shown. */
export interface ShownLink {
  readonly id: string;
  readonly source: NamedSubject;
  readonly target: NamedSubject;
  readonly linkedAt: Date;
  readonly linkedBy: string;
}

/** Links, newest first: a page of them, or the one of a source. */
export async function listLinks(
  db: Kysely<Database>,
  workspaceId: string,
  { limit, after, sourceId }: { limit: number; after: Cursor | null; sourceId?: string },
): Promise<ShownLink[]> {
  const place =
    after === null ? sql`true` : sql`(l.linked_at, l.link_id) < (${new Date(after.at)}, ${after.id}::uuid)`;
  const which = sourceId === undefined ? sql`true` : sql`l.source_id = ${sourceId}::uuid`;
  const { rows } = await sql<{
    link_id: string;
    source: NamedSubject;
    target: NamedSubject;
    linked_at: Date;
    linked_by: string;
  }>`
    select l.link_id, l.linked_at, l.linked_by,
      jsonb_build_object('id', s.subject_id, 'kind', s.kind, 'value', s.value) as source,
      jsonb_build_object('id', t.subject_id, 'kind', t.kind, 'value', t.value) as target
    from profile_link l
    join subject s on s.workspace_id = l.workspace_id and s.subject_id = l.source_id
    join subject t on t.workspace_id = l.workspace_id and t.subject_id = l.target_id
    where l.workspace_id = ${workspaceId} and ${place} and ${which}
    order by l.linked_at desc, l.link_id desc
    limit ${limit}`.execute(db);
  return rows.map((row) => ({
    id: row.link_id,
    source: row.source,
    target: row.target,
    linkedAt: row.linked_at,
    linkedBy: row.linked_by,
  }));
}

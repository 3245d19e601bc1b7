import { type Kysely, sql } from 'kysely';
import type { Cursor } from '../core/cursor';
import type { Pair } from '../core/identity';
import { instants, texts, uuids } from './columns';
import type { Querier } from './querier';
import type { NamedSubject } from './subjects';
import type { Database } from './tables';

/** Who took a pair out of the claims, or linked two users, and when. */
export interface Signed {
  /** A UUIDv7. */
  readonly id: string;
  readonly at: Date;
  readonly actor: string;
}

export async function insertVoid(
  client: Querier,
  workspaceId: string,
  { weakerId, strongerId, id, at, actor }: Pair & Signed,
): Promise<void> {
  await client.query(
    `insert into claim_void (workspace_id, weaker_id, stronger_id, void_id, voided_at, voided_by)
     select $1, given.* from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::text[]) as given`,
    [
      workspaceId,
      uuids([weakerId]),
      uuids([strongerId]),
      uuids([id]),
      instants([at.getTime()]),
      texts([actor]),
    ],
  );
}

export async function deleteVoid(
  client: Querier,
  workspaceId: string,
  { weakerId, strongerId }: Pair,
): Promise<void> {
  await client.query(
    `delete from claim_void
     where workspace_id = $1 and weaker_id = any($2::uuid[]) and stronger_id = any($3::uuid[])`,
    [workspaceId, uuids([weakerId]), uuids([strongerId])],
  );
}

/** A void as it is shown. */
export interface ShownVoid {
  readonly id: string;
  readonly weaker: NamedSubject;
  readonly stronger: NamedSubject;
  readonly voidedAt: Date;
  readonly voidedBy: string;
}

/** Voids, newest first: a page of them, or those of one pair. */
export async function listVoids(
  db: Kysely<Database>,
  workspaceId: string,
  { limit, after, pair }: { limit: number; after: Cursor | null; pair?: Pair },
): Promise<ShownVoid[]> {
  const place =
    after === null ? sql`true` : sql`(v.voided_at, v.void_id) < (${new Date(after.at)}, ${after.id}::uuid)`;
  const which =
    pair === undefined
      ? sql`true`
      : sql`v.weaker_id = ${pair.weakerId}::uuid and v.stronger_id = ${pair.strongerId}::uuid`;
  const { rows } = await sql<{
    void_id: string;
    weaker: NamedSubject;
    stronger: NamedSubject;
    voided_at: Date;
    voided_by: string;
  }>`
    select v.void_id, v.voided_at, v.voided_by,
      jsonb_build_object('id', w.subject_id, 'kind', w.kind, 'value', w.value) as weaker,
      jsonb_build_object('id', s.subject_id, 'kind', s.kind, 'value', s.value) as stronger
    from claim_void v
    join subject w on w.workspace_id = v.workspace_id and w.subject_id = v.weaker_id
    join subject s on s.workspace_id = v.workspace_id and s.subject_id = v.stronger_id
    where v.workspace_id = ${workspaceId} and ${place} and ${which}
    order by v.voided_at desc, v.void_id desc
    limit ${limit}`.execute(db);
  return rows.map((row) => ({
    id: row.void_id,
    weaker: row.weaker,
    stronger: row.stronger,
    voidedAt: row.voided_at,
    voidedBy: row.voided_by,
  }));
}

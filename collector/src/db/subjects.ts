import { type Kysely, sql } from 'kysely';
import type { IdentifierKind } from '../core/identifier';
import { uuids } from './columns';
import type { Querier } from './querier';
import type { Database } from './tables';

/** A subject and the identifier that it is known by. */
export interface NamedSubject {
  readonly id: string;
  readonly kind: IdentifierKind;
  readonly value: string;
}

/** What these subjects are; who was never seen is left out. */
export async function readKinds(
  client: Querier,
  workspaceId: string,
  subjectIds: readonly string[],
): Promise<Map<string, IdentifierKind>> {
  const { rows } = await client.query<{ subject_id: string; kind: IdentifierKind }>(
    `select subject_id, kind from subject where workspace_id = $1 and subject_id = any($2::uuid[])`,
    [workspaceId, uuids(subjectIds)],
  );
  return new Map(rows.map((row) => [row.subject_id, row.kind]));
}

/** By their IDs; who was never seen is left out. */
export async function readNames(
  db: Kysely<Database>,
  workspaceId: string,
  subjectIds: readonly string[],
): Promise<Map<string, NamedSubject>> {
  const { rows } = await sql<NamedSubject>`
    select subject_id as id, kind, value from subject
    where workspace_id = ${workspaceId} and subject_id = any(${subjectIds}::uuid[])`.execute(db);
  return new Map(rows.map((row) => [row.id, row]));
}

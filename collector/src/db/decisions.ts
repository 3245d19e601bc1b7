/** What decisions go by: versions that never change, and which of them answers. */
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Cursor } from '../core/cursor';
import type { DecisionDefinition } from '../core/decision';
import { checkDecision } from '../core/decision-check';
import { audiencesNamedIn } from '../core/decision-audiences';
import { isUuid } from '../core/uuid';
import type { Database } from './tables';

/** A decision as the API shows it, with the version that answers. */
export interface StoredDecision {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastVersion: number;
  readonly active: StoredVersion;
}

export interface StoredVersion {
  readonly version: number;
  readonly definition: DecisionDefinition;
  readonly createdAt: Date;
  /** `key:` and a key's ID, or `console`. */
  readonly createdBy: string;
}

interface DecisionReference {
  readonly workspaceId: string;
  readonly decisionId: string;
}

export interface NewVersion {
  readonly definition: DecisionDefinition;
  readonly at: Date;
  readonly by: string;
}

/**
 * Held by whoever changes which audiences decisions name, and by whoever deletes an audience: else one could be named
 * while it goes.
 */
export async function lockNaming(transaction: Transaction<Database>, workspaceId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`throughline.decisions ${workspaceId}`}, 0))`.execute(
    transaction,
  );
}

/** Adds a decision with its first version; false where its key is taken. */
export async function insertDecision(
  db: Transaction<Database>,
  workspaceId: string,
  decision: NewVersion & { readonly id: string; readonly key: string; readonly name: string },
): Promise<boolean> {
  const { id, key, name, at } = decision;
  const row = await db
    .insertInto('decision')
    .values({
      workspace_id: workspaceId,
      decision_id: id,
      key,
      name,
      active_version: 1,
      last_version: 1,
      created_at: at,
      updated_at: at,
    })
    .onConflict((conflict) => conflict.columns(['workspace_id', 'key']).doNothing())
    .returning('decision_id')
    .executeTakeFirst();
  if (row === undefined) return false;
  await insertVersion(db, { workspaceId, decisionId: id }, { ...decision, version: 1 });
  return true;
}

/** Adds a version, which answers from the commit on. */
export async function addVersion(
  db: Transaction<Database>,
  { workspaceId, decisionId }: DecisionReference,
  { name, ...written }: NewVersion & { readonly name: string | undefined },
): Promise<void> {
  const { last_version: version } = await db
    .updateTable('decision')
    .set({
      last_version: sql`last_version + 1`,
      active_version: sql`last_version + 1`,
      updated_at: written.at,
      ...(name === undefined ? {} : { name }),
    })
    .where('workspace_id', '=', workspaceId)
    .where('decision_id', '=', decisionId)
    .returning('last_version')
    .executeTakeFirstOrThrow();
  await insertVersion(db, { workspaceId, decisionId }, { ...written, version });
}

/** Lets a version answer that is there. */
export async function activateVersion(
  db: Transaction<Database>,
  { workspaceId, decisionId }: DecisionReference,
  { version, at }: { readonly version: number; readonly at: Date },
): Promise<void> {
  await db
    .updateTable('decision')
    .set({ active_version: version, updated_at: at })
    .where('workspace_id', '=', workspaceId)
    .where('decision_id', '=', decisionId)
    .execute();
}

async function insertVersion(
  db: Transaction<Database>,
  { workspaceId, decisionId }: DecisionReference,
  { version, definition, at, by }: NewVersion & { readonly version: number },
): Promise<void> {
  await db
    .insertInto('decision_version')
    .values({
      workspace_id: workspaceId,
      decision_id: decisionId,
      version,
      definition: JSON.stringify(definition),
      created_at: at,
      created_by: by,
    })
    .execute();
}

/** The decision with this ID or key, or null. */
export async function findDecision(
  db: Kysely<Database>,
  workspaceId: string,
  reference: string,
): Promise<StoredDecision | null> {
  const row = await selectDecisions(db, workspaceId)
    .where(isUuid(reference) ? 'd.decision_id' : 'd.key', '=', reference)
    .executeTakeFirst();
  return row === undefined ? null : toDecision(row);
}

/** A page of decisions, newest first. */
export async function listDecisions(
  db: Kysely<Database>,
  workspaceId: string,
  { limit, after }: { readonly limit: number; readonly after: Cursor | null },
): Promise<StoredDecision[]> {
  const place =
    after === null
      ? sql<boolean>`true`
      : sql<boolean>`(d.created_at, d.decision_id) < (${new Date(after.at)}::timestamptz, ${after.id}::uuid)`;
  const rows = await selectDecisions(db, workspaceId)
    .where(place)
    .orderBy('d.created_at', 'desc')
    .orderBy('d.decision_id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(toDecision);
}

/** Its versions, newest first, before one of them. */
export async function listVersions(
  db: Kysely<Database>,
  { workspaceId, decisionId }: DecisionReference,
  { limit, before }: { readonly limit: number; readonly before: number | null },
): Promise<StoredVersion[]> {
  const rows = await db
    .selectFrom('decision_version')
    .select(['version', 'definition', 'created_at', 'created_by'])
    .where('workspace_id', '=', workspaceId)
    .where('decision_id', '=', decisionId)
    .where('version', '<', before ?? MAX_INTEGER)
    .orderBy('version', 'desc')
    .limit(limit)
    .execute();
  return rows.map(toVersion);
}

const MAX_INTEGER = 2_147_483_647;

/** One version, or null. */
export async function findVersion(
  db: Kysely<Database>,
  { workspaceId, decisionId }: DecisionReference,
  version: number,
): Promise<StoredVersion | null> {
  const [found] = await listVersions(db, { workspaceId, decisionId }, { limit: 1, before: version + 1 });
  return found?.version === version ? found : null;
}

/** Removes a decision with all its versions; false where there is none. */
export async function deleteDecision(
  db: Transaction<Database>,
  { workspaceId, decisionId }: DecisionReference,
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('decision')
    .where('workspace_id', '=', workspaceId)
    .where('decision_id', '=', decisionId)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/** The keys of the decisions whose active versions name an audience. */
export async function listDecisionsNaming(
  db: Kysely<Database>,
  workspaceId: string,
  audience: string,
): Promise<string[]> {
  const rows = await selectDecisions(db, workspaceId).execute();
  return rows.map(toDecision).flatMap(({ key, active }) => {
    return audiencesNamedIn(active.definition).includes(audience) ? [key] : [];
  });
}

function selectDecisions(db: Kysely<Database>, workspaceId: string) {
  return db
    .selectFrom('decision as d')
    .innerJoin('decision_version as v', (join) =>
      join
        .onRef('v.workspace_id', '=', 'd.workspace_id')
        .onRef('v.decision_id', '=', 'd.decision_id')
        .onRef('v.version', '=', 'd.active_version'),
    )
    .select([
      ...(['d.decision_id', 'd.key', 'd.name', 'd.created_at', 'd.updated_at', 'd.last_version'] as const),
      ...(['v.version', 'v.definition', 'v.created_by', 'v.created_at as written_at'] as const),
    ])
    .where('d.workspace_id', '=', workspaceId);
}

type DecisionRow = Awaited<ReturnType<ReturnType<typeof selectDecisions>['execute']>>[number];

function toDecision(row: DecisionRow): StoredDecision {
  return {
    id: row.decision_id,
    key: row.key,
    name: row.name,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    lastVersion: row.last_version,
    active: toVersion({ ...row, created_at: row.written_at }),
  };
}

function toVersion(row: {
  readonly version: number;
  readonly definition: unknown;
  readonly created_at: Date;
  readonly created_by: string;
}): StoredVersion {
  return {
    version: row.version,
    definition: readDefinition(row.definition),
    createdAt: row.created_at,
    createdBy: row.created_by,
  };
}

/** What was checked when it was stored. */
export function readDefinition(stored: unknown): DecisionDefinition {
  const checked = checkDecision(stored);
  if (checked.ok) return checked.definition;
  const { path, message } = checked.problems[0]!;
  throw new Error(`The stored decision is not valid: ${path} ${message}.`);
}

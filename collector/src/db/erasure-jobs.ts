/** Erasures as jobs: which are open, and how far each is. */
import { type Kysely, sql } from 'kysely';
import type { Database } from './tables';

/** Where a job stands: one of the IDs that a regulation was asked for. */
export interface RegulationPlace {
  readonly workspaceId: string;
  readonly regulationId: string;
  readonly position: number;
}

/** Erasures that are not done, those that were asked for first. */
export async function listOpenErasures(
  db: Kysely<Database>,
  workspaceId: string,
): Promise<RegulationPlace[]> {
  const rows = await db
    .selectFrom('regulation_subject')
    .select(['regulation_id', 'position'])
    .where('workspace_id', '=', workspaceId)
    .where('status', 'in', ['pending', 'running'])
    .orderBy('regulation_id')
    .orderBy('position')
    .execute();
  return rows.map((row) => ({ workspaceId, regulationId: row.regulation_id, position: row.position }));
}

export interface OpenErasure {
  readonly subjectId: string;
  /** null where it has not begun. */
  readonly profileId: string | null;
  readonly erasedAt: Date | null;
  readonly progress: Readonly<Record<string, unknown>>;
}

/** Locks a job that is not done, for the step at hand; null where another process has it, or it is done. */
export async function lockOpenErasure(
  db: Kysely<Database>,
  { workspaceId, regulationId, position }: RegulationPlace,
): Promise<OpenErasure | null> {
  const row = await db
    .selectFrom('regulation_subject')
    .select(['subject_id', 'profile_id', 'erased_at', 'progress', 'status'])
    .where('workspace_id', '=', workspaceId)
    .where('regulation_id', '=', regulationId)
    .where('position', '=', position)
    .where('status', 'in', ['pending', 'running'])
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  if (row === undefined) return null;
  const isBegun = row.status === 'running';
  return {
    subjectId: row.subject_id!,
    profileId: isBegun ? row.profile_id : null,
    erasedAt: row.erased_at,
    progress: row.progress,
  };
}

export interface ErasureChange {
  readonly status: 'running' | 'done' | 'unknown';
  readonly profileId: string | null;
  readonly erasedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly progress: object;
}

export async function saveErasure(
  db: Kysely<Database>,
  { workspaceId, regulationId, position }: RegulationPlace,
  { status, profileId, erasedAt, finishedAt, progress }: ErasureChange,
): Promise<void> {
  await db
    .updateTable('regulation_subject')
    .set({
      status,
      profile_id: profileId,
      erased_at: erasedAt,
      finished_at: finishedAt,
      error: null,
      progress: JSON.stringify(progress),
    })
    .where('workspace_id', '=', workspaceId)
    .where('regulation_id', '=', regulationId)
    .where('position', '=', position)
    .execute();
}

/** Notes why the last step failed; it is taken again, or the step that is named. */
export async function noteErasureFailure(
  db: Kysely<Database>,
  { workspaceId, regulationId, position }: RegulationPlace,
  { error, step }: { readonly error: string; readonly step?: string },
): Promise<void> {
  const progress =
    step === undefined ? sql`progress` : sql`progress || jsonb_build_object('step', ${step}::text)`;
  await sql`
    update regulation_subject
    set error = ${error}, attempts = attempts + 1, progress = ${progress}
    where workspace_id = ${workspaceId} and regulation_id = ${regulationId} and position = ${position}`.execute(
    db,
  );
}

/** Whether one of these subjects is being erased. */
export async function isBeingErased(
  db: Kysely<Database>,
  workspaceId: string,
  subjectIds: readonly string[],
): Promise<boolean> {
  if (subjectIds.length === 0) return false;
  const row = await db
    .selectFrom('regulation_subject as r')
    .innerJoin('erasure as e', (join) =>
      join.onRef('e.workspace_id', '=', 'r.workspace_id').onRef('e.owner_id', '=', 'r.profile_id'),
    )
    .select('e.subject_id')
    .where('r.workspace_id', '=', workspaceId)
    .where('r.status', '=', 'running')
    .where('e.subject_id', 'in', [...subjectIds])
    .executeTakeFirst();
  return row !== undefined;
}

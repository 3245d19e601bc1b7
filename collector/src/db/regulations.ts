/** Regulations as jobs: what was asked for, and how far it is. */
import { type Kysely, sql } from 'kysely';
import type { Cursor } from '../core/cursor';
import type { Database } from './tables';

export const REGULATION_TYPES = ['delete', 'suppress', 'unsuppress', 'export'] as const;
export type RegulationType = (typeof REGULATION_TYPES)[number];

/** One of the IDs that a regulation was asked for. */
export interface RegulationSubject {
  /** Its index among the IDs. */
  readonly position: number;
  readonly status: 'pending' | 'running' | 'done' | 'unknown';
  /** The profile that it stands for; of an erased one nothing else is left. */
  readonly profileId: string | null;
  readonly erasedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly error: string | null;
  readonly progress: Readonly<Record<string, unknown>>;
}

export interface Regulation {
  readonly id: string;
  readonly type: RegulationType;
  readonly createdAt: Date;
  /** How many events it has kept out so far. */
  readonly dropped: number;
  readonly subjects: readonly RegulationSubject[];
}

export interface NewRegulation {
  readonly id: string;
  readonly type: RegulationType;
  readonly createdAt: Date;
  readonly subjects: readonly {
    /** null: the ID names nobody. */
    readonly subjectId: string | null;
    readonly profileId: string | null;
    readonly status: RegulationSubject['status'];
  }[];
}

export async function insertRegulation(
  db: Kysely<Database>,
  workspaceId: string,
  { id, type, createdAt, subjects }: NewRegulation,
): Promise<void> {
  await db
    .insertInto('regulation')
    .values({ workspace_id: workspaceId, regulation_id: id, type, created_at: createdAt })
    .execute();
  await db
    .insertInto('regulation_subject')
    .values(
      subjects.map(({ subjectId, profileId, status }, position) => ({
        workspace_id: workspaceId,
        regulation_id: id,
        position,
        subject_id: subjectId,
        profile_id: profileId,
        status,
        finished_at: status === 'done' ? createdAt : null,
      })),
    )
    .execute();
}

/** One regulation; null where there is none with this ID. */
export async function readRegulation(
  db: Kysely<Database>,
  workspaceId: string,
  regulationId: string,
): Promise<Regulation | null> {
  const row = await selectRegulations(db, workspaceId)
    .where('r.regulation_id', '=', regulationId)
    .executeTakeFirst();
  if (row === undefined) return null;
  return (await withSubjects(db, workspaceId, [row]))[0]!;
}

/** A page of regulations, newest first. */
export async function listRegulations(
  db: Kysely<Database>,
  workspaceId: string,
  { limit, after }: { limit: number; after: Cursor | null },
): Promise<Regulation[]> {
  const rows = await selectRegulations(db, workspaceId)
    .$if(after !== null, (query) => query.where('r.regulation_id', '<', sql<string>`${after!.id}::uuid`))
    .orderBy('r.regulation_id', 'desc')
    .limit(limit)
    .execute();
  return withSubjects(db, workspaceId, rows);
}

function selectRegulations(db: Kysely<Database>, workspaceId: string) {
  return db
    .selectFrom('regulation as r')
    .leftJoin('regulation_dropped as d', (join) =>
      join.onRef('d.workspace_id', '=', 'r.workspace_id').onRef('d.regulation_id', '=', 'r.regulation_id'),
    )
    .select(['r.regulation_id', 'r.type', 'r.created_at', 'd.events'])
    .where('r.workspace_id', '=', workspaceId);
}

async function withSubjects(
  db: Kysely<Database>,
  workspaceId: string,
  rows: readonly {
    regulation_id: string;
    type: RegulationType;
    created_at: Date;
    events: number | null;
  }[],
): Promise<Regulation[]> {
  if (rows.length === 0) return [];
  const subjects = await db
    .selectFrom('regulation_subject')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where(
      'regulation_id',
      'in',
      rows.map((row) => row.regulation_id),
    )
    .orderBy('position')
    .execute();
  return rows.map((row) => ({
    id: row.regulation_id,
    type: row.type,
    createdAt: row.created_at,
    dropped: row.events ?? 0,
    subjects: subjects
      .filter(({ regulation_id: id }) => id === row.regulation_id)
      .map((subject) => ({
        position: subject.position,
        status: subject.status,
        profileId: subject.profile_id,
        erasedAt: subject.erased_at,
        finishedAt: subject.finished_at,
        error: subject.error,
        progress: subject.progress,
      })),
  }));
}

/**
 * Raises the workspace's epoch: from the commit on, ingest looks at what is held back. Holds the workspace's row until
 * then, so changes of what people are, made by hand, come one after the other; ingest reads it without waiting.
 */
export async function raiseRegulationEpoch(db: Kysely<Database>, workspaceId: string): Promise<void> {
  await db
    .updateTable('workspace')
    .set({ regulation_epoch: sql`regulation_epoch + 1` })
    .where('workspace_id', '=', workspaceId)
    .execute();
}

/** Events that carry one of these identifiers are dropped from now on. One that is suppressed already stays so. */
export async function suppressSubjects(
  db: Kysely<Database>,
  workspaceId: string,
  {
    subjectIds,
    regulationId,
    since,
  }: { readonly subjectIds: readonly string[]; readonly regulationId: string; readonly since: Date },
): Promise<void> {
  if (subjectIds.length === 0) return;
  await sql`
    insert into suppression (workspace_id, subject_id, since, regulation_id)
    select ${workspaceId}, subject_id, ${since}, ${regulationId}
    from unnest(${subjectIds}::uuid[]) as given (subject_id)
    order by subject_id
    on conflict do nothing`.execute(db);
}

/** Events that carry these identifiers are taken again. @returns how many of them had been suppressed */
export async function unsuppressSubjects(
  db: Kysely<Database>,
  workspaceId: string,
  subjectIds: readonly string[],
): Promise<number> {
  if (subjectIds.length === 0) return 0;
  const { numDeletedRows } = await db
    .deleteFrom('suppression')
    .where('workspace_id', '=', workspaceId)
    .where('subject_id', 'in', [...subjectIds])
    .executeTakeFirst();
  return Number(numDeletedRows);
}

/**
 * The identifiers by which a profile is suppressed: the users and emails that it is, owns, or owned when it was erased;
 * an anonymous one's own ID where it has none of these. None where nobody was ever seen under the ID.
 */
export async function readSuppressible(
  db: Kysely<Database>,
  workspaceId: string,
  profileId: string,
): Promise<string[]> {
  const { rows } = await sql<{ subject_id: string; kind: string }>`
    select s.subject_id, s.kind
    from subject s
    where s.workspace_id = ${workspaceId} and s.subject_id in (
      select ${profileId}::uuid
      union
      select subject_id from ownership where workspace_id = ${workspaceId} and owner_id = ${profileId}
      union
      select subject_id from erasure where workspace_id = ${workspaceId} and owner_id = ${profileId})`.execute(
    db,
  );
  const named = rows.filter(({ kind }) => kind !== 'anonymous');
  const chosen = named.length > 0 ? named : rows.filter(({ subject_id: id }) => id === profileId);
  return chosen.map((row) => row.subject_id);
}

/** Whom a regulation of this type is about; null where there is none. */
export async function readRegulationSubjects(
  db: Kysely<Database>,
  {
    workspaceId,
    regulationId,
    type,
  }: { readonly workspaceId: string; readonly regulationId: string; readonly type: RegulationType },
): Promise<string[] | null> {
  const rows = await db
    .selectFrom('regulation_subject as s')
    .innerJoin('regulation as r', (join) =>
      join.onRef('r.workspace_id', '=', 's.workspace_id').onRef('r.regulation_id', '=', 's.regulation_id'),
    )
    .select('s.subject_id')
    .where('s.workspace_id', '=', workspaceId)
    .where('s.regulation_id', '=', regulationId)
    .where('r.type', '=', type)
    .orderBy('s.position')
    .execute();
  return rows.length === 0 ? null : rows.flatMap((row) => (row.subject_id === null ? [] : [row.subject_id]));
}

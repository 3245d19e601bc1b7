/** Erases somebody in a workspace of a test, as the worker does. */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { type IdentifierKind, subjectIdOf } from '../../src/core/identifier';
import { changeWorkspace, inWorkspace } from '../../src/db/connect';
import {
  insertRegulation,
  raiseRegulationEpoch,
  readRegulation,
  type RegulationSubject,
  suppressSubjects,
} from '../../src/db/regulations';
import { createLogger } from '../../src/logger';
import { runRegulations } from '../../src/regulation/run-regulations';
import { RECEIVED_AT, type Writing } from './writing';

export async function addWorkspace({ db }: Writing): Promise<string> {
  const workspaceId = randomUUID();
  await db.insertInto('workspace').values({ workspace_id: workspaceId, name: 'Of a test' }).execute();
  return workspaceId;
}

/** What is there no more has no work for the worker. */
export async function removeWorkspace({ db }: Writing, workspaceId: string): Promise<void> {
  await db.deleteFrom('workspace').where('workspace_id', '=', workspaceId).execute();
}

export interface ErasureOfTest {
  readonly workspaceId: string;
  /** Whom it stands for, "kind:value". */
  readonly name: string;
  readonly now: number;
  readonly maxOwners?: number;
}

function subjectNamed(workspaceId: string, name: string): string {
  const colon = name.indexOf(':');
  const [kind, value] = [name.slice(0, colon) as IdentifierKind, name.slice(colon + 1)];
  return subjectIdOf(workspaceId, { kind, value });
}

/** Takes in no more of whom a name stands for. */
export async function suppress(
  { db }: Writing,
  { workspaceId, name }: Pick<ErasureOfTest, 'workspaceId' | 'name'>,
): Promise<void> {
  await changeWorkspace(db, workspaceId, async (transaction) => {
    await raiseRegulationEpoch(transaction, workspaceId);
    await suppressSubjects(transaction, workspaceId, {
      ...{ subjectIds: [subjectNamed(workspaceId, name)], regulationId: randomUUID() },
      since: new Date(RECEIVED_AT),
    });
  });
}

/** By two processes at once; what became of it. */
export async function erase(
  { db }: Writing,
  { workspaceId, name, now, ...options }: ErasureOfTest,
): Promise<RegulationSubject> {
  const [id, subjectId] = [randomUUID(), subjectNamed(workspaceId, name)];
  await changeWorkspace(db, workspaceId, (transaction) =>
    insertRegulation(transaction, workspaceId, {
      ...{ id, type: 'delete', createdAt: new Date(RECEIVED_AT) },
      subjects: [{ subjectId, profileId: null, status: 'pending' }],
    }),
  );
  const run = () =>
    runRegulations({
      ...{ db, now: () => new Date(now), log: createLogger('silent'), isClosed: () => false },
      ...options,
    });
  for (;;) {
    await Promise.all([run(), run()]);
    const job = await inWorkspace(db, workspaceId, (transaction) =>
      readRegulation(transaction, workspaceId, id),
    );
    const subject = job!.subjects[0]!;
    expect(subject.error).toBeNull();
    if (subject.status === 'done' || subject.status === 'unknown') return subject;
  }
}

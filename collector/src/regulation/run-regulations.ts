import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { Kysely } from 'kysely';
import { MAX_OWNERS } from '../core/identity';
import { listWorkspaceIds } from '../db/audiences';
import { changeWorkspace, inWorkspace } from '../db/connect';
import {
  listOpenErasures,
  lockOpenErasure,
  noteErasureFailure,
  type OpenErasure,
  type RegulationPlace,
  saveErasure,
} from '../db/erasure-jobs';
import type { Database } from '../db/tables';
import { OwnershipChanged } from '../ingest/settle-identity';
import { ErasureIncomplete, type Progress, takeStep } from './erase-in-steps';
import { fenceProfile } from './fence-profile';

export interface RegulationsOptions {
  readonly db: Kysely<Database>;
  readonly now: () => Date;
  readonly log: Pick<FastifyBaseLogger, 'error'>;
  /** Whether to stop after the step at hand. */
  readonly isClosed: () => boolean;
  /** @default MAX_OWNERS */
  readonly maxOwners?: number;
}

/** What is in the way (a group, a transaction from before) is over soon; what is not is left to the next time. */
const TRIES = 50;
const BETWEEN_TRIES_MS = 20;

/**
 * Takes all erasures that are open as far as they go, step by step. Any number of processes may do so at once: a step
 * belongs to whoever has its job's row, and a process may be killed between any two.
 */
export async function runRegulations(options: RegulationsOptions): Promise<void> {
  const { db, log, isClosed } = options;
  if (isClosed()) return;
  for (const workspaceId of await listWorkspaceIds(db)) {
    const open = await inWorkspace(db, workspaceId, (transaction) =>
      listOpenErasures(transaction, workspaceId),
    );
    for (const place of open) {
      if (isClosed()) return;
      await runErasure(place, options).catch(async (error: unknown) => {
        // Cut off by a stop: nothing is wrong with the job.
        if (isClosed()) return;
        log.error({ err: error, ...place }, 'An erasure could not go on; it will be tried again');
        const step = error instanceof ErasureIncomplete ? { step: 'mark' } : {};
        await changeWorkspace(db, workspaceId, (transaction) =>
          noteErasureFailure(transaction, place, { error: reasonOf(error), ...step }),
        );
      });
    }
  }
}

async function runErasure(place: RegulationPlace, options: RegulationsOptions): Promise<void> {
  let triesLeft = TRIES;
  while (!options.isClosed()) {
    const outcome = await tryStep(place, options);
    if (outcome === 'done') return;
    if (outcome === 'taken') triesLeft = TRIES;
    else if ((triesLeft -= 1) > 0) await wait(BETWEEN_TRIES_MS);
    else return;
  }
}

/** done: there is nothing more to do here. waiting: something is in the way. */
type Outcome = 'done' | 'taken' | 'waiting';

async function tryStep(
  place: RegulationPlace,
  { db, now, maxOwners = MAX_OWNERS }: RegulationsOptions,
): Promise<Outcome> {
  const { workspaceId } = place;
  try {
    return await changeWorkspace(db, workspaceId, async (transaction) => {
      const job = await lockOpenErasure(transaction, place);
      if (job === null) return 'done';
      const its = { db: transaction, workspaceId };
      if (job.profileId === null) {
        const fenced = await fenceProfile(its, { ...place, subjectId: job.subjectId, now: now(), maxOwners });
        const begun = { profileId: null, erasedAt: null, finishedAt: null, ...fenced };
        const status = fenced === null ? 'unknown' : 'running';
        const progress = { step: 'mark', deleted: fenced?.deleted ?? {} };
        await saveErasure(transaction, place, { ...begun, status, progress });
        return fenced === null ? 'done' : 'taken';
      }
      return goOn(its, { place, job: { ...job, profileId: job.profileId }, now });
    });
  } catch (error) {
    if (!mayPassNextTime(error)) throw error;
    return 'waiting';
  }
}

async function goOn(
  transaction: Parameters<typeof takeStep>[0],
  {
    place,
    job,
    now,
  }: {
    readonly place: RegulationPlace;
    readonly job: OpenErasure & { readonly profileId: string };
    readonly now: () => Date;
  },
): Promise<Outcome> {
  const { profileId } = job;
  const erasedAt = job.erasedAt!;
  const profile = { workspaceId: place.workspaceId, profileId, erasedAt };
  const progress = await takeStep(transaction, { profile, progress: job.progress as unknown as Progress });
  if (progress === null) return 'waiting';
  const isDone = progress.step === 'done';
  const finishedAt = isDone ? now() : null;
  const status = isDone ? 'done' : 'running';
  await saveErasure(transaction.db, place, { status, profileId, erasedAt, finishedAt, progress });
  return isDone ? 'done' : 'taken';
}

/** As for groups: the profile came to own more while it was locked, or Postgres ended a circle of waits. */
function mayPassNextTime(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return error instanceof OwnershipChanged || code === '40001' || code === '40P01';
}

/** For the job, which never quotes the database. */
function reasonOf(error: unknown): string {
  if (error instanceof ErasureIncomplete) return error.message;
  const { code } = (error ?? {}) as { code?: unknown };
  return `The last step failed (${typeof code === 'string' ? code : 'no code'}); the log has the details.`;
}

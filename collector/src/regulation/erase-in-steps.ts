import { identifiersIn } from '../core/bad-row';
import { subjectIdOf } from '../core/identifier';
import type { Tombstone } from '../core/suppression';
import {
  areOlderOver,
  countLeft,
  deleteSomeEvents,
  readTombstones,
  readTransactionId,
} from '../db/erase-profile';
import { leaveAudience, listAudiencesOf, type OfProfile } from '../db/erase-memberships';
import { deleteRefused, readRefusedAfter, type RefusedRow } from '../db/refused-rows';
import type { WorkspaceTransaction } from './workspace-transaction';

/** What comes after the fence, in this order. Each step is one transaction, and may be the last of its process. */
export type EraseStep = 'mark' | 'events' | 'refused' | 'memberships' | 'verification' | 'done';

/** How far an erasure is; kept with its job. */
export interface Progress {
  readonly step: EraseStep;
  /** A transaction that began behind the fence: those before it may have begun in front. */
  readonly transactionId?: string;
  readonly deleted: Readonly<Record<string, number>>;
  /** The last refused event that was looked at. */
  readonly after?: { readonly receivedAt: string; readonly id: string };
  /** What a count found at the end. */
  readonly left?: Readonly<Record<string, number>>;
}

type Erased = OfProfile & { readonly erasedAt: Date };

/** Something of the profile is left, or was when it was counted: the job begins again behind the fence. */
export class ErasureIncomplete extends Error {}

const REFUSED_PER_STEP = 1_000;

/**
 * Takes one step of an erasure.
 *
 * @returns how far it is then; null where it must wait for transactions that began before the fence
 * @throws ErasureIncomplete
 */
export async function takeStep(
  transaction: WorkspaceTransaction,
  { profile, progress }: { readonly profile: Erased; readonly progress: Progress },
): Promise<Progress | null> {
  switch (progress.step) {
    case 'mark':
      return { ...progress, transactionId: await readTransactionId(transaction.db), step: 'events' };
    case 'events': {
      const events = await deleteSomeEvents(transaction.db, profile);
      return { ...count(progress, { events }), step: events > 0 ? 'events' : 'refused' };
    }
    case 'refused':
      return searchRefused(transaction, { profile, progress });
    case 'memberships': {
      const [audienceId] = await listAudiencesOf(transaction.db, profile);
      if (audienceId === undefined) return { ...progress, step: 'verification' };
      const memberships = await leaveAudience(transaction.db, profile, audienceId);
      return count(progress, { memberships });
    }
    case 'verification': {
      const left = await countLeft(transaction.db, profile);
      const found = Object.entries(left).filter(([, number]) => number > 0);
      if (found.length === 0) return { ...progress, left, step: 'done' };
      throw new ErasureIncomplete(`There is something left: ${found.map(([what]) => what).join(', ')}.`);
    }
    case 'done':
      return progress;
  }
}

function count(progress: Progress, more: Readonly<Record<string, number>>): Progress {
  const deleted: Record<string, number> = { ...progress.deleted };
  for (const [what, number] of Object.entries(more)) deleted[what] = (deleted[what] ?? 0) + number;
  return { ...progress, deleted };
}

/**
 * Looks through what was refused, a part at a time. Groups of nothing but refused events hold no lock that the fence
 * waits for, and neither do rebuilds of audiences: so all that may not have seen it yet is waited for here.
 */
async function searchRefused(
  { db, workspaceId }: WorkspaceTransaction,
  { profile, progress }: { profile: Erased; progress: Progress },
): Promise<Progress | null> {
  if (!(await areOlderOver(db, progress.transactionId!))) return null;
  const { after } = progress;
  const rows = await readRefusedAfter(db, workspaceId, {
    after: after === undefined ? null : { receivedAt: new Date(after.receivedAt), id: after.id },
    limit: REFUSED_PER_STEP,
  });
  const graves = await readTombstones(db, profile);
  const theirs = rows.filter((row) => isFrom(row, { workspaceId, graves }));
  await deleteRefused(db, workspaceId, theirs);
  const last = rows.at(-1);
  return {
    ...count(progress, { badRows: theirs.length }),
    ...(last === undefined ? {} : { after: { receivedAt: last.receivedAt.toISOString(), id: last.id } }),
    step: rows.length < REFUSED_PER_STEP ? 'memberships' : 'refused',
  };
}

/** Whether a refused event names a user or an email of the profile, or a device that was the profile's as it arrived. */
function isFrom(
  { payload, receivedAt }: RefusedRow,
  { workspaceId, graves }: { workspaceId: string; graves: readonly Tombstone[] },
): boolean {
  const at = receivedAt.getTime();
  const named = new Map(
    identifiersIn(payload).map((identifier) => [subjectIdOf(workspaceId, identifier), identifier.kind]),
  );
  return graves.some((grave) => {
    const kind = named.get(grave.subjectId);
    return kind !== undefined && (kind !== 'anonymous' || (grave.fromAt <= at && at <= grave.toAt));
  });
}

import type { Divisions } from '../core/division';
import { movesBetween } from '../core/identity';
import { createLedger } from '../core/ledger';
import { markForAll } from '../db/audience-marks';
import { readTransfers, type Transfer } from '../db/transfers';
import { replaceOwnership } from '../db/write-identity';
import { addToParts } from '../db/write-profiles';
import { ownersIn } from './mark-audiences';
import { moveHistory, partsOfMoves } from './move-history';
import type { Transaction } from './transaction';

/** What somebody changes by hand about who owns what. */
export interface Handover {
  readonly standing: Divisions;
  /** Of subjects that are locked. */
  readonly changed: Divisions;
  /** Only says what would move. */
  readonly isPreview: boolean;
  /** Looks again once the parts are locked. @throws OwnershipChanged */
  readonly confirm?: () => Promise<void>;
}

/**
 * Moves history as a group's claims do, and by the same protocol: the parts that lose and gain are written, and so
 * locked, before what moves is read. Whoever counted an event there has committed; whoever is about to waits, and sees
 * behind its parts that it must start again.
 */
export async function handOver(
  transaction: Transaction,
  { standing, changed, isPreview, confirm }: Handover,
): Promise<readonly Transfer[]> {
  const { client, workspaceId } = transaction;
  const moves = [...changed].flatMap(([id, spans]) => movesBetween(id, standing.get(id) ?? [], spans));
  if (isPreview) return readTransfers(client, workspaceId, moves);
  const ledger = createLedger();
  for (const part of partsOfMoves(moves)) ledger.add(part);
  if (moves.length > 0) await addToParts(client, workspaceId, ledger.parts());
  await confirm?.();
  const transfers = await readTransfers(client, workspaceId, moves);
  await moveHistory(transaction, { moves, after: new Map([...standing, ...changed]) });
  await replaceOwnership(client, workspaceId, changed);
  await markForAll(client, workspaceId, ownersIn(standing, changed));
  return transfers;
}

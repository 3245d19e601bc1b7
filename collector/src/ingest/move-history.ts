import type { Divisions } from '../core/division';
import type { Move } from '../core/identity';
import { createLedger, negate, type PartKey, type PartSum } from '../core/ledger';
import { mergeRegisters, NO_REGISTERS, registersWithout } from '../core/traits';
import { isSameMarks, marksWithout, mergeMarks } from '../core/visit';
import {
  readStretchCounts,
  readStretchMarks,
  readStretchOrders,
  readStretchRegisters,
} from '../db/stretches';
import {
  addRevenue,
  addToParts,
  deleteEmptyParts,
  type PartRest,
  readPartsWithEvents,
  resetParts,
  type StandingPart,
} from '../db/write-profiles';
import type { Transaction } from './transaction';

/** The parts that moves take from and give to. */
export function partsOfMoves(moves: readonly Move[]): PartKey[] {
  return moves.flatMap(({ subjectId, oldOwnerId, newOwnerId }) => [
    { ownerId: oldOwnerId, subjectId },
    { ownerId: newOwnerId, subjectId },
  ]);
}

/**
 * Moves what stretches of history come to from one owner's part to another's. Events themselves are never rewritten:
 * only the stored ones within the stretches are read (few, when somebody signs in now), and what remains with the old
 * owner is re-read only for what cannot be subtracted: first and last seen, and registers.
 *
 * Runs when the group's own events are stored and counted as time was divided before, and all parts of the moves are
 * written, and so locked: another writer that counts an event of these stretches has committed, or waits.
 */
export async function moveHistory(
  transaction: Transaction,
  { moves, after }: { readonly moves: readonly Move[]; readonly after: Divisions },
): Promise<void> {
  if (moves.length === 0) return;
  const { client, workspaceId } = transaction;
  const [counts, registers, orders, marks] = await Promise.all([
    readStretchCounts(client, workspaceId, moves),
    readStretchRegisters(client, workspaceId, moves),
    readStretchOrders(client, workspaceId, moves),
    readStretchMarks(
      client,
      workspaceId,
      moves.map((move) => ({ ...move, ownerId: move.oldOwnerId })),
    ),
  ]);
  const gains = createLedger();
  const losses = createLedger();
  const record = (index: number, what: Partial<PartSum>) => {
    const { subjectId, oldOwnerId, newOwnerId } = moves[index]!;
    gains.add({ ...what, ownerId: newOwnerId, subjectId });
    losses.add({ ...lossOf(what), ownerId: oldOwnerId, subjectId });
  };
  for (const [index, count] of counts) record(index, count);
  for (const [index, written] of registers) record(index, { registers: written });
  for (const [index, said] of marks) record(index, { marks: said });
  for (const { index, orders: orderCount, currency, amount } of orders) {
    record(index, { orders: orderCount });
    if (amount === null) continue;
    const { subjectId, oldOwnerId, newOwnerId } = moves[index]!;
    gains.addRevenue({ ownerId: newOwnerId, subjectId, currency, amount });
    losses.addRevenue({ ownerId: oldOwnerId, subjectId, currency, amount: negate(amount) });
  }
  if (counts.size > 0) {
    const [, , , remaining] = await Promise.all([
      addToParts(client, workspaceId, losses.parts().map(withoutRegisters)),
      addToParts(client, workspaceId, gains.parts()),
      addRevenue(client, workspaceId, [...losses.revenue(), ...gains.revenue()]),
      readPartsWithEvents(client, workspaceId, losses.parts()),
    ]);
    if (remaining.length > 0) await restore(transaction, { remaining, after, losses: losses.parts() });
  }
  await deleteEmptyParts(client, workspaceId, partsOfMoves(moves));
}

const withoutRegisters = (sum: PartSum): PartSum => ({ ...sum, registers: NO_REGISTERS });

/** Counts are taken away; when somebody was first and last seen, and what they said, cannot be: to add it is harmless. */
function lossOf(what: Partial<PartSum>): Partial<PartSum> {
  const { events = 0, pages = 0, orders = 0 } = what;
  return { ...what, events: -events, pages: -pages, orders: -orders };
}

/**
 * Reads again what a part's remaining events say, where what it lost cannot be subtracted. What does not come from what
 * it lost stands, since its event need not be stored any more.
 */
async function restore(
  { client, workspaceId }: Transaction,
  {
    remaining,
    after,
    losses,
  }: {
    readonly remaining: readonly StandingPart[];
    readonly after: Divisions;
    readonly losses: readonly PartSum[];
  },
): Promise<void> {
  const kept = remaining.flatMap((part) =>
    (after.get(part.subjectId) ?? [])
      .filter((span) => span.ownerId === part.ownerId)
      .map(({ fromAt, toAt }) => ({ ownerId: part.ownerId, subjectId: part.subjectId, fromAt, toAt })),
  );
  const lost = new Map(losses.map((loss) => [keyOf(loss), loss]));
  const rests = new Map(remaining.map((part) => [keyOf(part), standing(part, lost.get(keyOf(part))!)]));
  const [counts, written, said] = await Promise.all([
    readStretchCounts(client, workspaceId, kept),
    losses.every(({ registers }) => Object.keys(registers).length === 0)
      ? []
      : readStretchRegisters(client, workspaceId, kept),
    remaining.every((part) => isSameMarks(part.marks, rests.get(keyOf(part))!.marks))
      ? []
      : readStretchMarks(client, workspaceId, kept),
  ]);
  for (const [index, { firstSeenAt, lastSeenAt }] of counts) {
    const rest = rests.get(keyOf(kept[index]!))!;
    rests.set(keyOf(rest), {
      ...rest,
      firstSeenAt: Math.min(rest.firstSeenAt ?? Infinity, firstSeenAt),
      lastSeenAt: Math.max(rest.lastSeenAt ?? -Infinity, lastSeenAt),
    });
  }
  for (const [index, registers] of written) {
    const rest = rests.get(keyOf(kept[index]!))!;
    if (rest.registers === null) continue;
    rests.set(keyOf(rest), { ...rest, registers: mergeRegisters(rest.registers, registers) });
  }
  for (const [index, marks] of said) {
    const rest = rests.get(keyOf(kept[index]!))!;
    rests.set(keyOf(rest), { ...rest, marks: mergeMarks(rest.marks, marks) });
  }
  await resetParts(client, workspaceId, [...rests.values()]);
}

/** What of a part does not come from what it lost; null where it may, or in registers' case where none was lost. A mark
 * is null where none is known any more. */
function standing(part: StandingPart, loss: PartSum): PartRest {
  const isSilent = Object.keys(loss.registers).length === 0;
  return {
    ownerId: part.ownerId,
    subjectId: part.subjectId,
    firstSeenAt: part.firstSeenAt < loss.firstSeenAt ? part.firstSeenAt : null,
    lastSeenAt: part.lastSeenAt > loss.lastSeenAt ? part.lastSeenAt : null,
    registers: isSilent ? null : registersWithout(part.registers, loss.registers),
    marks: marksWithout(part.marks, loss.marks),
  };
}

function keyOf({ ownerId, subjectId }: PartKey): string {
  return `${ownerId}/${subjectId}`;
}

import type { Move } from '../core/identity';
import { createLedger, type Ledger, negate, type PartKey, type PartSum } from '../core/ledger';
import { mergeRegisters } from '../core/traits';
import type { StorableEvent } from '../db/write-events';
import {
  addRevenue,
  type PartRest,
  readStretchCounts,
  readStretchOrders,
  readStretchRegisters,
  resetParts,
  subtractFromParts,
} from '../db/write-profiles';
import type { Divisions } from './settle-identity';
import type { Transaction } from './transaction';

/**
 * Moves what stretches of history come to from one owner's part to another's. Events themselves are never rewritten:
 * only the stored ones within the stretches are read (none, when somebody signs in now), and what remains with the old
 * owner is re-read only for what cannot be subtracted: first and last seen, and registers.
 *
 * Runs before the group's own events are stored; gains go to the ledger that is written with them.
 */
export async function moveHistory(
  transaction: Transaction,
  {
    moves,
    after,
    events,
    ledger,
  }: {
    readonly moves: readonly Move[];
    readonly after: Divisions;
    readonly events: readonly StorableEvent[];
    readonly ledger: Ledger;
  },
): Promise<void> {
  if (moves.length === 0) return;
  const { client, workspaceId } = transaction;
  const counts = await readStretchCounts(client, workspaceId, moves);
  if (counts.size === 0) return;
  const without = events.map((event) => event.messageId);
  const [registers, orders] = await Promise.all([
    readStretchRegisters(client, workspaceId, moves),
    readStretchOrders(client, workspaceId, { stretches: moves, without }),
  ]);

  const losses = createLedger();
  const record = (index: number, what: Partial<PartSum>) => {
    const { subjectId, oldOwnerId, newOwnerId } = moves[index]!;
    const { firstSeenAt, lastSeenAt } = counts.get(index)!;
    const sum = {
      subjectId,
      events: 0,
      pages: 0,
      orders: 0,
      firstSeenAt,
      lastSeenAt,
      registers: {},
      ...what,
    };
    ledger.add({ ...sum, ownerId: newOwnerId });
    losses.add({ ...sum, ownerId: oldOwnerId });
  };
  for (const [index, count] of counts) record(index, count);
  for (const [index, written] of registers) record(index, { registers: written });
  for (const { index, orders: orderCount, currency, amount } of orders) {
    record(index, { orders: orderCount });
    if (amount === null) continue;
    const { subjectId, oldOwnerId, newOwnerId } = moves[index]!;
    ledger.addRevenue({ ownerId: newOwnerId, subjectId, currency, amount });
    losses.addRevenue({ ownerId: oldOwnerId, subjectId, currency, amount: negate(amount) });
  }
  if (losses.revenue().length > 0) await addRevenue(client, workspaceId, losses.revenue());
  const remaining = await subtractFromParts(client, workspaceId, losses.parts());
  if (remaining.length > 0) await restore(transaction, { remaining, after, losses: losses.parts() });
}

/** Reads again what a part's remaining events say, where what it lost cannot be subtracted. */
async function restore(
  { client, workspaceId }: Transaction,
  {
    remaining,
    after,
    losses,
  }: {
    readonly remaining: readonly PartKey[];
    readonly after: Divisions;
    readonly losses: readonly PartSum[];
  },
): Promise<void> {
  const kept = remaining.flatMap((part) =>
    (after.get(part.subjectId) ?? [])
      .filter((span) => span.ownerId === part.ownerId)
      .map(({ fromAt, toAt }) => ({ ...part, fromAt, toAt })),
  );
  const lostRegisters = new Set(
    losses
      .filter((loss) => Object.keys(loss.registers).length > 0)
      .map(({ ownerId, subjectId }) => keyOf({ ownerId, subjectId })),
  );
  const [counts, written] = await Promise.all([
    readStretchCounts(client, workspaceId, kept),
    lostRegisters.size === 0 ? [] : readStretchRegisters(client, workspaceId, kept),
  ]);
  const rests = new Map<string, PartRest>();
  for (const part of remaining) {
    const isLost = lostRegisters.has(keyOf(part));
    rests.set(keyOf(part), { ...part, firstSeenAt: null, lastSeenAt: null, registers: isLost ? {} : null });
  }
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
  await resetParts(client, workspaceId, [...rests.values()]);
}

function keyOf({ ownerId, subjectId }: PartKey): string {
  return `${ownerId}/${subjectId}`;
}

import type { Divisions } from '../core/division';
import { ownerAt } from '../core/identity';
import { type Ledger, negate } from '../core/ledger';
import type { NormalEvent } from '../core/event';
import { insertOrderEntries, lockOrderEntries, type OrderEntry, readStoredEntries } from '../db/write-orders';
import type { Group, Transaction } from './transaction';

/** What a group's orders and refunds come to. */
export interface SettledOrders {
  /** Entries that an earlier event of this group takes over. */
  readonly taken: readonly OrderEntry[];
  /** What stood in them until now. */
  readonly replaced: readonly OrderEntry[];
  /** Adds the orders' effect to the parts that own them. */
  addTo(ledger: Ledger, divisions: Divisions): void;
}

/**
 * An order counts once in a workspace, at its earliest event by (time, message ID), whichever arrives first; one whose
 * event retention has dropped stays as it is. Entries are locked after subjects and before parts; the part of an entry
 * that is taken over is written too, since it loses.
 */
export async function settleOrders(transaction: Transaction, group: Group): Promise<SettledOrders> {
  const candidates = earliestOfEach(group.events.flatMap((event) => entryOf(event, group.currency)));
  if (candidates.size === 0) return { taken: [], replaced: [], addTo: () => undefined };

  const { client, workspaceId } = transaction;
  const [fresh, standing, stored] = await Promise.all([
    insertOrderEntries(client, workspaceId, [...candidates.values()]),
    lockOrderEntries(client, workspaceId, [...candidates.keys()]),
    readStoredEntries(client, workspaceId, [...candidates.keys()]),
  ]);
  const replaced = standing.filter(
    (entry) =>
      !fresh.has(entry.entryKey) &&
      stored.has(entry.entryKey) &&
      isEarlier(candidates.get(entry.entryKey)!, entry),
  );
  const taken = replaced.map((entry) => candidates.get(entry.entryKey)!);
  const gained = [...[...candidates.values()].filter((entry) => fresh.has(entry.entryKey)), ...taken];
  return {
    taken,
    replaced,
    addTo(ledger, divisions) {
      for (const entry of gained) addEntry(ledger, entry, { divisions, sign: 1 });
      for (const entry of replaced) addEntry(ledger, entry, { divisions, sign: -1 });
    },
  };
}

function entryOf(event: NormalEvent, currency: string): OrderEntry[] {
  if (event.order === null) return [];
  return [
    {
      entryKey: event.order.entryKey ?? event.messageId,
      kind: event.order.kind,
      messageId: event.messageId,
      subjectId: event.subjectId,
      occurredAt: event.occurredAt,
      amount: event.order.amount,
      currency: event.order.currency ?? currency,
    },
  ];
}

function earliestOfEach(entries: readonly OrderEntry[]): Map<string, OrderEntry> {
  const earliest = new Map<string, OrderEntry>();
  for (const entry of entries) {
    const other = earliest.get(entry.entryKey);
    if (other === undefined || isEarlier(entry, other)) earliest.set(entry.entryKey, entry);
  }
  return earliest;
}

function isEarlier(a: OrderEntry, b: OrderEntry): boolean {
  return a.occurredAt === b.occurredAt ? a.messageId < b.messageId : a.occurredAt < b.occurredAt;
}

function addEntry(
  ledger: Ledger,
  entry: OrderEntry,
  { divisions, sign }: { divisions: Divisions; sign: 1 | -1 },
): void {
  const { subjectId, occurredAt, amount, currency } = entry;
  const ownerId = ownerAt(subjectId, divisions.get(subjectId) ?? [], occurredAt);
  ledger.add({ ownerId, subjectId, orders: entry.kind === 'order' ? sign : 0 });
  if (amount !== null) {
    ledger.addRevenue({ ownerId, subjectId, currency, amount: sign === 1 ? amount : negate(amount) });
  }
}

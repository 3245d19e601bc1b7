import { claimsOf, ownerAt } from '../core/identity';
import { createLedger, type Ledger } from '../core/ledger';
import { registersOf } from '../core/traits';
import type { Querier } from '../db/querier';
import {
  begin,
  commit,
  enterWorkspace,
  insertEventKeys,
  insertEvents,
  insertRejected,
  type StorableEvent,
} from '../db/write-events';
import { insertClaims, replaceOwnership } from '../db/write-identity';
import { addRevenue, addToParts } from '../db/write-profiles';
import { replaceOrderEntries } from '../db/write-orders';
import { settleOrders } from './settle-orders';
import { type Divisions, settleIdentity } from './settle-identity';
import type { Group, Transaction } from './transaction';
import { moveHistory } from './move-history';

/**
 * Writes a group in one transaction: all of it, or nothing. In fixed order: the keys (which tell what is new), the
 * order entries, the subjects' locks, then what is read under them, then events, claims and sums. Statements of one
 * step go out together (pipelined) and each sees what the one before it did.
 *
 * @returns the message IDs that were new; the others had been stored before
 * @throws what Postgres says; nothing is committed then, unless the connection broke at the very commit
 */
export async function writeGroup(client: Querier, group: Group): Promise<ReadonlySet<string>> {
  const { workspaceId } = group;
  const [, , fresh] = await Promise.all([
    begin(client),
    enterWorkspace(client, workspaceId),
    group.events.length === 0 ? new Set<string>() : insertEventKeys(client, workspaceId, group.events),
  ]);
  const events = group.events.filter((event) => fresh.has(event.messageId));
  const writes =
    events.length === 0 ? [] : await prepareEvents({ client, workspaceId }, { ...group, events });
  if (group.rejected.length > 0) writes.push(() => insertRejected(client, workspaceId, group.rejected));
  await Promise.all(writes.map((write) => write()));
  // Not sent along with the writes: one that fails before it reaches the server (a value that cannot be serialised)
  // would leave a healthy transaction, and the COMMIT behind it would commit the rest.
  await commit(client);
  return fresh;
}

/** Does all that needs an answer from the database; gives back the writes that need none. */
async function prepareEvents(transaction: Transaction, group: Group): Promise<(() => Promise<void>)[]> {
  const { client, workspaceId } = transaction;
  const { events } = group;
  const claims = events.flatMap((event) => claimsOf(event, workspaceId));
  const orders = await settleOrders(transaction, group);
  const identity = await settleIdentity(transaction, {
    events,
    claims,
    alsoLocked: orders.replaced.map((entry) => entry.subjectId),
  });
  const ledger = createLedger();
  await moveHistory(transaction, { moves: identity.moves, after: identity.after, events, ledger });
  addEvents(ledger, events, identity.after);
  orders.addTo(ledger, identity.after);

  const writes = [() => insertEvents(client, workspaceId, events)];
  if (claims.length > 0) writes.push(() => insertClaims(client, workspaceId, claims));
  if (identity.changed.size > 0) writes.push(() => replaceOwnership(client, workspaceId, identity.changed));
  writes.push(() => addToParts(client, workspaceId, ledger.parts()));
  if (ledger.revenue().length > 0) writes.push(() => addRevenue(client, workspaceId, ledger.revenue()));
  if (orders.taken.length > 0) writes.push(() => replaceOrderEntries(client, workspaceId, orders.taken));
  return writes;
}

/** What the new events themselves add, each to whom it belongs. */
function addEvents(ledger: Ledger, events: readonly StorableEvent[], divisions: Divisions): void {
  for (const event of events) {
    const { subjectId, occurredAt, messageId, traitValues } = event;
    ledger.add({
      ownerId: ownerAt(subjectId, divisions.get(subjectId) ?? [], occurredAt),
      subjectId,
      events: 1,
      pages: event.type === 'page' ? 1 : 0,
      orders: 0,
      firstSeenAt: occurredAt,
      lastSeenAt: occurredAt,
      registers:
        event.type === 'identify' && traitValues !== null
          ? registersOf(traitValues, { occurredAt, messageId })
          : {},
    });
  }
}

import { isOwnEvent, type NormalEvent } from '../core/event';
import type { Divisions } from '../core/division';
import { type Claim, claimsOf, MAX_OWNERS, ownerAt } from '../core/identity';
import { createLedger, type Ledger } from '../core/ledger';
import { registersOf } from '../core/traits';
import { marksOf } from '../core/visit';
import type { Querier } from '../db/querier';
import {
  begin,
  commit,
  enterWorkspace,
  insertEventKeys,
  insertEvents,
  insertRejected,
  noteRecorded,
} from '../db/write-events';
import { countDropped, restoreSubjects } from '../db/suppression';
import { type Division, insertClaims, readOwnership, replaceOwnership } from '../db/write-identity';
import { addRevenue, addToParts } from '../db/write-profiles';
import { replaceOrderEntries } from '../db/write-orders';
import { markAudiences } from './mark-audiences';
import { moveHistory, partsOfMoves } from './move-history';
import { type SettledOrders, settleOrders } from './settle-orders';
import {
  findSubjects,
  type Locks,
  lookAtUnlocked,
  NO_MORE_LOCKS,
  OwnershipChanged,
  type SettledIdentity,
  settleIdentity,
} from './settle-identity';
import { refuseLate } from './received-late';
import type { Group, Transaction } from './transaction';
import { isStillPermitted, type Permitted, withhold } from './withhold';

/** What a group came to: message IDs. */
export interface WrittenGroup {
  /** Those that were new; the others had been stored before. */
  readonly fresh: ReadonlySet<string>;
  /** Those of the new ones that a regulation keeps out: of them the key is stored, and nothing else. */
  readonly suppressed: ReadonlySet<string>;
  /** Whether audiences must look at somebody again. */
  readonly isMarked: boolean;
}

/**
 * Writes a group in one transaction: all of it, or nothing. What others may hold is taken in one order by everybody, so
 * that nobody waits in a circle: the keys (which tell what is new), new subjects, locks on what is claimed, order
 * entries, parts of profiles; sorted within each. Statements of one step go out together (pipelined).
 *
 * @throws OwnershipChanged, ReceivedLate, or what Postgres says; nothing is committed then, unless the connection broke at the very
 *   commit
 */
export async function writeGroup(
  client: Querier,
  group: Group,
  locks: Locks = NO_MORE_LOCKS,
): Promise<WrittenGroup> {
  const { workspaceId, maxOwners = MAX_OWNERS } = group;
  const claimed = new Set(
    group.events.flatMap((event) => claimsOf(event, workspaceId).map(({ weakerId }) => weakerId)),
  );
  const [, regulationEpoch, fresh, known] = await Promise.all([
    begin(client),
    enterWorkspace(client, workspaceId),
    group.events.length === 0 ? new Set<string>() : insertEventKeys(client, workspaceId, group.events),
    claimed.size === 0 ? new Map<string, Division>() : readOwnership(client, workspaceId, [...claimed]),
  ]);
  const transaction = { client, workspaceId, maxOwners, regulationEpoch };
  const events = group.events.filter((event) => fresh.has(event.messageId));
  const permitted = await withhold(transaction, { ...group, events });
  const isMarked =
    permitted.events.length > 0 && (await writeEvents(transaction, { ...group, ...permitted, known }, locks));
  if (permitted.rejected.length > 0) await writeRejected(transaction, permitted);
  if (permitted.dropped.size > 0) await countDropped(client, workspaceId, permitted.dropped);
  // Not sent along with the writes: one that fails before it reaches the server (a value that cannot be serialised)
  // would leave a healthy transaction, and the COMMIT behind it would commit the rest.
  await commit(client);
  return { fresh, suppressed: permitted.suppressed, isMarked };
}

/** Without events nothing was looked at again yet. */
async function writeRejected(
  transaction: Transaction,
  { events, rejected }: Pick<Permitted, 'events' | 'rejected'>,
): Promise<void> {
  await insertRejected(transaction.client, transaction.workspaceId, rejected);
  if (events.length > 0) return;
  const { regulationEpoch } = await lookAtUnlocked(transaction, new Map());
  const now = { events, rejected, hasClaims: false, regulationEpoch };
  if (!(await isStillPermitted(transaction, now))) throw new OwnershipChanged();
}

/**
 * Events are counted as their subjects are divided without this group's claims; then its claims move what they move.
 *
 * @returns whether audiences must look at somebody again
 */
async function writeEvents(
  transaction: Transaction,
  group: Group & Pick<Permitted, 'blank'> & { readonly known: ReadonlyMap<string, Division> },
  moreLocks: Locks,
): Promise<boolean> {
  const { client, workspaceId } = transaction;
  const { events, blank, known } = group;
  const claims = events.flatMap((event) => claimsOf(event, workspaceId));
  const locks = blank.length === 0 ? moreLocks : withLocks(moreLocks, blank);
  const finding = findSubjects(transaction, { events, claims, known, locks });
  // That takes several steps then, and order entries come after subjects.
  if (locks !== NO_MORE_LOCKS) await finding;
  if (blank.length > 0) await restoreSubjects(client, workspaceId, blank);
  const [found, orders] = await Promise.all([finding, settleOrders(transaction, group)]);
  const alsoRead = orders.replaced.map((entry) => entry.subjectId);
  const identity = await settleIdentity(transaction, { found, claims, alsoRead });
  const written = sendWrites(transaction, { events, claims, orders, identity });
  // Behind the parts, which are locked from there on.
  const secondLook = lookAtUnlocked(transaction, identity.unlocked);
  await Promise.all([...written, secondLook]);
  const { isOwnershipUnchanged, regulationEpoch, audienceEpoch, exportedUntil } = await secondLook;
  refuseLate(events, exportedUntil);
  if (!isOwnershipUnchanged) throw new OwnershipChanged(alsoRead);
  const hasClaims = claims.length > 0;
  if (!(await isStillPermitted(transaction, { ...group, hasClaims, regulationEpoch }))) {
    throw new OwnershipChanged();
  }
  if (identity.changed.size > 0) {
    await moveHistory(transaction, identity);
    await replaceOwnership(client, workspaceId, identity.changed);
  }
  const { replaced } = orders;
  const audiences = { epoch: audienceEpoch, known: group.interests ?? new Map() };
  return markAudiences(transaction, { events, identity, replaced }, audiences);
}

function withLocks({ subjectIds, all }: Locks, more: readonly { readonly subjectId: string }[]): Locks {
  return { subjectIds: [...subjectIds, ...more.map((each) => each.subjectId)], all };
}

/** All that needs no answer. Parts come late, since whoever adds to the same ones waits from there to the commit. */
function sendWrites(
  { client, workspaceId }: Transaction,
  {
    events,
    claims,
    orders,
    identity,
  }: {
    readonly events: readonly NormalEvent[];
    readonly claims: readonly Claim[];
    readonly orders: SettledOrders;
    readonly identity: SettledIdentity;
  },
): Promise<void>[] {
  const ledger = createLedger();
  addEvents(ledger, events, identity.before);
  orders.addTo(ledger, identity.before);
  // So that they are written, and locked in their order, with all others.
  for (const part of partsOfMoves(identity.moves)) ledger.add(part);
  const sent = [insertEvents(client, workspaceId, events)];
  if (claims.length > 0) sent.push(insertClaims(client, workspaceId, claims));
  if (orders.taken.length > 0) sent.push(replaceOrderEntries(client, workspaceId, orders.taken));
  sent.push(addToParts(client, workspaceId, ledger.parts()));
  if (ledger.revenue().length > 0) sent.push(addRevenue(client, workspaceId, ledger.revenue()));
  const own = events.filter(isOwnEvent);
  if (own.length > 0) sent.push(noteRecorded(client, workspaceId, own));
  return sent;
}

/** What the new events themselves add, each to whom it belongs. */
function addEvents(ledger: Ledger, events: readonly NormalEvent[], divisions: Divisions): void {
  for (const event of events) {
    if (isOwnEvent(event)) continue;
    const { subjectId, occurredAt, messageId, traitValues, visit } = event;
    ledger.add({
      ownerId: ownerAt(subjectId, divisions.get(subjectId) ?? [], occurredAt),
      subjectId,
      events: 1,
      pages: event.type === 'page' ? 1 : 0,
      firstSeenAt: occurredAt,
      lastSeenAt: occurredAt,
      ...(event.type === 'identify' && traitValues !== null
        ? { registers: registersOf(traitValues, { occurredAt, messageId }) }
        : {}),
      ...(visit === null ? {} : { marks: marksOf(visit, { occurredAt, messageId }) }),
    });
  }
}

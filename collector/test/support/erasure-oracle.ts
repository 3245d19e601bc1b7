/**
 * What an erasure leaves, straight from the definition: events, claims and moments, no intervals and no tombstones. It
 * shares no code with the collector beyond the shape of a normal event.
 */
import type { NormalEvent } from '../../src/core/event';
import {
  before,
  claimsMadeBy,
  countingOrders,
  key,
  type OracleClaim,
  portrait,
  type Portrait,
  subjectOf,
} from './identity-oracle';

type Shape = Omit<Portrait, 'identifiers'>;

/** Who was erased: users and emails as "kind:value", and when. */
export interface ErasedNames {
  readonly names: ReadonlySet<string>;
  readonly at: number;
}

const NOBODY: ErasedNames = { names: new Set(), at: -Infinity };

/** Whom a subject belongs to at a moment, by claims some of which were made by somebody who is erased. */
export function ownershipOf(claims: readonly OracleClaim[], erased: ErasedNames = NOBODY) {
  const isReleased = (claim: OracleClaim) => erased.names.has(claim.stronger) && claim.at < erased.at;
  return function ownerOf(subject: string, at: number): string {
    const own = claims
      .filter((claim) => claim.weaker === subject)
      .filter((claim) => !(subject.startsWith('email:') && erased.names.has(subject) && claim.at < erased.at))
      .sort(before);
    const isEmail = subject.startsWith('email:');
    const ruling = isEmail ? own[0] : (own.filter((claim) => claim.at <= at).at(-1) ?? own[0]);
    if (ruling === undefined || isReleased(ruling)) return subject;
    const { stronger } = ruling;
    return !isEmail && stronger.startsWith('email:') ? ownerOf(stronger, at) : stronger;
  };
}

/** What an erasure comes to, of what had been accepted when it began. */
export interface ErasedByDefinition extends ErasedNames {
  readonly survivors: readonly NormalEvent[];
  /** Whether an event that arrives later is dropped. */
  readonly isDropped: (event: NormalEvent) => boolean;
  /** Orders and refunds that count for nobody any more. */
  readonly spent: ReadonlySet<string>;
}

/** null where the name stands for nobody. */
export function eraseByDefinition(
  events: readonly NormalEvent[],
  { name, now }: { name: string; now: number },
): ErasedByDefinition | null {
  const claims = events.flatMap(claimsMadeBy);
  const ownerOf = ownershipOf(claims);
  const ownerOfEvent = (event: NormalEvent) => ownerOf(subjectOf(event), event.occurredAt);
  const isSeen = events.some((event) => ownerOfEvent(event) === name);
  const isClaimed = claims.some(({ weaker }) => weaker === name);
  if (!isSeen && !isClaimed) return null;
  const profile = isSeen ? name : ownerOf(name, Infinity);
  const theirs = events.filter((event) => ownerOfEvent(event) === profile);
  const at = Math.max(now, ...theirs.map((event) => event.occurredAt + 1));
  const named = [profile, ...claims.map(({ weaker }) => weaker)].filter(
    (each) => !each.startsWith('anonymous:'),
  );
  const names = new Set(named.filter((each) => ownerOf(each, Infinity) === profile));
  const counting = countingOrders(events);
  const isGone = (event: NormalEvent) => event.occurredAt < at && ownerOfEvent(event) === profile;
  return {
    names,
    at,
    survivors: events.filter((event) => !isGone(event)),
    isDropped: (event) => event.identifiers.some((each) => names.has(key(each))) || isGone(event),
    spent: new Set(
      events
        .filter((event) => event.order !== null && isGone(event) && counting.has(event.messageId))
        .map((event) => event.order!.entryKey ?? event.messageId),
    ),
  };
}

/** Profiles of what is stored, where the claims of all that was ever accepted count. */
export function portraitsOfSurvivors(
  survivors: readonly NormalEvent[],
  state: {
    readonly accepted: readonly NormalEvent[];
    readonly erased: ErasedNames;
    readonly spent: ReadonlySet<string>;
  },
): Shape[] {
  const ownerOf = ownershipOf(state.accepted.flatMap(claimsMadeBy), state.erased);
  const owned = new Map<string, NormalEvent[]>();
  for (const event of survivors) {
    const owner = ownerOf(subjectOf(event), event.occurredAt);
    owned.set(owner, [...(owned.get(owner) ?? []), event]);
  }
  const counting = countingOrders(
    survivors.filter(
      ({ order, messageId }) => order === null || !state.spent.has(order.entryKey ?? messageId),
    ),
  );
  return [...owned]
    .map(([id, theirs]) => portrait(id, theirs, counting))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

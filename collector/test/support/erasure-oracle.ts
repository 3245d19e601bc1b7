/**
 * What an erasure leaves, straight from the definition: events, claims and moments, no intervals and no tombstones. It
 * shares no code with the collector beyond the shape of a normal event.
 */
import type { NormalEvent } from '../../src/core/event';
import {
  before,
  type ByHand,
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
  /** Whom an erased name stood for, links apart, where that is not itself: an email's user. */
  readonly stoodFor?: ReadonlyMap<string, string>;
}

const NOBODY: ErasedNames = { names: new Set(), at: -Infinity };

/** Whom a subject belongs to at a moment, by claims some of which were made by somebody who is erased. */
export function ownershipOf(
  made: readonly OracleClaim[],
  erased: ErasedNames = NOBODY,
  { voided = [], links = [], maxOwners = 50 }: ByHand = {},
) {
  const claims = made.filter(
    (claim) => !voided.some((pair) => pair[0] === claim.weaker && pair[1] === claim.stronger),
  );
  const isReleased = (claim: OracleClaim) => erased.names.has(claim.stronger) && claim.at < erased.at;
  const claimsOn = (subject: string) => claims.filter(({ weaker }) => weaker === subject).sort(before);
  const userOf = (email: string): string => {
    const own = claimsOn(email).filter((claim) => !erased.names.has(email) || claim.at >= erased.at);
    return own[0] === undefined || isReleased(own[0]) ? email : own[0].stronger;
  };
  const personOf = (target: string) => (target.startsWith('email:') ? userOf(target) : target);
  /** As owners are counted, of whom there may be too many. */
  const countedAs = (claim: OracleClaim) =>
    isReleased(claim)
      ? `erased ${erased.stoodFor?.get(claim.stronger) ?? claim.stronger}`
      : personOf(claim.stronger);
  const claimantOf = (subject: string, at: number): string => {
    if (subject.startsWith('email:')) return userOf(subject);
    const own = claimsOn(subject);
    const seen = new Set<string>();
    const crowded = own.find((claim) => seen.add(countedAs(claim)).size > maxOwners);
    if (crowded !== undefined && at >= crowded.at) return subject;
    const ruling = own.filter((claim) => claim.at <= at).at(-1) ?? own[0];
    return ruling === undefined || isReleased(ruling) ? subject : personOf(ruling.stronger);
  };
  const ownerOf = (subject: string, at: number): string => {
    const claimant = claimantOf(subject, at);
    return links.find(([source]) => source === claimant)?.[1] ?? claimant;
  };
  return { claims, ownerOf, personOf };
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
  { name, now, byHand = {} }: { name: string; now: number; byHand?: ByHand },
): ErasedByDefinition | null {
  const { claims, ownerOf, personOf } = ownershipOf(events.flatMap(claimsMadeBy), NOBODY, byHand);
  const sources = (byHand.links ?? []).map(([source]) => source);
  const ownerOfEvent = (event: NormalEvent) => ownerOf(subjectOf(event), event.occurredAt);
  const isSeen = events.some((event) => ownerOfEvent(event) === name);
  const isClaimed = sources.includes(name) || claims.some(({ weaker }) => weaker === name);
  if (!isSeen && !isClaimed) return null;
  const profile = isSeen ? name : ownerOf(name, Infinity);
  const theirs = events.filter((event) => ownerOfEvent(event) === profile);
  const at = Math.max(now, ...theirs.map((event) => event.occurredAt + 1));
  const named = [profile, ...sources, ...claims.map(({ weaker }) => weaker)].filter(
    (each) => !each.startsWith('anonymous:'),
  );
  const names = new Set(named.filter((each) => ownerOf(each, Infinity) === profile));
  const counting = countingOrders(events);
  const isGone = (event: NormalEvent) => event.occurredAt < at && ownerOfEvent(event) === profile;
  return {
    names,
    at,
    stoodFor: new Map([...names].map((each) => [each, personOf(each)])),
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
    readonly byHand?: ByHand;
  },
): Shape[] {
  const { ownerOf } = ownershipOf(state.accepted.flatMap(claimsMadeBy), state.erased, state.byHand);
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

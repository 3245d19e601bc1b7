import type { NormalEvent } from './event';
import { subjectIdOf } from './identifier';

/** The fact that the weaker subject belonged to the stronger one from a moment on. Times in milliseconds since 1970. */
export interface Claim {
  readonly weakerId: string;
  readonly fromAt: number;
  readonly messageId: string;
  readonly strongerId: string;
}

/** Two subjects, the weaker of which claims tie to the stronger. */
export type Pair = Pick<Claim, 'weakerId' | 'strongerId'>;

/**
 * From `fromAt` until before `toAt` the subject belongs to `targetId`, which belongs to `ownerId` (often itself). Of a
 * user who was linked to another one the target is that user itself.
 */
export interface Span {
  readonly fromAt: number;
  readonly toAt: number;
  readonly targetId: string;
  readonly ownerId: string;
}

/** A stretch of a subject's history that changes hands. */
export interface Move {
  readonly subjectId: string;
  readonly fromAt: number;
  readonly toAt: number;
  readonly oldOwnerId: string;
  readonly newOwnerId: string;
}

/** An anonymous ID with more owners than this is a kiosk: its strangers must not land on its last owner. */
export const MAX_OWNERS = 50;

/**
 * The claims that an event makes: each weaker identifier belongs to the strongest, from then on. Only identify and
 * alias claim; a track call that carries several identifiers belongs to the strongest and says nothing else.
 */
export function claimsOf(event: NormalEvent, workspaceId: string): Claim[] {
  if (event.type !== 'identify' && event.type !== 'alias') return [];
  const [strongest, ...weaker] = event.identifiers;
  return weaker
    .filter((identifier) => identifier.kind !== strongest!.kind)
    .map((identifier) => ({
      weakerId: subjectIdOf(workspaceId, identifier),
      fromAt: event.occurredAt,
      messageId: event.messageId,
      strongerId: event.subjectId,
    }));
}

/** The order of claims: by time, then by message ID (a UUID's text sorts as its bytes do). */
export function compareClaims(a: Claim, b: Claim): number {
  if (a.fromAt !== b.fromAt) return a.fromAt - b.fromAt;
  if (a.messageId !== b.messageId) return a.messageId < b.messageId ? -1 : 1;
  return 0;
}

/** The claims without those that somebody took out, pair by pair. Every claim is kept, so that this can be taken back. */
export function withoutVoided(claims: readonly Claim[], voided: readonly Pair[]): readonly Claim[] {
  if (voided.length === 0) return claims;
  const pairs = new Set(voided.map(nameOfPair));
  return claims.filter((claim) => !pairs.has(nameOfPair(claim)));
}

const nameOfPair = ({ weakerId, strongerId }: Pair): string => `${weakerId}/${strongerId}`;

/** An email belongs whole to whom its first claim names; null without a claim. */
export function ownerOfEmail(claims: readonly Claim[]): string | null {
  const first = [...claims].sort(compareClaims)[0];
  return first?.strongerId ?? null;
}

export interface DividedBy {
  /** Whom a claim's target belongs to, links apart: the user for an email that has one, else the target itself. */
  readonly ownerOf: (targetId: string) => string;
  /** @default MAX_OWNERS */
  readonly maxOwners?: number;
}

/**
 * An anonymous ID is divided in time: what happened at t belongs to the latest claim at or before t, else to the
 * first claim (history from before the sign-in). From the first claim of its 51st owner on it owns itself.
 *
 * @param subjectId the anonymous subject
 * @param claims all claims on it, in any order
 * @returns spans that cover all time without gap or overlap; none where there is no claim
 */
export function divideInTime(
  subjectId: string,
  claims: readonly Claim[],
  { ownerOf, maxOwners = MAX_OWNERS }: DividedBy,
): Span[] {
  const sorted = [...claims].sort(compareClaims);
  if (sorted.length === 0) return [];
  const owners = new Set<string>();
  const starts: { fromAt: number; targetId: string; ownerId: string }[] = [];
  for (const [index, { fromAt, strongerId }] of sorted.entries()) {
    const ownerId = ownerOf(strongerId);
    owners.add(ownerId);
    if (owners.size > maxOwners) {
      starts.push({ fromAt, targetId: subjectId, ownerId: subjectId });
      break;
    }
    if (index === 0) starts.push({ fromAt: -Infinity, targetId: strongerId, ownerId });
    starts.push({ fromAt, targetId: strongerId, ownerId });
  }
  return toSpans(starts);
}

/** Of starts at the same moment the last one stands; neighbours with the same target are one span. */
function toSpans(starts: readonly { fromAt: number; targetId: string; ownerId: string }[]): Span[] {
  const spans: Span[] = [];
  for (const [index, start] of starts.entries()) {
    const toAt = starts[index + 1]?.fromAt ?? Infinity;
    if (toAt === start.fromAt) continue;
    const last = spans.at(-1);
    if (last !== undefined && last.targetId === start.targetId) spans[spans.length - 1] = { ...last, toAt };
    else spans.push({ ...start, toAt });
  }
  return spans;
}

/** What belongs whole to one: an email to its user, a linked user to another. */
export function wholeTo(targetId: string, ownerId: string = targetId): Span[] {
  return [{ fromAt: -Infinity, toAt: Infinity, targetId, ownerId }];
}

/** Whom the subject belongs to at a moment; itself where nothing claims it. */
export function ownerAt(subjectId: string, spans: readonly Span[], at: number): string {
  return spans.find((span) => span.fromAt <= at && at < span.toAt)?.ownerId ?? subjectId;
}

/**
 * Whether a claim can be seen to change nothing: at its time the subject belongs to the same target already. At the
 * very beginning of a span it may still come before the claim that made it, and so be the first of all.
 */
export function isRedundant(claim: Claim, spans: readonly Span[]): boolean {
  return spans.some(
    (span) => span.fromAt < claim.fromAt && claim.fromAt < span.toAt && span.targetId === claim.strongerId,
  );
}

/** What changes hands between two divisions of a subject's time; neighbours with the same owners are one move. */
export function movesBetween(subjectId: string, before: readonly Span[], after: readonly Span[]): Move[] {
  const bounds = [...new Set([...before, ...after].flatMap((span) => [span.fromAt, span.toAt]))];
  bounds.sort((a, b) => (a < b ? -1 : 1));
  const moves: Move[] = [];
  for (const [index, fromAt] of bounds.entries()) {
    const toAt = bounds[index + 1];
    if (toAt === undefined) break;
    const oldOwnerId = ownerAt(subjectId, before, fromAt);
    const newOwnerId = ownerAt(subjectId, after, fromAt);
    if (oldOwnerId === newOwnerId) continue;
    const last = moves.at(-1);
    if (last?.toAt === fromAt && last.oldOwnerId === oldOwnerId && last.newOwnerId === newOwnerId) {
      moves[moves.length - 1] = { ...last, toAt };
    } else {
      moves.push({ subjectId, fromAt, toAt, oldOwnerId, newOwnerId });
    }
  }
  return moves;
}

/** Whether two divisions say the same, targets included. */
export function isSameDivision(a: readonly Span[], b: readonly Span[]): boolean {
  return (
    a.length === b.length &&
    a.every((span, index) => {
      const other = b[index]!;
      return (
        span.fromAt === other.fromAt &&
        span.toAt === other.toAt &&
        span.targetId === other.targetId &&
        span.ownerId === other.ownerId
      );
    })
  );
}

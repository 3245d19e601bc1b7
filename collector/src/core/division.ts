import { divideErased, type Erased, markReleased, ownerOfErasableEmail } from './erasure';
import {
  type Claim,
  divideInTime,
  isSameDivision,
  type Pair,
  type Span,
  wholeTo,
  withoutVoided,
} from './identity';

/** How each subject's time is divided; a subject that is not listed owns itself. */
export type Divisions = ReadonlyMap<string, readonly Span[]>;

/** What divides subjects. */
export interface Grounds {
  /** Whom to divide: anonymous subjects, and emails. */
  readonly dividedIds: readonly string[];
  /** Which of them are emails. */
  readonly emailIds: readonly string[];
  /** All claims on them. */
  readonly claims: readonly Claim[];
  /** Pairs whose claims count for nothing. */
  readonly voided: readonly Pair[];
  /** How they stand, and how those stand whom the claims name: emails that have a user, and users that are linked. */
  readonly standing: Divisions;
  /** What was erased of them, and of those whom the claims name. */
  readonly erased: Erased;
  readonly maxOwners: number;
}

/**
 * How subjects are to be divided, of those that stand otherwise: claims without voided ones, emails whole and first,
 * since others follow them, anonymous IDs in time; then without what was erased; and links last: they join whom the
 * claims have told apart.
 */
export function divideAgain(grounds: Grounds): Divisions {
  const { standing, erased, maxOwners } = grounds;
  const claimsOn = new Map<string, Claim[]>();
  for (const claim of markReleased(withoutVoided(grounds.claims, grounds.voided), erased)) {
    const others = claimsOn.get(claim.weakerId);
    if (others === undefined) claimsOn.set(claim.weakerId, [claim]);
    else others.push(claim);
  }
  const emails = new Map(
    grounds.emailIds.map(
      (id) => [id, ownerOfErasableEmail(id, claimsOn.get(id) ?? [], erased) ?? id] as const,
    ),
  );
  const ownerOf = (targetId: string) =>
    emails.get(targetId) ?? standing.get(targetId)?.at(-1)?.targetId ?? targetId;
  const links = linksAmong(grounds);

  const changed = new Map<string, readonly Span[]>();
  for (const id of grounds.dividedIds) {
    const owner = emails.get(id);
    const divided =
      owner === undefined
        ? divideInTime(id, claimsOn.get(id) ?? [], { ownerOf, maxOwners })
        : owner === id
          ? []
          : wholeTo(owner);
    const spans = followLinks(divideErased(id, divided, erased), links);
    if (!isSameDivision(spans, standing.get(id) ?? [])) changed.set(id, spans);
  }
  return changed;
}

/** A link's source belongs whole, and without time, to its target; and so does what the source owns. */
export function followLinks(spans: readonly Span[], links: ReadonlyMap<string, string>): readonly Span[] {
  if (links.size === 0) return spans;
  return spans.map((span) => ({ ...span, ownerId: links.get(span.ownerId) ?? span.ownerId }));
}

/**
 * To whom users are linked, as the division says of whom the claims name: a linked user's row, and an email's with such
 * a user, names the user as its target and whom it is linked to as its owner.
 */
function linksAmong({ claims, standing }: Grounds): Map<string, string> {
  const links = new Map<string, string>();
  for (const { strongerId } of claims) {
    const row = standing.get(strongerId)?.at(-1);
    if (row !== undefined && row.ownerId !== row.targetId) links.set(row.targetId, row.ownerId);
  }
  return links;
}

/** Who is linked, or no longer: all that names the user, by itself or by its emails, changes hands. */
export interface Relinked {
  readonly sourceId: string;
  /** The emails that belong to it. */
  readonly emailIds: readonly string[];
  /** Whom it belongs to: another user, or itself. */
  readonly ownerId: string;
  /** Its own and those of who was ever tied to it. */
  readonly standing: Divisions;
}

/** The new divisions where a user is linked, or no longer. What claims and kiosks come to is not worked out again. */
export function relink({ sourceId, emailIds, ownerId, standing }: Relinked): Divisions {
  const names = new Set([sourceId, ...emailIds]);
  const changed = new Map<string, readonly Span[]>();
  for (const [id, spans] of standing) {
    if (id === sourceId || !spans.some(({ targetId }) => names.has(targetId))) continue;
    changed.set(
      id,
      spans.map((span) => (names.has(span.targetId) ? { ...span, ownerId } : span)),
    );
  }
  return changed.set(sourceId, ownerId === sourceId ? [] : wholeTo(sourceId, ownerId));
}

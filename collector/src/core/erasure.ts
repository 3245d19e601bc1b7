import { type Claim, ownerOfEmail, type Span } from './identity';
import type { Tombstone } from './suppression';

/** A user or an email that was erased, with whom it stood for, links apart: an email's user, else itself. */
export interface Erasure {
  readonly subjectId: string;
  readonly targetId: string;
  /** Milliseconds since 1970. */
  readonly erasedAt: number;
}

/** What was erased of some subjects, and of those whom claims on them name. */
export interface Erased {
  /** By subject. */
  readonly erasures: ReadonlyMap<string, Erasure>;
  readonly tombstones: readonly Tombstone[];
}

export const NOTHING_ERASED: Erased = { erasures: new Map(), tombstones: [] };

const RELEASED = 'erased:';

/**
 * Claims as they count after erasures: one of an erased subject from before its erasure names whom it stood for by a
 * name of its own. So it still is an owner among others (a kiosk stays one), and nobody's profile.
 */
export function markReleased(claims: readonly Claim[], { erasures }: Erased): readonly Claim[] {
  if (erasures.size === 0) return claims;
  return claims.map((claim) => {
    const erasure = erasures.get(claim.strongerId);
    if (erasure === undefined || claim.fromAt >= erasure.erasedAt) return claim;
    return { ...claim, strongerId: `${RELEASED}${erasure.targetId}` };
  });
}

/**
 * The user of an email, or null: whom its first claim names. An email that was erased begins anew then; one whose
 * first claim was made by somebody who is erased belongs to itself.
 */
export function ownerOfErasableEmail(
  emailId: string,
  claims: readonly Claim[],
  { erasures }: Erased,
): string | null {
  const since = erasures.get(emailId)?.erasedAt ?? -Infinity;
  const owner = ownerOfEmail(claims.filter(({ fromAt }) => fromAt >= since));
  return owner === null || owner.startsWith(RELEASED) ? null : owner;
}

/**
 * A division after erasures: what belonged to an erased profile by claims belongs to the subject itself, and the times
 * that it owned when it was erased are its own for ever, whatever claims come later: nothing is left in them.
 *
 * @returns spans that cover all time; none where the subject owns all of it
 */
export function divideErased(
  subjectId: string,
  spans: readonly Span[],
  { erasures, tombstones }: Erased,
): readonly Span[] {
  if (erasures.size === 0 && tombstones.length === 0) return spans;
  const own = { targetId: subjectId, ownerId: subjectId };
  const released = spans.map((span) => (span.ownerId.startsWith(RELEASED) ? { ...span, ...own } : span));
  const whole = released.length > 0 ? released : [{ fromAt: -Infinity, toAt: Infinity, ...own }];
  const graves = tombstones.filter((tombstone) => tombstone.subjectId === subjectId);
  const bounds = [...new Set([...whole, ...graves].flatMap(({ fromAt, toAt }) => [fromAt, toAt]))];
  bounds.sort((a, b) => (a < b ? -1 : 1));
  const divided: Span[] = [];
  for (const [index, fromAt] of bounds.slice(0, -1).entries()) {
    const toAt = bounds[index + 1]!;
    const isIn = (each: { fromAt: number; toAt: number }) => each.fromAt <= fromAt && fromAt < each.toAt;
    const grave = graves.find(isIn);
    const { targetId, ownerId } =
      grave === undefined ? whole.find(isIn)! : { targetId: grave.ownerId, ownerId: grave.ownerId };
    const last = divided.at(-1);
    if (last?.targetId === targetId && last.ownerId === ownerId)
      divided[divided.length - 1] = { ...last, toAt };
    else divided.push({ fromAt, toAt, targetId, ownerId });
  }
  return divided.every((span) => span.ownerId === subjectId) ? [] : divided;
}

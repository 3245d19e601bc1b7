import { type Claim, compareClaims, type DividedBy, MAX_OWNERS } from './identity';

/**
 * Why something belongs to somebody: the last claim at or before its time, or the first of all (what came before any
 * sign-in), or of an email the first claim; a link; or that too many owned the device by then.
 */
export type Rule = 'latest_claim' | 'first_claim' | 'first_user' | 'link' | 'kiosk';

export interface Deciding {
  readonly rule: Exclude<Rule, 'link'>;
  readonly claim: Claim;
}

/** The claim that decides whom an anonymous ID belongs to at a moment, as divideInTime() does; null without claims. */
export function decideInTime(
  claims: readonly Claim[],
  at: number,
  { ownerOf, maxOwners = MAX_OWNERS }: DividedBy,
): Deciding | null {
  const sorted = [...claims].sort(compareClaims);
  const owners = new Set<string>();
  const crowding = sorted.find(({ strongerId }) => owners.add(ownerOf(strongerId)).size > maxOwners);
  if (crowding !== undefined && at >= crowding.fromAt) return { rule: 'kiosk', claim: crowding };
  const latest = sorted.filter(({ fromAt }) => fromAt <= at).at(-1);
  if (latest !== undefined) return { rule: 'latest_claim', claim: latest };
  return sorted[0] === undefined ? null : { rule: 'first_claim', claim: sorted[0] };
}

/** The claim that gives an email to its user; null without claims. */
export function decideEmail(claims: readonly Claim[]): Deciding | null {
  const claim = [...claims].sort(compareClaims)[0];
  return claim === undefined ? null : { rule: 'first_user', claim };
}

/** One reason after the other: an anonymous ID's event may be an email's, and so a user's, who was linked to another. */
export interface SpokenStep {
  readonly rule: Rule;
  /** Identifiers as they are shown to people, e.g. "user:ada". */
  readonly from: string;
  readonly to: string;
  /** When it was claimed, or linked. */
  readonly at: Date;
}

const CLAUSES: Readonly<Record<Rule, (step: SpokenStep) => string>> = {
  latest_claim: ({ from, to, at }) => `the last to sign in on ${from} by then was ${to}, ${when(at)}`,
  first_claim: ({ from, to, at }) =>
    `it is from before anybody signed in on ${from}, and first was ${to}, ${when(at)}`,
  first_user: ({ from, to, at }) => `${from} belongs to its first user, ${to}, ${when(at)}`,
  link: ({ from, to, at }) => `${from} was linked to ${to}, ${when(at)}`,
  kiosk: ({ from, at }) =>
    `${from} had had too many owners by then, since ${at.toISOString()}, to be anybody's`,
};

const when = (at: Date): string => `at ${at.toISOString()}`;

/** The whole reason in one sentence. */
export function sayWhy(sentUnder: string, steps: readonly SpokenStep[]): string {
  const said = `It was sent under ${sentUnder}`;
  if (steps.length === 0) return `${said}, which belongs to nobody else.`;
  return `${said}: ${steps.map((step) => CLAUSES[step.rule](step)).join('; ')}.`;
}

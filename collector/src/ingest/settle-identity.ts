import {
  type Claim,
  divideInTime,
  isRedundant,
  isSameDivision,
  type Move,
  movesBetween,
  ownerOfEmail,
  type Span,
} from '../core/identity';
import { subjectIdOf } from '../core/identifier';
import type { StorableEvent } from '../db/write-events';
import {
  createSubjects,
  lockSubjects,
  readClaims,
  readFollowers,
  readOwnership,
  type Subject,
} from '../db/write-identity';
import type { Transaction } from './transaction';

/** How each subject's time is divided; a subject that is not listed owns itself. */
export type Divisions = ReadonlyMap<string, readonly Span[]>;

export interface SettledIdentity {
  /** With this group's claims. */
  readonly after: Divisions;
  /** Those that this group's claims change. */
  readonly changed: Divisions;
  readonly moves: readonly Move[];
}

/** Another writer tied a subject to an email of this group while it waited for its locks: the group starts again. */
export class FollowersChanged extends Error {
  constructor() {
    super('An email gained a follower while its locks were being taken.');
  }
}

/**
 * Creates and locks the subjects that a group touches, and works out what its claims change. What a claim moves can
 * be more than it names: anonymous subjects that belong to an email follow it to the user who claims the email.
 */
export async function settleIdentity(
  transaction: Transaction,
  group: {
    readonly events: readonly StorableEvent[];
    readonly claims: readonly Claim[];
    readonly alsoLocked: readonly string[];
  },
): Promise<SettledIdentity> {
  const { client, workspaceId } = transaction;
  const subjects = subjectsOf(group.events, { workspaceId, claims: group.claims });
  const claimedIds = [...new Set(group.claims.map((claim) => claim.weakerId))];
  const emailIds = claimedIds.filter((id) => subjects.get(id)?.kind === 'email');
  const followers = emailIds.length === 0 ? [] : await readFollowers(client, workspaceId, emailIds);
  const locked = new Set([...subjects.keys(), ...group.alsoLocked, ...followers]);
  const dividedIds = [...new Set([...claimedIds, ...followers])];

  const [, , before, followersNow] = await Promise.all([
    createSubjects(client, workspaceId, [...subjects.values()]),
    lockSubjects(client, workspaceId, [...locked].sort()),
    readOwnership(client, workspaceId, { subjectIds: [...locked], claimedIds: dividedIds }),
    emailIds.length === 0 ? [] : readFollowers(client, workspaceId, emailIds),
  ]);
  if (followersNow.some((id) => !dividedIds.includes(id))) throw new FollowersChanged();
  // Nearly every identify says what is known: then the claims, which grow with a subject's history, are not read.
  const telling = group.claims.filter((claim) => !isRedundant(claim, before.get(claim.weakerId) ?? []));
  const changed =
    telling.length === 0
      ? new Map<string, readonly Span[]>()
      : divide({
          dividedIds,
          emailIds,
          before,
          claims: [...(await readClaims(client, workspaceId, dividedIds)), ...group.claims],
        });
  return {
    after: new Map([...before, ...changed]),
    changed,
    moves: [...changed].flatMap(([id, spans]) => movesBetween(id, before.get(id) ?? [], spans)),
  };
}

/** The subjects of the events, and both ends of their claims. */
function subjectsOf(
  events: readonly StorableEvent[],
  { workspaceId, claims }: { workspaceId: string; claims: readonly Claim[] },
): Map<string, Subject> {
  const claimed = new Set(claims.map((claim) => claim.weakerId));
  const subjects = new Map<string, Subject>();
  for (const { identifiers, subjectId, type } of events) {
    subjects.set(subjectId, { subjectId, ...identifiers[0]! });
    if (type !== 'identify' && type !== 'alias') continue;
    for (const identifier of identifiers.slice(1)) {
      const id = subjectIdOf(workspaceId, identifier);
      if (claimed.has(id)) subjects.set(id, { subjectId: id, ...identifier });
    }
  }
  return subjects;
}

/** The new division of each subject on which it differs from the one that stands. Emails first: others follow them. */
function divide(state: {
  readonly dividedIds: readonly string[];
  readonly emailIds: readonly string[];
  readonly before: Divisions;
  readonly claims: readonly Claim[];
}): Divisions {
  const claimsOn = new Map<string, Claim[]>();
  for (const claim of state.claims) {
    claimsOn.set(claim.weakerId, [...(claimsOn.get(claim.weakerId) ?? []), claim]);
  }
  const emailOwners = new Map(
    state.emailIds.map((id) => [id, ownerOfEmail(claimsOn.get(id) ?? [])!] as const),
  );
  const ownerOf = (targetId: string) =>
    emailOwners.get(targetId) ?? state.before.get(targetId)?.[0]?.ownerId ?? targetId;

  const changed = new Map<string, readonly Span[]>();
  for (const id of state.dividedIds) {
    const owner = emailOwners.get(id);
    const spans =
      owner === undefined
        ? divideInTime(id, claimsOn.get(id) ?? [], ownerOf)
        : [{ fromAt: -Infinity, toAt: Infinity, targetId: owner, ownerId: owner }];
    if (!isSameDivision(spans, state.before.get(id) ?? [])) changed.set(id, spans);
  }
  return changed;
}

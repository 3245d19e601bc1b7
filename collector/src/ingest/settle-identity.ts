import { divideAgain, type Divisions } from '../core/division';
import { type Claim, isRedundant, type Move, movesBetween, type Span, withoutVoided } from '../core/identity';
import { subjectIdOf } from '../core/identifier';
import { type Erased, NOTHING_ERASED } from '../core/erasure';
import type { NormalEvent } from '../core/event';
import { readErased } from '../db/erasure';
import {
  createSubjects,
  type Division,
  lockEach,
  lockSubjects,
  lookAgain,
  NO_CLAIMS,
  readClaims,
  readEmailsAmong,
  readFollowers,
  readOwnership,
  type SecondLook,
  type Subject,
} from '../db/write-identity';
import type { Transaction } from './transaction';

/** What a group locks beyond the subjects that its claims name: what an earlier try of it found out. */
export interface Locks {
  readonly subjectIds: readonly string[];
  /** Every subject of the group: then nothing can change under it. */
  readonly all: boolean;
}

export const NO_MORE_LOCKS: Locks = { subjectIds: [], all: false };

/** Others moved what this group was about to add to, or it must lock more than it did: it starts again. */
export class OwnershipChanged extends Error {
  /** What Postgres calls such a thing, so that it is taken for what it is: a serialization failure. */
  readonly code = '40001';

  constructor(readonly subjectIds: readonly string[] = []) {
    super('Who owns the subjects of this group changed while it was written.');
  }
}

/** The subjects of a group as they were found. */
export interface FoundSubjects {
  readonly kinds: ReadonlyMap<string, Subject['kind']>;
  readonly locked: ReadonlySet<string>;
  /** Of those the ones that others may have locked, too: nobody divides them, and this group must not. */
  readonly shared: ReadonlySet<string>;
  readonly divisions: ReadonlyMap<string, Division>;
}

/**
 * Creates the subjects of a group and reads how they are divided. Only what claims are about is locked: both ends, but
 * for users, who are never divided. All its statements go out at once, unless {@link Locks} ask for more.
 *
 * Nearly every claim says what is known, and groups that meet in one shall not wait for each other to commit: such a
 * claim shares its locks. It is written all the same, and whoever divides the subject, and reads all its claims, has to
 * wait for it, or it for them. That it changes nothing is seen again once the lock is there (settleIdentity()).
 *
 * An event that claims nothing locks no subject. It is counted where its subject belonged when it was read, and before
 * the commit, when the parts that it added to are locked by that, {@link lookAtUnlocked} looks again. A claim locks the
 * parts that it moves before it reads what to move. So of the two the one that comes second sees the other.
 */
export async function findSubjects(
  { client, workspaceId }: Transaction,
  group: {
    readonly events: readonly NormalEvent[];
    readonly claims: readonly Claim[];
    /** How what the claims are on was divided a moment ago. */
    readonly known: ReadonlyMap<string, Division>;
    readonly locks: Locks;
  },
): Promise<FoundSubjects> {
  const subjects = subjectsOf(group.events, { workspaceId, claims: group.claims });
  const ids = [...subjects.keys()];
  const locked = new Set(group.locks.all ? [...ids, ...group.locks.subjectIds] : group.locks.subjectIds);
  const kinds = new Map([...subjects].map(([id, { kind }]) => [id, kind]));
  const shared = new Set<string>();
  for (const claim of group.claims) {
    const isTelling = !isRedundant(claim, group.known.get(claim.weakerId)?.spans ?? []);
    for (const id of endsOf(claim, kinds)) (isTelling ? locked : shared).add(id);
  }
  for (const id of shared) {
    if (locked.has(id)) shared.delete(id);
    else locked.add(id);
  }
  const { subjectIds } = group.locks;
  const others = new Set(
    subjectIds.length === 0 ? [] : await readEmailsAmong(client, workspaceId, subjectIds),
  );
  const isEmail = (id: string): boolean => subjects.get(id)?.kind === 'email' || others.has(id);
  if (group.locks.all) {
    // While many subjects are being tied to an email, each try finds new ones. So the last tries hold the emails, which
    // all writers lock first, before they ask who follows: nobody ties another one then.
    const emailIds = [...locked].filter(isEmail).sort();
    await createSubjects(client, workspaceId, [...subjects.values()]);
    await lockSubjects(client, workspaceId, emailIds);
    for (const id of await readFollowers(client, workspaceId, emailIds)) locked.add(id);
  }
  const sorted = [...locked].sort();
  const inOrder = [...sorted.filter(isEmail), ...sorted.filter((id) => !isEmail(id))];
  const wanted = inOrder.map((subjectId) => ({ subjectId, isShared: shared.has(subjectId) }));
  const [, , divisions] = await Promise.all([
    createSubjects(client, workspaceId, [...subjects.values()]),
    locked.size === 0 ? undefined : lockEach(client, workspaceId, wanted),
    readOwnership(client, workspaceId, [...new Set([...ids, ...locked])]),
  ]);
  return { kinds, locked, shared, divisions };
}

/** What a claim locks: the subject that it is on, and an email that it names, whose followers go where it goes. */
function endsOf({ weakerId, strongerId }: Claim, kinds: FoundSubjects['kinds']): readonly string[] {
  return kinds.get(strongerId) === 'email' ? [weakerId, strongerId] : [weakerId];
}

export interface SettledIdentity {
  /** Without this group's claims. */
  readonly before: Divisions;
  /** With them. */
  readonly after: Divisions;
  /** Those that this group's claims change. */
  readonly changed: Divisions;
  readonly moves: readonly Move[];
  /** What must not have changed at the end. */
  readonly unlocked: ReadonlyMap<string, Division | undefined>;
}

/**
 * Works out what a group's claims change. What a claim moves can be more than it names: anonymous subjects that belong
 * to an email follow it to the user who claims the email.
 *
 * @param alsoRead subjects that are not among those that were found, but whose parts the group changes
 * @throws OwnershipChanged where something must be locked that is not, or is only shared
 */
export async function settleIdentity(
  transaction: Transaction,
  {
    found,
    claims,
    alsoRead,
  }: { found: FoundSubjects; claims: readonly Claim[]; alsoRead: readonly string[] },
): Promise<SettledIdentity> {
  const { client, workspaceId } = transaction;
  const unread = alsoRead.filter((id) => !found.kinds.has(id) && !found.locked.has(id));
  const read = unread.length === 0 ? [] : await readOwnership(client, workspaceId, unread);
  const divisions = new Map([...found.divisions, ...read]);
  const before = new Map([...divisions].map(([id, { spans }]) => [id, spans]));
  // Nearly every identify says what is known: then the claims, which grow with a subject's history, are not read.
  const telling = claims.filter((claim) => !isRedundant(claim, before.get(claim.weakerId) ?? []));
  const ends = telling.flatMap((claim) => endsOf(claim, found.kinds));
  if (ends.some((id) => found.shared.has(id))) throw new OwnershipChanged(ends);
  const changed =
    telling.length === 0
      ? new Map<string, readonly Span[]>()
      : await divideAnew(transaction, { found, before, claims, telling });
  const unlocked = [...found.kinds.keys(), ...unread].filter((id) => !found.locked.has(id));
  return {
    before,
    after: new Map([...before, ...changed]),
    changed,
    moves: [...changed].flatMap(([id, spans]) => movesBetween(id, before.get(id) ?? [], spans)),
    unlocked: new Map(unlocked.map((id) => [id, divisions.get(id)])),
  };
}

/** Whether what was read without a lock still stands. */
export async function lookAtUnlocked(
  { client, workspaceId }: Transaction,
  unlocked: SettledIdentity['unlocked'],
): Promise<SecondLook> {
  let rows = 0;
  let stamp = 0;
  for (const division of unlocked.values()) {
    rows += division?.spans.length ?? 0;
    stamp += division?.stamp ?? 0;
  }
  return lookAgain(client, workspaceId, { subjectIds: [...unlocked.keys()], rows, stamp });
}

/** The subjects of the events, and both ends of their claims. */
function subjectsOf(
  events: readonly NormalEvent[],
  { workspaceId, claims }: { workspaceId: string; claims: readonly Claim[] },
): Map<string, Subject> {
  const claimed = new Set(claims.map((claim) => claim.weakerId));
  const subjects = new Map<string, Subject>();
  for (const { identifiers, subjectId, type } of events) {
    if (!subjects.has(subjectId)) subjects.set(subjectId, { subjectId, ...identifiers[0]! });
    if (type !== 'identify' && type !== 'alias') continue;
    for (const identifier of identifiers.slice(1)) {
      const id = subjectIdOf(workspaceId, identifier);
      if (claimed.has(id)) subjects.set(id, { subjectId: id, ...identifier });
    }
  }
  return subjects;
}

/** The new division of each subject that these claims divide otherwise than it stands. */
async function divideAnew(
  transaction: Transaction,
  group: {
    readonly found: FoundSubjects;
    readonly before: Divisions;
    readonly claims: readonly Claim[];
    readonly telling: readonly Claim[];
  },
): Promise<Divisions> {
  const { client, workspaceId, maxOwners } = transaction;
  const { kinds, locked, shared } = group.found;
  const weakerIds = [...new Set(group.telling.map((claim) => claim.weakerId))];
  const isEmail = (id: string): boolean => kinds.get(id) === 'email';
  const emails = weakerIds.filter(isEmail);
  const [stored, tied] = await Promise.all([
    readClaims(client, workspaceId, weakerIds),
    // Nobody ties another subject to these emails now: who does locks the email too.
    emails.length === 0 ? [] : readFollowers(client, workspaceId, emails),
  ]);
  // What was voided tells nothing, however often it is said again.
  const telling = withoutVoided(group.telling, stored.voided);
  const tellingIds = [...new Set(telling.map((claim) => claim.weakerId))];
  const emailIds = tellingIds.filter(isEmail);
  const followers = emailIds.length === 0 ? [] : tied;
  if (followers.some((id) => !locked.has(id) || shared.has(id))) throw new OwnershipChanged(followers);

  const dividedIds = [...new Set([...tellingIds, ...followers])];
  const unread = followers.filter((id) => !weakerIds.includes(id));
  const more = unread.length === 0 ? NO_CLAIMS : await readClaims(client, workspaceId, unread);
  const claims = [...stored.claims, ...more.claims, ...group.claims].filter(({ weakerId }) =>
    dividedIds.includes(weakerId),
  );
  const voided = [...stored.voided, ...more.voided];
  const standing = new Map(group.before);
  for (const [id, { spans }] of await readTargets({ client, workspaceId }, { claims, found: group.found }))
    standing.set(id, spans);
  const erased = await readErasedOf(transaction, { dividedIds, claims });
  return divideAgain({ dividedIds, emailIds, claims, voided, standing, erased, maxOwners });
}

/** What was erased of those who are divided, and of those whom their claims name; not asked where nothing ever was. */
export async function readErasedOf(
  { client, workspaceId, regulationEpoch }: Transaction,
  { dividedIds, claims }: { readonly dividedIds: readonly string[]; readonly claims: readonly Claim[] },
): Promise<Erased> {
  if (regulationEpoch === 0) return NOTHING_ERASED;
  return readErased(client, workspaceId, [...dividedIds, ...claims.map((claim) => claim.strongerId)]);
}

/** How those are divided whom the claims name and the group does not: who changes them locks whom the claims are on. */
function readTargets(
  { client, workspaceId }: Pick<Transaction, 'client' | 'workspaceId'>,
  { claims, found }: { readonly claims: readonly Claim[]; readonly found: FoundSubjects },
): Promise<Map<string, Division>> | Map<string, Division> {
  const targetIds = new Set(claims.map((claim) => claim.strongerId));
  const unread = [...targetIds].filter((id) => !found.kinds.has(id) && !found.locked.has(id));
  return unread.length === 0 ? new Map<string, Division>() : readOwnership(client, workspaceId, unread);
}

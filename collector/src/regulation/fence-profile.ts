import { divideAgain } from '../core/division';
import { divideErased } from '../core/erasure';
import { createLedger } from '../core/ledger';
import {
  blankSubjects,
  deleteParts,
  eraseOrders,
  type Erasing,
  insertErasure,
  lockOrders,
  type Owned,
  readLastSeen,
  readOwned,
} from '../db/erase-profile';
import type { OfProfile } from '../db/erase-memberships';
import { readProfiles, resolveProfile } from '../db/profiles';
import { markForAll } from '../db/audience-marks';
import { querierIn } from '../db/querier';
import { raiseRegulationEpoch, suppressSubjects } from '../db/regulations';
import { lockSubjects, readClaims, readOwnership, replaceOwnership } from '../db/write-identity';
import { addToParts } from '../db/write-profiles';
import { ownersIn } from '../ingest/mark-audiences';
import { OwnershipChanged, readErasedOf } from '../ingest/settle-identity';
import type { WorkspaceTransaction } from './workspace-transaction';

export interface ToFence {
  readonly regulationId: string;
  /** Whom the ID that was given names. */
  readonly subjectId: string;
  readonly now: Date;
  /** Of how many owners an anonymous ID is no kiosk yet. */
  readonly maxOwners: number;
}

/** A profile of which nothing more will come, and what of it is gone already. */
export interface Fenced {
  readonly profileId: string;
  readonly erasedAt: Date;
  readonly deleted: {
    readonly profiles: 1;
    readonly identifiers: number;
    readonly traits: number;
    readonly orders: number;
  };
}

/**
 * The first step of an erasure, after which nothing can be added to the profile: its times are tombstones, its users
 * and emails are suppressed, what its claims tied is released, and its sums, orders and identifiers are gone. How many
 * events it has does not matter here, only how many identifiers and orders.
 *
 * Takes the locks of a group that claims, in their order, behind the workspace's row. A group that counts an event for
 * the profile holds the part that it adds to until it commits; the profile's parts are written here too, so one waits
 * for the other. Of the two the second sees the first: this one finds the event counted, or the group finds the epoch
 * raised behind its parts and starts again. A claim towards the profile is made by an event of one of its own
 * subjects, whose part is among them.
 *
 * @returns null where the ID stands for no profile any more
 * @throws OwnershipChanged where the profile came to own more meanwhile; the same again passes
 */
export async function fenceProfile(
  { db, workspaceId }: WorkspaceTransaction,
  { regulationId, subjectId, now, maxOwners }: ToFence,
): Promise<Fenced | null> {
  await raiseRegulationEpoch(db, workspaceId);
  const client = querierIn(db);
  const profileId = await resolveProfile(db, workspaceId, subjectId);
  if (profileId === null) return null;
  const profile = { workspaceId, profileId };
  const owned = await readOwned(db, profile);
  await lockSubjects(client, workspaceId, inLockOrder(owned));
  // Somebody may have signed in meanwhile; behind the locks nobody does. Not later: it would find the parts written here.
  if ((await resolveProfile(db, workspaceId, subjectId)) !== profileId) throw new OwnershipChanged();
  await lockOrders(
    db,
    workspaceId,
    owned.map((each) => each.subjectId),
  );
  const ledger = createLedger();
  for (const each of owned) ledger.add({ ownerId: profileId, subjectId: each.subjectId });
  await addToParts(client, workspaceId, ledger.parts());
  await confirmOwned({ db, workspaceId }, { profile, owned });

  const traits = (await readProfiles(db, workspaceId, [profileId])).flatMap((each) =>
    Object.keys(each.traits),
  );
  const erasedAt = await chooseMoment({ db, workspaceId }, { profile, now });
  await noteErasure({ db, workspaceId }, { erasing: { ...profile, regulationId, erasedAt }, owned });
  const changed = await release({ db, workspaceId }, { owned, maxOwners });
  await markForAll(client, workspaceId, [...new Set([profileId, ...changed])]);
  const orders = await eraseOrders(db, profile);
  await deleteParts(db, profile);
  await blankSubjects(db, profile);
  const deleted = { profiles: 1, identifiers: owned.length, traits: traits.length, orders } as const;
  return { profileId, erasedAt, deleted };
}

/** Emails first, as everybody locks them. */
function inLockOrder(owned: readonly Owned[]): string[] {
  const ids = (isEmail: boolean) =>
    owned.filter(({ kind }) => (kind === 'email') === isEmail).map((each) => each.subjectId);
  return [...ids(true), ...ids(false)];
}

async function confirmOwned(
  { db }: WorkspaceTransaction,
  { profile, owned }: { profile: OfProfile; owned: readonly Owned[] },
): Promise<void> {
  const now = await readOwned(db, profile);
  const known = new Set(owned.map((each) => each.subjectId));
  if (now.length !== owned.length || now.some((each) => !known.has(each.subjectId)))
    throw new OwnershipChanged();
}

/** Later than all that is counted for the profile, also by a machine whose clock is ahead of ours. */
async function chooseMoment(
  { db }: WorkspaceTransaction,
  { profile, now }: { profile: OfProfile; now: Date },
): Promise<Date> {
  const lastSeen = await readLastSeen(db, profile);
  return new Date(Math.max(now.getTime(), (lastSeen?.getTime() ?? -Infinity) + 1));
}

async function noteErasure(
  { db, workspaceId }: WorkspaceTransaction,
  { erasing, owned }: { erasing: Erasing; owned: readonly Owned[] },
): Promise<void> {
  const named = owned.filter(({ kind }) => kind !== 'anonymous').map((each) => each.subjectId);
  await insertErasure(db, erasing, named);
  const { regulationId, erasedAt } = erasing;
  await suppressSubjects(db, workspaceId, { subjectIds: named, regulationId, since: erasedAt });
}

/**
 * Divides anew what the profile owned: from its erasure on it belongs to itself, or to whom others' claims say.
 *
 * @returns those who own some of it, before or now
 */
async function release(
  { db, workspaceId }: WorkspaceTransaction,
  { owned, maxOwners }: { readonly owned: readonly Owned[]; readonly maxOwners: number },
): Promise<string[]> {
  const client = querierIn(db);
  const weaker = owned.filter(({ kind }) => kind !== 'user');
  const dividedIds = weaker.map((each) => each.subjectId);
  const { claims, voided } = await readClaims(client, workspaceId, dividedIds);
  const named = claims.map((claim) => claim.strongerId);
  const ids = [...new Set([...owned.map((each) => each.subjectId), ...named])];
  const read = await readOwnership(client, workspaceId, ids);
  const standing = new Map([...read].map(([id, { spans }]) => [id, spans]));
  const transaction = { client, workspaceId, maxOwners, regulationEpoch: 1 };
  const erased = await readErasedOf(transaction, { dividedIds: ids, claims });
  const emailIds = weaker.filter(({ kind }) => kind === 'email').map((each) => each.subjectId);
  const changed = new Map(divideAgain({ dividedIds, emailIds, claims, voided, standing, erased, maxOwners }));
  // Users who were linked to it are released by no claim.
  for (const { subjectId, kind } of owned) {
    if (kind === 'user' && standing.has(subjectId))
      changed.set(subjectId, divideErased(subjectId, [], erased));
  }
  await replaceOwnership(client, workspaceId, changed);
  return ownersIn(standing, changed);
}

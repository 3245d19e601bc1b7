import { divideAgain, type Divisions } from '../core/division';
import type { Pair } from '../core/identity';
import { insertAuditEntry } from '../db/audit';
import { readKinds } from '../db/subjects';
import type { Transfer } from '../db/transfers';
import { deleteVoid, insertVoid, type Signed } from '../db/voids';
import {
  lockSubjects,
  readClaims,
  readFollowers,
  readOwnership,
  type StoredClaims,
} from '../db/write-identity';
import { handOver } from './hand-over';
import { readErasedOf } from './settle-identity';
import type { Transaction } from './transaction';

export interface VoidChange extends Signed, Pair {
  /** Whether the pair shall be void from now on, or count again. */
  readonly isVoid: boolean;
  readonly isPreview: boolean;
}

export type VoidOutcome =
  /** No claim ties the two. */
  | { readonly status: 'unknown' }
  /** One of the two was erased: who owned what of it stays as it was. */
  | { readonly status: 'erased' }
  /** It was so before. */
  | { readonly status: 'unchanged' }
  | { readonly status: 'changed'; readonly transfers: readonly Transfer[] };

/**
 * Takes a pair out of the claims, or takes that back. Takes the way of a group that claims: the weaker one is locked,
 * with who follows it where it is an email, and divided anew out of all claims; so it is exact, and undone exactly.
 */
export async function changeVoid(transaction: Transaction, change: VoidChange): Promise<VoidOutcome> {
  const { client, workspaceId, maxOwners } = transaction;
  const { weakerId, isVoid, isPreview } = change;
  const isEmail = (await readKinds(client, workspaceId, [weakerId])).get(weakerId) === 'email';
  const dividedIds = await findDivided(transaction, { weakerId, isEmail, isPreview });
  const stored = await readClaims(client, workspaceId, dividedIds);
  if (!stored.claims.some(isPair(change))) return { status: 'unknown' };
  if (stored.voided.some(isPair(change)) === isVoid) return { status: 'unchanged' };

  const erased = await readErasedOf(transaction, { dividedIds, claims: stored.claims });
  if (erased.erasures.has(weakerId) || erased.erasures.has(change.strongerId)) return { status: 'erased' };
  const standing = await readStanding(transaction, { dividedIds, stored });
  const others = stored.voided.filter((pair) => !isPair(change)(pair));
  const changed = divideAgain({
    dividedIds,
    emailIds: isEmail ? [weakerId] : [],
    claims: stored.claims,
    voided: isVoid ? [...others, change] : others,
    standing,
    erased,
    maxOwners,
  });
  const transfers = await handOver(transaction, { standing, changed, isPreview });
  if (!isPreview) await record(transaction, { change, transfers });
  return { status: 'changed', transfers };
}

const isPair =
  (one: Pair) =>
  (other: Pair): boolean =>
    one.weakerId === other.weakerId && one.strongerId === other.strongerId;

/** The weaker one, and who follows it; locked, unless it is only asked what would move. */
async function findDivided(
  { client, workspaceId }: Transaction,
  { weakerId, isEmail, isPreview }: { weakerId: string; isEmail: boolean; isPreview: boolean },
): Promise<string[]> {
  if (!isPreview) await lockSubjects(client, workspaceId, [weakerId]);
  if (!isEmail) return [weakerId];
  // Emails are locked first, and nobody ties another subject to a locked one.
  const followers = (await readFollowers(client, workspaceId, [weakerId])).sort();
  if (!isPreview) await lockSubjects(client, workspaceId, followers);
  return [weakerId, ...followers];
}

/** How they are divided, and those whom their claims name: who changes these locks whom the claims are on. */
async function readStanding(
  { client, workspaceId }: Transaction,
  { dividedIds, stored }: { dividedIds: readonly string[]; stored: StoredClaims },
): Promise<Divisions> {
  const named = stored.claims.map((claim) => claim.strongerId);
  const read = await readOwnership(client, workspaceId, [...new Set([...dividedIds, ...named])]);
  return new Map([...read].map(([id, { spans }]) => [id, spans]));
}

async function record(
  { client, workspaceId }: Transaction,
  { change, transfers }: { change: VoidChange; transfers: readonly Transfer[] },
): Promise<void> {
  const { id, at, actor, isVoid } = change;
  await (isVoid ? insertVoid(client, workspaceId, change) : deleteVoid(client, workspaceId, change));
  await insertAuditEntry(client, workspaceId, {
    entryId: id,
    at,
    actor,
    action: isVoid ? 'claim.void' : 'claim.unvoid',
    // How many, never whom: the log outlives an erasure.
    detail: { events: countEvents(transfers) },
  });
}

export function countEvents(transfers: readonly Transfer[]): number {
  return transfers.reduce((sum, { events }) => sum + events, 0);
}

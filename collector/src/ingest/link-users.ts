import { type Divisions, relink } from '../core/division';
import { insertAuditEntry } from '../db/audit';
import { deleteLink, insertLink, type Link, readLinksOf } from '../db/links';
import { readKinds } from '../db/subjects';
import type { Transfer } from '../db/transfers';
import type { Signed } from '../db/voids';
import { lockSubjects, readEmailsAmong, readFollowers, readOwnership } from '../db/write-identity';
import { handOver } from './hand-over';
import { OwnershipChanged, readErasedOf } from './settle-identity';
import type { Transaction } from './transaction';
import { countEvents } from './void-claims';

export interface LinkChange extends Signed, Link {
  /** Whether the source shall belong to the target from now on, or to itself again. */
  readonly isLinked: boolean;
  readonly isPreview: boolean;
}

export type LinkOutcome =
  /** One of the two was never seen. */
  | { readonly status: 'unknown'; readonly subjectId: string }
  | { readonly status: 'no_user'; readonly subjectId: string }
  /** One of the two was erased. */
  | { readonly status: 'erased' }
  /** It was so before. */
  | { readonly status: 'unchanged' }
  /** Links are one hop: this one stands in the way. */
  | { readonly status: 'taken'; readonly by: Link }
  | { readonly status: 'changed'; readonly transfers: readonly Transfer[] };

/**
 * Joins a user to another one, or takes that back.
 *
 * Who follows the source is locked before it is moved; and no new follower can be missed: a claim towards a user is made
 * by an event of that user, so its group writes the source's own part, as this does before it looks again who follows.
 * Of the two the second sees the other: this one the new follower, or the group behind its parts that the source moved.
 */
export async function changeLink(transaction: Transaction, change: LinkChange): Promise<LinkOutcome> {
  const { client, workspaceId } = transaction;
  const { sourceId, targetId, isLinked, isPreview } = change;
  const kinds = await readKinds(client, workspaceId, [sourceId, targetId]);
  for (const subjectId of [sourceId, targetId]) {
    if (!kinds.has(subjectId)) return { status: 'unknown', subjectId };
    if (kinds.get(subjectId) !== 'user') return { status: 'no_user', subjectId };
  }
  const tied = isPreview
    ? await readTied(transaction, sourceId)
    : await lockTied(transaction, { sourceId, targetId });
  const { erasures } = await readErasedOf(transaction, { dividedIds: [sourceId, targetId], claims: [] });
  if (erasures.size > 0) return { status: 'erased' };
  const links = await readLinksOf(client, workspaceId, [sourceId, targetId]);
  const isThere = links.some((link) => link.sourceId === sourceId && link.targetId === targetId);
  if (isThere === isLinked) return { status: 'unchanged' };
  // Others may be linked to the same target; but the source to nobody else, and neither of them the other way round.
  const by = links.find((link) => link.targetId !== targetId);
  if (by !== undefined) return { status: 'taken', by };

  const standing = await readStanding(transaction, [sourceId, ...tied.subjectIds]);
  const changed = relink({
    sourceId,
    emailIds: tied.emailIds.filter((id) => standing.get(id)?.at(-1)?.targetId === sourceId),
    ownerId: isLinked ? targetId : sourceId,
    standing,
  });
  const confirm = async () => {
    const now = await readTied(transaction, sourceId);
    const known = new Set(tied.subjectIds);
    if (now.subjectIds.some((id) => !known.has(id))) throw new OwnershipChanged();
  };
  const transfers = await handOver(transaction, { standing, changed, isPreview, confirm });
  if (!isPreview) await record(transaction, { change, transfers });
  return { status: 'changed', transfers };
}

/** Whoever was ever tied to a user, by itself or by an email that was. */
interface Tied {
  readonly emailIds: readonly string[];
  /** The emails too. */
  readonly subjectIds: readonly string[];
}

async function readTied({ client, workspaceId }: Transaction, userId: string): Promise<Tied> {
  const direct = await readFollowers(client, workspaceId, [userId]);
  const emailIds = direct.length === 0 ? [] : await readEmailsAmong(client, workspaceId, direct);
  const indirect = emailIds.length === 0 ? [] : await readFollowers(client, workspaceId, emailIds);
  return { emailIds, subjectIds: [...new Set([...direct, ...indirect])] };
}

/** Emails first, as everybody locks them; then nobody ties another subject to them. */
async function lockTied(transaction: Transaction, { sourceId, targetId }: Link): Promise<Tied> {
  const { client, workspaceId } = transaction;
  const { emailIds } = await readTied(transaction, sourceId);
  const locked = new Set(emailIds);
  await lockSubjects(client, workspaceId, [...emailIds].sort());
  const tied = await readTied(transaction, sourceId);
  if (tied.emailIds.some((id) => !locked.has(id))) throw new OwnershipChanged();
  const others = new Set([sourceId, targetId, ...tied.subjectIds].filter((id) => !locked.has(id)));
  await lockSubjects(client, workspaceId, [...others].sort());
  return tied;
}

async function readStanding(
  { client, workspaceId }: Transaction,
  subjectIds: readonly string[],
): Promise<Divisions> {
  const read = await readOwnership(client, workspaceId, subjectIds);
  return new Map([...read].map(([id, { spans }]) => [id, spans]));
}

async function record(
  { client, workspaceId }: Transaction,
  { change, transfers }: { change: LinkChange; transfers: readonly Transfer[] },
): Promise<void> {
  const { id, at, actor, sourceId, isLinked } = change;
  await (isLinked ? insertLink(client, workspaceId, change) : deleteLink(client, workspaceId, sourceId));
  await insertAuditEntry(client, workspaceId, {
    entryId: id,
    at,
    actor,
    action: isLinked ? 'profile.link' : 'profile.unlink',
    // How many, never whom: the log outlives an erasure.
    detail: { events: countEvents(transfers) },
  });
}

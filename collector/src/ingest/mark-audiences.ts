import { createInterests, type Interests, type InterestsOf } from '../core/audience-interest';
import type { Divisions } from '../core/division';
import { isOwnEvent, type NormalEvent } from '../core/event';
import { ownerAt } from '../core/identity';
import { insertMarks, markForAll, readFollowedRules } from '../db/audience-marks';
import type { OrderEntry } from '../db/write-orders';
import type { SettledIdentity } from './settle-identity';
import type { Transaction } from './transaction';

interface Counted {
  readonly events: readonly NormalEvent[];
  readonly identity: Pick<SettledIdentity, 'before' | 'changed'>;
  /** Orders that count no more, since an earlier event was theirs. */
  readonly replaced: readonly OrderEntry[];
}

/**
 * Marks whom a group's audiences must look at again: for each event its owner, for the audiences that mention what it
 * says; a profile that is new, for those that ask what it has not; and for all of them whoever loses or gains history.
 *
 * @param epoch the workspace's `audience_epoch`, read by a statement of this transaction behind its first write: whoever
 *   adds an audience later sees that this transaction is not over yet, and looks at everything again when it is
 * @returns whether there is something to look at
 */
export async function markAudiences(
  transaction: Transaction,
  { events, identity, replaced }: Counted,
  { epoch, known }: { readonly epoch: number; readonly known: InterestsOf },
): Promise<boolean> {
  if (epoch === 0) return false;
  const { client, workspaceId } = transaction;
  const interests = await interestsAt(transaction, { epoch, known });
  const moved = ownersIn(identity.before, identity.changed);
  if (moved.length > 0) await markForAll(client, workspaceId, moved);
  const marks = createMarks(new Set(moved));
  const firsts = new Map<string, number>();
  const ownerOf = ({ subjectId, occurredAt }: Pick<NormalEvent, 'subjectId' | 'occurredAt'>) =>
    ownerAt(subjectId, identity.before.get(subjectId) ?? [], occurredAt);
  for (const event of events) {
    const profileId = ownerOf(event);
    marks.add(profileId, interests.touchedBy(event));
    // Nobody begins with what we record ourselves, which is counted in nothing.
    if (isOwnEvent(event)) continue;
    firsts.set(profileId, Math.min(firsts.get(profileId) ?? Infinity, event.occurredAt));
  }
  for (const entry of replaced) marks.add(ownerOf(entry), interests.ofOrders);
  const beginning = {
    audienceIds: interests.ofStrangers,
    profiles:
      interests.ofStrangers.length === 0
        ? []
        : [...firsts].map(([profileId, firstAt]) => ({ profileId, firstAt })),
  };
  if (marks.all().length === 0 && beginning.profiles.length === 0) return moved.length > 0;
  const isMarked = await insertMarks(client, workspaceId, { marks: marks.all(), beginning });
  return isMarked || moved.length > 0;
}

/** Whoever owns some of these subjects' time, as it was divided or as it is now. */
export function ownersIn(before: Divisions, changed: Divisions): string[] {
  const owners = new Set<string>();
  for (const [subjectId, spans] of changed) {
    const was = before.get(subjectId) ?? [];
    for (const each of [...spans, ...was]) owners.add(each.ownerId);
    // Without spans it is its own.
    if (spans.length === 0 || was.length === 0) owners.add(subjectId);
  }
  return [...owners];
}

async function interestsAt(
  { client, workspaceId }: Transaction,
  { epoch, known }: { readonly epoch: number; readonly known: InterestsOf },
): Promise<Interests> {
  const standing = known.get(workspaceId);
  if (standing?.epoch === epoch) return standing;
  const read = await readFollowedRules(client, workspaceId);
  const interests = createInterests(read.epoch, read.rules);
  known.set(workspaceId, interests);
  return interests;
}

/** One mark for each audience and profile, however many events ask for it. */
function createMarks(isMarked: ReadonlySet<string>) {
  const marked = new Map<string, Set<string>>();
  return {
    add(profileId: string, audienceIds: readonly string[]): void {
      if (audienceIds.length === 0 || isMarked.has(profileId)) return;
      const its = marked.get(profileId) ?? new Set();
      for (const audienceId of audienceIds) its.add(audienceId);
      marked.set(profileId, its);
    },
    all: () =>
      [...marked].flatMap(([profileId, its]) => [...its].map((audienceId) => ({ audienceId, profileId }))),
  };
}

import { identifiersIn } from '../core/bad-row';
import type { NormalEvent } from '../core/event';
import { subjectIdOf } from '../core/identifier';
import { regulationAgainst, subjectsNamedBy } from '../core/suppression';
import { readWithheld } from '../db/suppression';
import type { RejectedRow } from '../db/write-events';
import type { Transaction } from './transaction';

/** What of a group may be written. */
export interface Permitted {
  readonly events: readonly NormalEvent[];
  readonly rejected: readonly RejectedRow[];
  /** The message IDs of those that were dropped. */
  readonly suppressed: ReadonlySet<string>;
  /** How many each regulation kept out. */
  readonly dropped: ReadonlyMap<string, number>;
  /** Subjects of the events that are written, whose readable value was erased: they get it again. */
  readonly blank: readonly { readonly subjectId: string; readonly value: string }[];
}

const NOTHING_WITHHELD = { suppressed: new Set<string>(), dropped: new Map<string, number>(), blank: [] };

interface Wanted {
  readonly events: readonly NormalEvent[];
  readonly rejected: readonly RejectedRow[];
}

/**
 * Holds back what regulations say: events that carry a suppressed identifier or are from an erased time, and what was
 * refused of a suppressed one. Costs nothing where the epoch that was read with the group's first statement is 0.
 */
export async function withhold(transaction: Transaction, wanted: Wanted): Promise<Permitted> {
  if (transaction.regulationEpoch === 0) return { ...wanted, ...NOTHING_WITHHELD };
  const { client, workspaceId } = transaction;
  const named = wanted.rejected.map((row) =>
    identifiersIn(row.payload).map((identifier) => subjectIdOf(workspaceId, identifier)),
  );
  const withheld = await readWithheld(client, workspaceId, [
    ...new Set([...wanted.events.flatMap((event) => subjectsNamedBy(event, workspaceId)), ...named.flat()]),
  ]);
  const dropped = new Map<string, number>();
  const count = (regulationId: string) => dropped.set(regulationId, (dropped.get(regulationId) ?? 0) + 1);
  const suppressed = new Set<string>();
  for (const event of wanted.events) {
    const regulationId = regulationAgainst(event, { workspaceId, withheld });
    if (regulationId === null) continue;
    suppressed.add(event.messageId);
    count(regulationId);
  }
  const rejected = wanted.rejected.filter((_row, index) => {
    const regulationId = named[index]!.map((id) => withheld.suppressed.get(id)).find(
      (id) => id !== undefined,
    );
    if (regulationId !== undefined) count(regulationId);
    return regulationId === undefined;
  });
  const events = wanted.events.filter(({ messageId }) => !suppressed.has(messageId));
  const blank = blankAmong(events, { workspaceId, blankIds: withheld.blankIds });
  return { events, rejected, suppressed, dropped, blank };
}

function blankAmong(
  events: readonly NormalEvent[],
  { workspaceId, blankIds }: { workspaceId: string; blankIds: ReadonlySet<string> },
): Permitted['blank'] {
  const values = new Map<string, string>();
  for (const identifier of blankIds.size === 0 ? [] : events.flatMap((event) => event.identifiers)) {
    const subjectId = subjectIdOf(workspaceId, identifier);
    if (blankIds.has(subjectId)) values.set(subjectId, identifier.value);
  }
  return [...values].map(([subjectId, value]) => ({ subjectId, value }));
}

/**
 * Looks again, when the parts that the group adds to are locked: a regulation that came in between has committed, and
 * is seen here, or waits for those parts, and then sees what the group wrote.
 */
export async function isStillPermitted(
  transaction: Transaction,
  group: Wanted & { readonly hasClaims: boolean; readonly regulationEpoch: number },
): Promise<boolean> {
  const { regulationEpoch, hasClaims, ...wanted } = group;
  if (regulationEpoch === transaction.regulationEpoch) return true;
  // Those whom the claims name may have been erased meanwhile.
  if (hasClaims) return false;
  const { events, rejected, blank } = await withhold({ ...transaction, regulationEpoch }, wanted);
  const isSame = events.length === wanted.events.length && rejected.length === wanted.rejected.length;
  return isSame && blank.length === 0;
}

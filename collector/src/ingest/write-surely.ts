import type { InterestsOf } from '../core/audience-interest';
import type { RejectedRow } from '../db/write-events';
import { excerptOf } from '../core/excerpt';
import { ReceivedLate, receivedFrom } from './received-late';
import type { Group } from './transaction';
import { codeOf, tryAgain, type Trying } from './try-again';
import { writeGroup, type WrittenGroup } from './write-group';

/** What groups are written with. */
export interface Writer extends Trying {
  readonly newId: () => string;
  readonly maxOwners: number;
  readonly interests: InterestsOf;
  /** Of workspaces, the last moment that an export fixed, as far as a group met it (received-late.ts); it only grows. */
  readonly exportedUntil: Map<string, number>;
}

/** What became of a group's events. */
export interface Outcome {
  /** Message IDs that were new; those of the others had been stored before. */
  readonly fresh: ReadonlySet<string>;
  /** Those of them that a regulation keeps out. */
  readonly suppressed: ReadonlySet<string>;
  /** Events that the database itself refused, by message ID, with what it said. */
  readonly poisoned: ReadonlyMap<string, string>;
  /** Whether audiences must look at somebody again. */
  readonly isMarked: boolean;
}

/** What is kept of an item that was refused, in characters. */
export const MAX_PAYLOAD_LENGTH = 2_000;

/**
 * A database error of class 22, 23 or 54 is one event's fault: the group is halved until that event stands alone and
 * is kept as a bad row, and the rest is committed.
 */
export async function writeSurely(group: Group, writer: Writer): Promise<Outcome> {
  try {
    return { ...(await writeWithRetries(group, writer)), poisoned: new Map() };
  } catch (error) {
    if (!isOneEventsFault(error) || group.events.length === 0) throw error;
    if (group.events.length === 1) return keepAsBadRow(group, { error, writer });
    const middle = Math.ceil(group.events.length / 2);
    const first = await writeSurely({ ...group, events: group.events.slice(0, middle) }, writer);
    const second = await writeSurely({ ...group, events: group.events.slice(middle), rejected: [] }, writer);
    return {
      fresh: new Set([...first.fresh, ...second.fresh]),
      suppressed: new Set([...first.suppressed, ...second.suppressed]),
      poisoned: new Map([...first.poisoned, ...second.poisoned]),
      isMarked: first.isMarked || second.isMarked,
    };
  }
}

async function keepAsBadRow(
  group: Group,
  { error, writer }: { error: unknown; writer: Writer },
): Promise<Outcome> {
  const event = group.events[0]!;
  const reason = `The database refused this event: ${(error as Error).message}`;
  const { sourceId, receivedAt, messageId, originalMessageId, userId, anonymousId, name, type } = event;
  const row: RejectedRow = {
    rejectedId: writer.newId(),
    receivedAt,
    sourceId,
    messageId: originalMessageId ?? messageId,
    code: 'not_storable',
    reason,
    payload: excerptOf({ type, name, userId, anonymousId, properties: event.properties }, MAX_PAYLOAD_LENGTH),
  };
  await writeWithRetries({ ...group, events: [], rejected: [...group.rejected, row] }, writer);
  const poisoned = new Map([[messageId, reason]]);
  return { fresh: new Set(), suppressed: new Set(), poisoned, isMarked: false };
}

function writeWithRetries(group: Group, writer: Writer): Promise<WrittenGroup> {
  const { interests, exportedUntil } = writer;
  return tryAgain(writer, async (client, locks) => {
    try {
      // An import's lines were all received when it began: only the first group behind an export is written twice.
      const events = receivedFrom(group.events, exportedUntil.get(group.workspaceId) ?? null);
      return await writeGroup(client, { ...group, events, interests }, locks);
    } catch (error) {
      if (error instanceof ReceivedLate) {
        const known = exportedUntil.get(group.workspaceId) ?? -Infinity;
        exportedUntil.set(group.workspaceId, Math.max(known, error.exportedUntil));
      }
      throw error;
    }
  });
}

/** Data exception, integrity constraint violation, program limit exceeded (Postgres, appendix A). */
function isOneEventsFault(error: unknown): boolean {
  return /^(22|23|54)...$/.test(codeOf(error));
}

import { setTimeout as wait } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { Preparing } from '../db/prepared';
import type { RejectedRow } from '../db/write-events';
import { excerptOf } from '../core/excerpt';
import { type Locks, NO_MORE_LOCKS, OwnershipChanged } from './settle-identity';
import type { Group } from './transaction';
import { writeGroup } from './write-group';

/** What groups are written with. */
export interface Writer {
  readonly pool: Pool;
  readonly preparing: Preparing;
  readonly newId: () => string;
  /** From 0 to 1. */
  readonly random: () => number;
  /** A transaction failed and is tried again. */
  readonly onRetry: () => void;
}

/** What became of a group's events. */
export interface Outcome {
  /** Message IDs that were new; those of the others had been stored before. */
  readonly fresh: ReadonlySet<string>;
  /** Events that the database itself refused, by message ID, with what it said. */
  readonly poisoned: ReadonlyMap<string, string>;
}

/** What is kept of an item that was refused, in characters. */
export const MAX_PAYLOAD_LENGTH = 2_000;
const MAX_ATTEMPTS = 5;
/** Two writers that got into each other's way shall not do so again: they come back at different moments. */
const RETRY_WITHIN_MS = 20;

/**
 * A database error of class 22, 23 or 54 is one event's fault: the group is halved until that event stands alone and
 * is kept as a bad row, and the rest is committed.
 */
export async function writeSurely(group: Group, writer: Writer): Promise<Outcome> {
  try {
    return { fresh: await writeWithRetries(group, writer), poisoned: new Map() };
  } catch (error) {
    if (!isOneEventsFault(error) || group.events.length === 0) throw error;
    if (group.events.length === 1) return keepAsBadRow(group, { error, writer });
    const middle = Math.ceil(group.events.length / 2);
    const first = await writeSurely({ ...group, events: group.events.slice(0, middle) }, writer);
    const second = await writeSurely({ ...group, events: group.events.slice(middle), rejected: [] }, writer);
    return {
      fresh: new Set([...first.fresh, ...second.fresh]),
      poisoned: new Map([...first.poisoned, ...second.poisoned]),
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
  return { fresh: new Set(), poisoned: new Map([[messageId, reason]]) };
}

/** Writers take their locks in one order, so this is rare; what happens all the same is tried again, a few times. */
async function writeWithRetries(group: Group, writer: Writer): Promise<ReadonlySet<string>> {
  let locks = NO_MORE_LOCKS;
  for (let attempt = 1; ; attempt += 1) {
    const client = await writer.pool.connect();
    try {
      const fresh = await writeGroup(writer.preparing.over(client), group, locks);
      client.release();
      return fresh;
    } catch (error) {
      await abandon(client, error);
      const mayPass = mayPassNextTime(error) || writer.preparing.isGivenUpBy(error);
      if (!mayPass || attempt >= MAX_ATTEMPTS) throw error;
      writer.onRetry();
      locks = locksAfter(error, { locks, attempt });
      await wait(writer.random() * attempt * RETRY_WITHIN_MS);
    }
  }
}

/** What turned out to be missing is locked next time; and after two tries everything is, so that the third passes. */
function locksAfter(error: unknown, { locks, attempt }: { locks: Locks; attempt: number }): Locks {
  const missing = error instanceof OwnershipChanged ? error.subjectIds : [];
  return { subjectIds: [...locks.subjectIds, ...missing], all: attempt >= 2 };
}

/** A server that became a standby while we were connected to it stays one: the way to the new primary is a new connection. */
const READ_ONLY_SERVER = '25006';

/** A connection that cannot even roll back, or leads to the wrong server, is closed instead of going back to the pool. */
async function abandon(client: PoolClient, error: unknown): Promise<void> {
  try {
    await client.query('rollback');
    client.release(codeOf(error) === READ_ONLY_SERVER);
  } catch (cause) {
    client.release(cause as Error);
  }
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** Data exception, integrity constraint violation, program limit exceeded (Postgres, appendix A). */
function isOneEventsFault(error: unknown): boolean {
  return /^(22|23|54)...$/.test(codeOf(error));
}

/** Serialization failure, deadlock, or a subject that moved while its locks were being taken. */
function mayPassNextTime(error: unknown): boolean {
  return error instanceof OwnershipChanged || ['40001', '40P01'].includes(codeOf(error));
}

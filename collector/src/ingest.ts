import { setTimeout as wait } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { Normalised } from './core/event';
import { excerptOf } from './core/excerpt';
import type { RejectedRow, StorableEvent } from './db/write-events';
import { type Locks, NO_MORE_LOCKS, OwnershipChanged } from './ingest/settle-identity';
import type { Group } from './ingest/transaction';
import { writeGroup } from './ingest/write-group';
import { createGroupCommit } from './queue/group-commit';
import type { Flush, QueueStats, Reservation } from './queue/contract';

/** What became of one event. */
export type Verdict =
  | { readonly status: 'accepted' | 'duplicate'; readonly messageId: string }
  | {
      readonly status: 'rejected';
      readonly messageId: string | null;
      readonly code: string;
      readonly message: string;
    };

/** What one request brought, normalised. */
export interface AcceptedBatch {
  readonly workspaceId: string;
  readonly currency: string;
  readonly sourceId: string;
  readonly receivedAt: number;
  /** What it adds to the bytes in flight: 0 where they were reserved before the body was read. */
  readonly bytes: number;
  readonly items: readonly unknown[];
  readonly normalised: readonly Normalised[];
}

export interface Ingest {
  /**
   * Resolves when the batch is committed, with a verdict per event in the order of the items.
   *
   * @throws QueueFull, QueueClosed, or what the database says; whether anything was stored is then unknown, and
   *   sending the same again is harmless
   */
  submit(batch: AcceptedBatch): Promise<readonly Verdict[]>;
  /** Holds bytes in flight for a batch whose body is yet to be read. @throws QueueFull, QueueClosed */
  reserve(bytes: number): Reservation;
  stats(): QueueStats;
  close(): Promise<void>;
}

/** Who counts what the write path does. It is called between requests: it must be quick, and never throw. */
export interface IngestObserver {
  /** A group was written, or could not be. */
  readonly onFlush: (flush: Flush) => void;
  /** Each batch of a committed group with its verdicts. */
  readonly onVerdicts: (batches: readonly AcceptedBatch[], verdicts: readonly (readonly Verdict[])[]) => void;
  /** A transaction failed and is tried again. */
  readonly onRetry: () => void;
}

export interface IngestOptions {
  readonly pool: Pool;
  readonly groupMaxEvents: number;
  readonly groupMaxWaitMs: number;
  readonly writers: number;
  readonly maxBytesInFlight: number;
  /** Milliseconds of a clock that never goes back. */
  readonly monotonic: () => number;
  readonly newId: () => string;
  /** From 0 to 1. @default Math.random */
  readonly random?: () => number;
  readonly observer?: IngestObserver;
}

const MAX_ATTEMPTS = 5;
/** Two writers that got into each other's way shall not do so again: they come back at different moments. */
const RETRY_WITHIN_MS = 20;
const MAX_PAYLOAD_LENGTH = 2_000;

/** Opens the write path: accept (validate, normalise; the routes do it) and process (one transaction) meet here. */
export function openIngest(options: IngestOptions): Ingest {
  const queue = createGroupCommit<AcceptedBatch, readonly Verdict[]>({
    write: (batches) => writeBatches(batches, options),
    laneOf: (batch) => batch.workspaceId,
    weigh: (batch) => ({ events: batch.items.length, bytes: batch.bytes }),
    maxEvents: options.groupMaxEvents,
    maxWaitMs: options.groupMaxWaitMs,
    writers: options.writers,
    maxBytes: options.maxBytesInFlight,
    now: options.monotonic,
    ...(options.observer === undefined ? {} : { onFlush: options.observer.onFlush }),
  });
  return queue;
}

async function writeBatches(
  batches: readonly AcceptedBatch[],
  options: IngestOptions,
): Promise<readonly (readonly Verdict[])[]> {
  const { workspaceId, currency } = batches[0]!;
  const unique = new Map<string, StorableEvent>();
  const rejected: RejectedRow[] = [];
  for (const batch of batches) {
    for (const [index, result] of batch.normalised.entries()) {
      if (!result.ok) {
        rejected.push(toRow(batch, { index, ...result.rejection }, options.newId()));
      } else if (!unique.has(result.event.messageId)) {
        unique.set(result.event.messageId, { ...result.event, sourceId: batch.sourceId });
      }
    }
  }
  const outcome = await writeOrBisect(
    { workspaceId, currency, events: [...unique.values()], rejected },
    options,
  );
  const verdicts = readVerdicts(batches, outcome);
  options.observer?.onVerdicts(batches, verdicts);
  return verdicts;
}

interface Outcome {
  readonly fresh: ReadonlySet<string>;
  /** Events that the database itself refused, by message ID. */
  readonly poisoned: ReadonlyMap<string, string>;
}

/** In the order of arrival: of two events with one ID the first is accepted and the second a duplicate. */
function readVerdicts(
  batches: readonly AcceptedBatch[],
  { fresh, poisoned }: Outcome,
): (readonly Verdict[])[] {
  const seen = new Set<string>();
  const verdictOf = (result: Normalised): Verdict => {
    if (!result.ok) return { status: 'rejected', ...result.rejection };
    const { messageId, originalMessageId } = result.event;
    const shown = originalMessageId ?? messageId;
    const reason = poisoned.get(messageId);
    if (reason !== undefined) {
      return { status: 'rejected', messageId: shown, code: 'not_storable', message: reason };
    }
    const isFirst = fresh.has(messageId) && !seen.has(messageId);
    seen.add(messageId);
    return { status: isFirst ? 'accepted' : 'duplicate', messageId: shown };
  };
  return batches.map((batch) => batch.normalised.map(verdictOf));
}

/**
 * A database error of class 22, 23 or 54 is one event's fault: the group is halved until that event stands alone and
 * is kept as a bad row, and the rest is committed.
 */
async function writeOrBisect(group: Group, options: IngestOptions): Promise<Outcome> {
  try {
    return { fresh: await writeWithRetries(group, options), poisoned: new Map() };
  } catch (error) {
    if (!isOneEventsFault(error) || group.events.length === 0) throw error;
    if (group.events.length === 1) return keepAsBadRow(group, { error, options });
    const middle = Math.ceil(group.events.length / 2);
    const first = await writeOrBisect({ ...group, events: group.events.slice(0, middle) }, options);
    const second = await writeOrBisect(
      { ...group, events: group.events.slice(middle), rejected: [] },
      options,
    );
    return {
      fresh: new Set([...first.fresh, ...second.fresh]),
      poisoned: new Map([...first.poisoned, ...second.poisoned]),
    };
  }
}

async function keepAsBadRow(
  group: Group,
  { error, options }: { error: unknown; options: IngestOptions },
): Promise<Outcome> {
  const event = group.events[0]!;
  const reason = `The database refused this event: ${(error as Error).message}`;
  const { sourceId, receivedAt, messageId, originalMessageId, userId, anonymousId, name, type } = event;
  const row: RejectedRow = {
    rejectedId: options.newId(),
    receivedAt,
    sourceId,
    messageId: originalMessageId ?? messageId,
    code: 'not_storable',
    reason,
    payload: excerptOf({ type, name, userId, anonymousId, properties: event.properties }, MAX_PAYLOAD_LENGTH),
  };
  await writeWithRetries({ ...group, events: [], rejected: [...group.rejected, row] }, options);
  return { fresh: new Set(), poisoned: new Map([[messageId, reason]]) };
}

/** Writers take their locks in one order, so this is rare; what happens all the same is tried again, a few times. */
async function writeWithRetries(group: Group, options: IngestOptions): Promise<ReadonlySet<string>> {
  let locks = NO_MORE_LOCKS;
  for (let attempt = 1; ; attempt += 1) {
    const client = await options.pool.connect();
    try {
      const fresh = await writeGroup(client, group, locks);
      client.release();
      return fresh;
    } catch (error) {
      await abandon(client);
      if (!mayPassNextTime(error) || attempt >= MAX_ATTEMPTS) throw error;
      options.observer?.onRetry();
      locks = locksAfter(error, { locks, attempt });
      await wait((options.random ?? Math.random)() * attempt * RETRY_WITHIN_MS);
    }
  }
}

/** What turned out to be missing is locked next time; and after two tries everything is, so that the third passes. */
function locksAfter(error: unknown, { locks, attempt }: { locks: Locks; attempt: number }): Locks {
  const missing = error instanceof OwnershipChanged ? error.subjectIds : [];
  return { subjectIds: [...locks.subjectIds, ...missing], all: attempt >= 2 };
}

/** A connection that cannot even roll back is closed instead of going back to the pool. */
async function abandon(client: PoolClient): Promise<void> {
  try {
    await client.query('rollback');
    client.release();
  } catch (error) {
    client.release(error as Error);
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

function toRow(
  batch: AcceptedBatch,
  rejection: { index: number; code: string; message: string; messageId: string | null },
  rejectedId: string,
): RejectedRow {
  return {
    rejectedId,
    receivedAt: batch.receivedAt,
    sourceId: batch.sourceId,
    messageId: rejection.messageId,
    code: rejection.code,
    reason: rejection.message,
    payload: excerptOf(batch.items[rejection.index], MAX_PAYLOAD_LENGTH),
  };
}

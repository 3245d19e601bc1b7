import type { Pool } from 'pg';
import type { NormalEvent, Normalised } from './core/event';
import { MAX_OWNERS } from './core/identity';
import { createPreparing } from './db/prepared';
import type { RejectedRow } from './db/write-events';
import { excerptOf } from './core/excerpt';
import { MAX_PAYLOAD_LENGTH, type Outcome, type Writer, writeSurely } from './ingest/write-surely';
import { createGroupCommit } from './queue/group-commit';
import type { Flush, QueueStats, Reservation } from './queue/contract';

/** What became of one event. */
export type Verdict =
  /** suppressed: a regulation keeps it out; its key is stored, so that it stays out. */
  | { readonly status: 'accepted' | 'duplicate' | 'suppressed'; readonly messageId: string }
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
  /** What it weighs in memory until it is written: its share of the bytes in flight. */
  readonly bytes: number;
  /** What was held for it while it was read; given back in the moment in which the batch counts for itself. */
  readonly reservation?: Reservation | undefined;
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
  /** Of how many owners an anonymous ID is no kiosk yet. @default MAX_OWNERS */
  readonly maxOwners?: number;
  /** From 0 to 1. @default Math.random */
  readonly random?: () => number;
  readonly observer?: IngestObserver;
  /** Audiences must look at somebody again: what says so is committed. */
  readonly onMarked?: () => void;
}

/** Opens the write path: accept (validate, normalise; the routes do it) and process (one transaction) meet here. */
export function openIngest(options: IngestOptions): Ingest {
  const { pool, newId, observer, random = Math.random, maxOwners = MAX_OWNERS } = options;
  const writer = {
    pool,
    newId,
    random,
    maxOwners,
    preparing: createPreparing(),
    onRetry: () => observer?.onRetry(),
    interests: new Map(),
    exportedUntil: new Map<string, number>(),
    onMarked: options.onMarked ?? (() => undefined),
  };
  const write = async (batches: readonly AcceptedBatch[]) => {
    const verdicts = await writeBatches(batches, writer);
    observer?.onVerdicts(batches, verdicts);
    return verdicts;
  };
  const queue = createGroupCommit<AcceptedBatch, readonly Verdict[]>({
    write,
    laneOf: (batch) => batch.workspaceId,
    weigh: (batch) => ({ events: batch.items.length, bytes: batch.bytes }),
    maxEvents: options.groupMaxEvents,
    maxWaitMs: options.groupMaxWaitMs,
    writers: options.writers,
    maxBytes: options.maxBytesInFlight,
    now: options.monotonic,
    ...(observer === undefined ? {} : { onFlush: observer.onFlush }),
  });
  return {
    ...queue,
    submit: (batch) => {
      batch.reservation?.release();
      return queue.submit(batch);
    },
  };
}

async function writeBatches(
  batches: readonly AcceptedBatch[],
  writer: Writer & { readonly onMarked: () => void },
): Promise<readonly (readonly Verdict[])[]> {
  const { workspaceId, currency } = batches[0]!;
  const unique = new Map<string, NormalEvent>();
  const rejected: RejectedRow[] = [];
  for (const batch of batches) {
    for (const [index, result] of batch.normalised.entries()) {
      if (!result.ok) {
        rejected.push({
          rejectedId: writer.newId(),
          receivedAt: batch.receivedAt,
          sourceId: batch.sourceId,
          messageId: result.rejection.messageId,
          code: result.rejection.code,
          reason: result.rejection.message,
          payload: excerptOf(batch.items[index], MAX_PAYLOAD_LENGTH),
        });
      } else if (!unique.has(result.event.messageId)) {
        unique.set(result.event.messageId, result.event);
      }
    }
  }
  const { maxOwners } = writer;
  const group = { workspaceId, currency, events: [...unique.values()], rejected, maxOwners };
  const outcome = await writeSurely(group, writer);
  if (outcome.isMarked) writer.onMarked();
  return readVerdicts(batches, outcome);
}

/** In the order of arrival: of two events with one ID the first is accepted and the second a duplicate. */
function readVerdicts(
  batches: readonly AcceptedBatch[],
  { fresh, suppressed, poisoned }: Outcome,
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
    if (!isFirst) return { status: 'duplicate', messageId: shown };
    return { status: suppressed.has(messageId) ? 'suppressed' : 'accepted', messageId: shown };
  };
  return batches.map((batch) => batch.normalised.map(verdictOf));
}

import { backOffMs, decideOutcome } from '../core/retry';
import type { Outcome } from '../core/retry';
import type { Rejection } from '../core/wire';
import type { NodeSettings } from './options';
import type { Post } from './post';
import type { QueuedEvent, Queue } from './queue';
import type { TrackingError } from './receipt';

/** The collector takes 4 MB from a server; what is left is for the frame around the events. */
const MAX_BATCH_BYTES = 4_000_000;
const MAX_BATCH_EVENTS = 500;
/** So long after the key was refused it is tried again: it may have been made valid since. */
const REFUSED_KEY_PAUSE_MS = 300_000;

/** Decides when to send. */
export interface Sender {
  /** There are new events: they go after the flush time, or now if they are many. */
  notice(): void;
  /**
   * Sends what has been recorded so far, again and again where it fails; resolves with whether all of it is settled,
   * at the latest after so many milliseconds, and before where nothing may be tried until then.
   */
  flush(timeoutMs: number): Promise<boolean>;
  /** Sends nothing more. */
  end(): void;
}

export interface SenderEdges extends Pick<NodeSettings, 'flushAfterMs' | 'flushAt' | 'onError'> {
  readonly queue: Queue;
  readonly post: Post;
  /** In [0, 1). */
  readonly random: () => number;
}

export function createSender({ queue, flushAfterMs, flushAt, ...edges }: SenderEdges): Sender {
  const deliver = createDelivery({ queue, ...edges });
  let isRunning = false;
  let isEnded = false;
  /** Of what is waited for: the flush time, or the end of a pause. */
  let timer: NodeJS.Timeout | undefined;
  let quietUntil = 0;
  const watchers = new Set<() => void>();

  const look = (): void => watchers.forEach((watch) => watch());
  const schedule = (ms: number): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void run();
    }, ms);
  };
  /** One request after the other, so that events arrive in the order in which they were recorded. */
  const run = async (): Promise<void> => {
    if (isRunning || isEnded) return;
    clearTimeout(timer);
    timer = undefined;
    const quietMs = quietUntil - performance.now();
    if (quietMs > 0) return schedule(quietMs);
    isRunning = true;
    let pauseMs = 0;
    while (pauseMs === 0 && queue.count() > 0 && !isEnded) {
      pauseMs = await deliver();
      look();
    }
    isRunning = false;
    if (isEnded || pauseMs === 0) return;
    quietUntil = performance.now() + pauseMs;
    schedule(pauseMs);
    look();
  };

  return {
    notice: () => {
      if (queue.count() >= flushAt) void run();
      if (!isRunning && !isEnded) schedule(flushAfterMs);
    },
    flush: (timeoutMs) =>
      new Promise((resolve) => {
        const last = queue.newest();
        const deadline = performance.now() + timeoutMs;
        const isSettled = (): boolean => queue.oldest() > last;
        const finish = (): void => {
          watchers.delete(watch);
          clearTimeout(patience);
          resolve(isSettled());
        };
        const watch = (): void => {
          if (isEnded || isSettled() || (!isRunning && quietUntil > deadline)) finish();
        };
        const patience = setTimeout(finish, timeoutMs);
        watchers.add(watch);
        void run();
        watch();
      }),
    end: () => {
      isEnded = true;
      clearTimeout(timer);
      look();
    },
  };
}

/** Sends the next batch, does what its answer demands, and says how many milliseconds to be quiet then. */
function createDelivery({
  queue,
  post,
  random,
  onError,
}: Omit<SenderEdges, 'flushAfterMs' | 'flushAt'>): () => Promise<number> {
  /** How many events a batch may have: halved where the collector could not take it, doubled where it could. */
  let batchEvents = MAX_BATCH_EVENTS;
  let failures = 0;

  const backOff = (): number => backOffMs(failures++, random());
  const settle = (batch: readonly QueuedEvent[], outcome: Outcome): number => {
    const { kind } = outcome;
    switch (kind) {
      case 'settled':
        // Not the collector's: nothing is let go by it, and reading it on would end the process.
        if (!outcome.rejected.every((refusal) => typeof refusal?.code === 'string')) return backOff();
        failures = 0;
        batchEvents = Math.min(MAX_BATCH_EVENTS, batchEvents * 2);
        settleAll(batch, outcome.rejected);
        return 0;
      case 'refused':
      case 'too-large':
        batch.forEach((event) => queue.drop(event, kind));
        return 0;
      case 'split':
        batchEvents = Math.ceil(batch.length / 2);
        return 0;
      case 'stop':
        return REFUSED_KEY_PAUSE_MS;
      case 'hold':
        return outcome.ms;
      case 'retry':
        // It may be one event that something on the way does not let through: it is found, as poison is, and waits.
        batchEvents = Math.ceil(batch.length / 2);
        if (batch.length === 1) queue.postpone(batch[0]!);
        return backOff();
    }
  };
  const settleAll = (batch: readonly QueuedEvent[], rejected: readonly Rejection[]): void => {
    const byIndex = new Map(rejected.map((rejection) => [rejection.index, rejection]));
    batch.forEach((event, index) => {
      const refusal = byIndex.get(index);
      if (refusal) queue.drop(event, 'rejected', `${refusal.code}: ${refusal.message}`);
      else queue.accept(event);
    });
  };

  return async () => {
    const batch = queue.take(batchEvents, MAX_BATCH_BYTES);
    const sentAt = new Date();
    const answer = await post(
      batch.map(({ json }) => json),
      sentAt,
    );
    const outcome = decideOutcome(answer, batch.length, Date.now());
    if (outcome.kind !== 'settled') onError(createError(answer, outcome.kind));
    const pauseMs = settle(batch, outcome);
    queue.putBack();
    return pauseMs;
  };
}

/** In words, for a log. */
function createError(
  { status, cause }: Awaited<ReturnType<Post>>,
  next: NonNullable<TrackingError['next']>,
): TrackingError {
  const said = next === 'stop' ? 'The collector refuses the key.' : `The collector answered ${status}.`;
  const noAnswer = cause instanceof Error ? cause.message : String(cause);
  return Object.assign(new Error(status === 0 ? noAnswer : said, { cause }), { status, next });
}

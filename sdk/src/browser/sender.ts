import { MAX_BATCH_EVENTS, takeBatch } from '../core/batch';
import type { DeliveryError, Tell } from '../core/receipt';
import { decideOutcome } from '../core/retry';
import type { Answer } from '../core/wire';
import type { Clock } from './clock';
import { FLIGHT_MS } from './journal';
import type { Journal } from './journal';
import type { Locks } from './locks';
import { createPace } from './pace';
import type { PaceEdges } from './pace';
import type { Queue, StoredEvent } from './queue';
import type { Transport } from './transport';

/** Decides when to send. */
export interface Sender {
  /** There are new events: they go after the flush time, or now if they are many. */
  notice(): void;
  /** Sends what there is, unless one has to wait; resolves when nothing more can be done now. */
  flush(): Promise<void>;
  /** The connection or the page is back: forget the failures and send. */
  wake(): void;
  /** The page may never run again: sends its own events at once, in a request that outlives it. */
  sendOwn(): void;
  /** Sends nothing more, as before the first resume. */
  pause(): void;
  resume(): void;
}

export interface SenderEdges extends PaceEdges {
  readonly journal: Pick<Journal, 'hold' | 'heldForMs' | 'mark'>;
  readonly queue: Queue;
  readonly transport: Transport;
  readonly exclusive: Locks['exclusive'];
  readonly announce: Locks['announce'];
  readonly clock: Clock;
  readonly tell: Tell;
  /** A request brought no verdict. */
  readonly onError: (error: DeliveryError) => void;
  readonly flushAfterMs: number;
  readonly flushAt: number;
}

/** Longer than a page takes for a request. */
const TURN_PATIENCE_MS = 60_000;
/** So long after a page was hidden what is recorded is its last words, and goes at once. */
const LAST_WORDS_MS = 1_000;

export function createSender(edges: SenderEdges): Sender {
  const { queue, transport, clock, journal } = edges;
  const pace = createPace(edges, () => void run());
  const { deliver, batchEvents } = createDelivery(edges, pace);
  let isPaused = true;
  /** Set while a flush is due. */
  let due: (() => void) | undefined;
  let isLeaving = false;
  /** Back from a freeze, and not yet seen what others have sent meanwhile. */
  let isUnsure = false;
  let running = Promise.resolve();
  let next: Promise<void> | undefined;

  const pass = async (): Promise<void> => {
    while (!isPaused && pace.isOpen()) {
      const { batch, hasLost } = await queue.take(batchEvents());
      if (hasLost) clock.after(FLIGHT_MS, run);
      if (!batch[0]) return;
      await deliver(batch);
    }
  };
  const sendOwn = (): void => {
    if (isUnsure || !pace.isOpenAtLast()) return;
    const batch = takeBatch(queue.idle(), Infinity, transport.spareBytes());
    // The turn that was due may have found it on its way, so another one follows.
    if (batch[0]) void deliver(batch).then(run);
  };
  const inTurn = createTurn(edges, sendOwn);
  // What is recorded while a pass runs may be too late for it, so one more follows; never more than one.
  const run = (): Promise<void> =>
    (next ??= running.then(() => {
      next = undefined;
      return (running = inTurn(pass).catch(pace.fail).then(announce));
    }));

  // No longer than need be: Firefox keeps no page for going back to it that holds a lock as it is left.
  const announce = (): void => edges.announce(!isPaused && queue.isOwing());

  const notice = (): void => {
    announce();
    // What other listeners of the same page record when it is hidden comes after our own.
    if (isLeaving) queueMicrotask(sendOwn);
    if (queue.count() >= edges.flushAt) void run();
    due ??= clock.after(edges.flushAfterMs, () => {
      due = undefined;
      void run();
    });
  };

  return {
    notice,
    flush: run,
    wake: () => {
      pace.forgive();
      void run();
    },
    sendOwn: () => {
      sendOwn();
      isLeaving = true;
      clock.after(LAST_WORDS_MS, () => (isLeaving = false));
    },
    pause: () => {
      isPaused = true;
      announce();
      journal.mark();
    },
    resume: () => {
      isPaused = false;
      if (queue.count() > 0) {
        isUnsure = true;
        // In turn: whoever sends for this page meanwhile has to finish before it can be seen what is left.
        running = running.then(() => inTurn(queue.reconcile)).then(() => void (isUnsure = false));
      }
      notice();
    },
  };
}

/**
 * Works in this page's turn; while that does not come, as behind a page that a phone has put to sleep, or does not
 * end, does without now and then.
 */
function createTurn({ exclusive, clock }: SenderEdges, doWithout: () => void) {
  return async (work: () => Promise<void>): Promise<void> => {
    let cancel: () => void;
    const wait = (): void => {
      cancel = clock.after(TURN_PATIENCE_MS, () => (doWithout(), wait()));
    };
    wait();
    // An opaque origin (a sandboxed frame) is refused locks, but then it has no storage to share either.
    await exclusive(work).catch(work);
    cancel!();
  };
}

/** Sends one batch, and does what its answer demands. */
function createDelivery(
  { queue, transport, journal, clock, tell, onError }: SenderEdges,
  pace: ReturnType<typeof createPace>,
): {
  readonly deliver: (batch: readonly StoredEvent[]) => Promise<void>;
  readonly batchEvents: () => number;
} {
  /** How many events a batch may have: halved where the collector could not take it, doubled where it could. */
  let batchEvents = MAX_BATCH_EVENTS;

  const settle = async (batch: readonly StoredEvent[], answer: Answer): Promise<void> => {
    const outcome = decideOutcome(answer, batch.length, clock.now());
    const { kind } = outcome;
    if (kind !== 'settled') onError({ status: answer.status, next: kind });
    switch (kind) {
      case 'settled':
        pace.forgive();
        batchEvents = Math.min(MAX_BATCH_EVENTS, batchEvents * 2);
        batch.forEach(({ id }, index) => {
          const refusal = outcome.rejected.find((rejection) => rejection.index === index);
          if (refusal) tell(id, 'rejected', `${refusal.code}: ${refusal.message}`);
          else tell(id);
        });
        return queue.settle(batch);
      case 'refused':
      case 'too-large':
        batch.forEach(({ id }) => tell(id, kind));
        return queue.settle(batch);
      case 'split':
        batchEvents = Math.ceil(batch.length / 2);
        return;
      case 'stop':
        return pace.stop();
      case 'hold':
        return journal.hold(outcome.ms);
      case 'retry':
        // It may be one event that something on the way does not let through: it is found, as poison is, and waits.
        batchEvents = Math.ceil(batchEvents / 2);
        if (batch.length === 1) queue.postpone(batch);
        return pace.fail();
    }
  };
  return {
    batchEvents: () => batchEvents,
    deliver: (batch) => transport.carry(batch, (answer) => settle(batch, answer)),
  };
}

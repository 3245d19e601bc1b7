import { backOffMs } from '../core/retry';
import type { Clock } from './clock';
import type { Journal } from './journal';

/** `navigator.onLine` is believed for so many failures in a row; some machines say false for ever. */
const OFFLINE_BELIEVED = 5;
/** Pages that wait for the same moment are spread over this long. */
const SPREAD_MS = 1_000;

/** Knows whether one may send now. */
export interface Pace {
  /** Whether a request may be tried; if not, it says when. */
  isOpen(): boolean | undefined;
  /** The same for a page that is about to go: back-off does not count then. */
  isOpenAtLast(): boolean;
  /** A request failed, or would have: wait, longer each time. */
  fail(): void;
  /** The key is refused: nothing more until the page is loaded again, and everything stays. */
  stop(): void;
  /** Forgets the failures: the collector has answered, or the connection or the page is back. */
  forgive(): void;
}

export interface PaceEdges {
  readonly journal: Pick<Journal, 'heldForMs'>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly isOnline: () => boolean;
}

/** @param onOpen is called when waiting is over */
export function createPace({ journal, clock, random, isOnline }: PaceEdges, onOpen: () => void): Pace {
  let failures = 0;
  let isStopped = false;
  let stopWaiting: (() => void) | undefined;

  const wait = (ms: number): void => {
    stopWaiting?.();
    stopWaiting = clock.after(ms, () => {
      stopWaiting = undefined;
      onOpen();
    });
  };
  const fail = (): void => wait(backOffMs(failures++, random()));
  const mayTry = (): boolean => isOnline() || failures >= OFFLINE_BELIEVED;

  return {
    isOpen: () => {
      if (isStopped || stopWaiting) return undefined;
      const heldForMs = journal.heldForMs();
      if (heldForMs) wait(heldForMs + random() * SPREAD_MS);
      else if (!mayTry()) fail();
      return !stopWaiting;
    },
    isOpenAtLast: () => !isStopped && !journal.heldForMs() && mayTry(),
    fail,
    stop: () => {
      isStopped = true;
    },
    forgive: () => {
      failures = 0;
      stopWaiting?.();
      stopWaiting = undefined;
    },
  };
}

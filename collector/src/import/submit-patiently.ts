import { setTimeout as wait } from 'node:timers/promises';
import { QueueFull } from '../queue/contract';

export interface Patience {
  /** Beyond this much waiting in all, the queue's answer is passed on, in milliseconds. */
  readonly patienceMs: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 500;

/**
 * Submits, and while the queue is full waits and submits again: whoever sends a long stream cannot send the same again
 * as easily as a single request can. Its body is not read meanwhile.
 *
 * @throws QueueFull when the patience is over, the signal's reason, or what submitting threw
 */
export async function submitPatiently<Result>(
  submit: () => Promise<Result>,
  { patienceMs, signal }: Patience,
): Promise<Result> {
  let waitMs = FIRST_WAIT_MS;
  for (let waited = 0; ; waited += waitMs, waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    try {
      return await submit();
    } catch (error) {
      if (!(error instanceof QueueFull) || waited + waitMs > patienceMs) throw error;
    }
    await wait(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

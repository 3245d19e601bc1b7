import { isCollectorError, readRejections } from './wire';
import type { Answer, Rejection } from './wire';

/** The first back-off is up to this long; each further one up to twice as long, until the longest. */
const FIRST_BACK_OFF_MS = 1_000;
const LONGEST_BACK_OFF_MS = 300_000;

/** A `Retry-After` beyond this is cut to it; a stored one beyond it comes of a clock that was set. */
export const LONGEST_HOLD_MS = 86_400_000;

/**
 * What becomes of a batch after its answer. Only `settled`, and for a batch of one event `refused` and `too-large`,
 * let an event leave the store.
 */
export type Outcome =
  | { readonly kind: 'settled'; readonly rejected: readonly Rejection[] }
  | { readonly kind: 'hold'; readonly ms: number }
  | { readonly kind: 'refused' | 'too-large' | 'split' | 'stop' | 'retry' };

/**
 * The whole table of answers. What only a collector can know (400, 401, 403, the verdict) counts only in the
 * collector's own shape; from anyone else it is a network failure, and nothing is lost by it.
 *
 * @param sent how many events the batch had
 * @param now milliseconds since 1970
 */
export function decideOutcome(answer: Answer, sent: number, now: number): Outcome {
  const isOurs = isCollectorError(answer.body);
  switch (answer.status) {
    case 400:
      return { kind: !isOurs ? 'retry' : sent > 1 ? 'split' : 'refused' };
    case 401:
    case 403:
      return { kind: isOurs ? 'stop' : 'retry' };
    case 413:
      return { kind: sent > 1 ? 'split' : isOurs ? 'too-large' : 'retry' };
    case 429:
    case 503: {
      const ms = retryAfterMs(answer.retryAfter, now);
      return ms > 0 ? { kind: 'hold', ms } : { kind: 'retry' };
    }
    default: {
      const isGood = answer.status >= 200 && answer.status < 300;
      const rejected = isGood && readRejections(answer.body, sent);
      return rejected ? { kind: 'settled', rejected } : { kind: 'retry' };
    }
  }
}

/**
 * `Retry-After`, seconds or a date (RFC 9110, section 10.2.3), as milliseconds from now; at most a day. 0 where
 * there is none, and for a time that has passed, which would make us ask again at once and for ever.
 */
export function retryAfterMs(header: string | null, now: number): number {
  const ms = Number(header) * 1_000 || Date.parse(header ?? '') - now;
  return ms > 0 ? Math.min(ms, LONGEST_HOLD_MS) : 0;
}

/**
 * Exponential back-off with full jitter: uniform in [0, min(longest, first · 2^failures)).
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param failures how many there were before this one
 * @param random in [0, 1)
 */
export function backOffMs(failures: number, random: number): number {
  return random * Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** failures);
}

/** What becomes of a delivery when it was sent, decided in this one place. */

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;
const FIRST_WAIT_MS = 5 * SECOND_MS;
const LONGEST_WAIT_MS = HOUR_MS;
/** A receiver that asks for more than that has not seen who asks. */
const LONGEST_ASKED_WAIT_MS = 6 * HOUR_MS;
/** From the first try on; then it is dead. */
export const TRIED_FOR_MS = 24 * HOUR_MS;
const GONE = 410;

/** What came back. */
export interface Reply {
  /** null: no answer. */
  readonly status: number | null;
  /** As the header says it. */
  readonly retryAfter: string | null;
}

export type Fate =
  | { readonly fate: 'delivered' }
  | { readonly fate: 'retry'; readonly at: Date }
  /** The receiver says that it is no more: nothing is sent there until somebody says so. */
  | { readonly fate: 'gone' }
  | { readonly fate: 'dead' };

export interface Tried {
  readonly reply: Reply;
  /** Which try of its day it was, from 1 on. */
  readonly tries: number;
  readonly since: Date;
  readonly now: Date;
  /** From 0 to below 1. */
  readonly random: number;
}

export function decideFate({ reply, tries, since, now, random }: Tried): Fate {
  const { status, retryAfter } = reply;
  if (status !== null && status >= 200 && status < 300) return { fate: 'delivered' };
  if (status === GONE) return { fate: 'gone' };
  const end = since.getTime() + TRIED_FOR_MS;
  if (now.getTime() >= end) return { fate: 'dead' };
  const asked = Math.min(readRetryAfter(retryAfter, now), LONGEST_ASKED_WAIT_MS);
  const wait = Math.max(backOffMs(tries, random), asked);
  // Its last try is at the end of its day.
  return { fate: 'retry', at: new Date(Math.min(now.getTime() + wait, end)) };
}

/** Twice as long each time, up to an hour; half of it by chance, so that destinations do not come back together. */
function backOffMs(tries: number, random: number): number {
  const longest = Math.min(FIRST_WAIT_MS * 2 ** Math.min(tries - 1, 30), LONGEST_WAIT_MS);
  return Math.round(longest / 2 + (longest / 2) * random);
}

/** Seconds or a date (RFC 9110, section 10.2.3), as milliseconds from now; 0 where it says nothing that can be read. */
function readRetryAfter(text: string | null, now: Date): number {
  if (text === null) return 0;
  if (/^\d{1,9}$/.test(text)) return Number(text) * SECOND_MS;
  const at = /^[A-Z][a-z]{2}, \d{2} /.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? 0 : Math.max(0, at - now.getTime());
}

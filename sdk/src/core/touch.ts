import type { Campaign } from './campaign';

/** Whoever does not come back for so long is forgotten, as their cookie is, and how they came. */
export const REMEMBERED_MS = 365 * 86_400_000;

/** How a page was entered that the browser has loaded. */
export interface Arrival {
  /** Of the page. */
  readonly path: string;
  /** The page that led there; empty where none is known. */
  readonly referrer: string;
  readonly campaign?: Campaign | undefined;
}

/** How somebody came to the site, and when (RFC 3339). */
export interface Touch extends Arrival {
  readonly at: string;
}

/** How a visitor came to the site, first and last. */
export interface Touches {
  readonly firstTouch?: Touch | undefined;
  readonly lastTouch?: Touch | undefined;
  /** The session that was looked at last. */
  readonly sessionId: string;
  /** When that was, in milliseconds since 1970. */
  readonly seenAt: number;
}

export interface Visit {
  readonly sessionId: string;
  /** In milliseconds since 1970. */
  readonly now: number;
  /** How the page was entered, with its first event. */
  readonly arrival: Arrival | undefined;
  /** Of the site: pages of its hosts are not outside. */
  readonly domain: string;
}

/**
 * How the visitor has come, with an event of this session. The very same object where nothing has to be stored.
 *
 * A page that is entered by a campaign is a touch. One that is entered from another site is one where a session begins
 * with it: whoever comes back from a payment provider has not come anew. One that is entered from nowhere is one only
 * where none is known; one that is entered from the site itself is none.
 */
export function followTouches(last: Touches | null, { sessionId, now, arrival, domain }: Visit): Touches {
  const isNew = sessionId !== last?.sessionId;
  if (last && !isNew && !arrival) return last;
  const isKnown = last && Math.abs(now - last.seenAt) < REMEMBERED_MS;
  const { firstTouch, lastTouch }: Partial<Touches> = isKnown ? last : {};
  const { campaign, referrer } = arrival ?? {};
  const isOutside = referrer && !`.${new URL(referrer).hostname}`.endsWith(`.${domain}`);
  const isTouch = arrival && (campaign || (isNew && (isOutside || (!referrer && !lastTouch))));
  const touch = isTouch ? { at: new Date(now).toISOString(), ...arrival } : lastTouch;
  return { firstTouch: firstTouch ?? touch, lastTouch: touch, sessionId, seenAt: now };
}

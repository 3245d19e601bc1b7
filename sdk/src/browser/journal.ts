import type { LocalStore } from './local-storage';
import { LONGEST_HOLD_MS } from '../core/retry';

/**
 * So long does a request count as on its way after its page is gone; then other pages send its events again.
 * Longer than nearly any answer takes, and short enough that what failed unseen is soon tried again.
 */
export const FLIGHT_MS = 10_000;

/**
 * What must be written and read in the same tick, because the page may be gone in the next one: events that
 * are not in IndexedDB yet, which of them are on their way, and until when the collector wants quiet.
 */
export interface Journal {
  /** Keeps an event under its entry's name, if localStorage takes it. */
  write(name: string, json: string): void;
  read(name: string): string | null;
  erase(entries: ReadonlyArray<{ readonly name: string }>): void;
  names(): readonly string[];
  /**
   * Says that these messageIds are on their way; returns the undo. Other pages are told only of a request that
   * outlives this one: what dies with its page is free again at once.
   */
  markFlight(ids: readonly string[], isOutliving: boolean): () => void;
  /**
   * The messageIds that are on their way from any page: of this one as long as it is so, of a page that is gone
   * as long as that is believed.
   */
  flights(): ReadonlySet<string>;
  /** No request from any page for so long. */
  hold(ms: number): void;
  /** For how many more milliseconds nobody may send; 0 when free. */
  heldForMs(): number;
  /** Leaves a mark by which one sees later whether what was stored then is still stored, or all was cleared. */
  mark(): void;
  hasMark(): boolean;
}

/** @param prefix of all keys; @param now milliseconds since 1970 */
export function openJournal(local: LocalStore, prefix: string, now: () => number): Journal {
  const eventPrefix = `${prefix}event.`;
  const flightPrefix = `${prefix}flight.`;
  const holdKey = `${prefix}hold`;
  const markKey = `${prefix}mark`;
  const flying = new Set<string>();
  /** A hold survives here where localStorage does not take it. */
  let holdUntil = 0;

  /** A deadline further away than it can have been set comes of a clock that was set: it is over. */
  const leftMs = (until: number, longest: number): number => {
    const left = until - now();
    return left > 0 && left <= longest ? left : 0;
  };

  return {
    write: (name, json) => local.set(eventPrefix + name, json),
    read: (name) => local.get(eventPrefix + name),
    erase: (entries) => entries.forEach(({ name }) => local.remove(eventPrefix + name)),
    names: () => local.keys(eventPrefix),
    markFlight: (ids, isOutliving) => {
      const key = flightPrefix + ids[0]!;
      if (isOutliving) local.set(key, [now() + FLIGHT_MS, ...ids].join());
      ids.forEach((id) => flying.add(id));
      return () => {
        local.remove(key);
        ids.forEach((id) => flying.delete(id));
      };
    },
    flights: () => {
      const flights = new Set(flying);
      for (const name of local.keys(flightPrefix)) {
        const [until, ...ids] = (local.get(flightPrefix + name) ?? '').split(',');
        if (leftMs(Number(until), FLIGHT_MS)) ids.forEach((id) => flights.add(id));
        else local.remove(flightPrefix + name);
      }
      return flights;
    },
    hold: (ms) => {
      holdUntil = now() + ms;
      local.set(holdKey, String(holdUntil));
    },
    mark: () => local.set(markKey, '1'),
    hasMark: () => Boolean(local.get(markKey)),
    heldForMs: () =>
      Math.max(leftMs(holdUntil, LONGEST_HOLD_MS), leftMs(Number(local.get(holdKey)), LONGEST_HOLD_MS)),
  };
}

import { type RawBuilder, sql } from 'kysely';
import type { Cursor } from '../core/cursor';
import { comparePlaces, earlierOf, mergePlaces, type OwnedStretch, placeBefore } from '../core/timeline';
import {
  type Reading,
  readStretches,
  type ScannedPlace,
  scanStretches,
  type TimelineScope,
} from './timeline-scan';

export interface PlacesQuery<Marks> {
  readonly scope: TimelineScope;
  readonly need: number;
  /** About the event `e`; null: every event is. */
  readonly isWanted: RawBuilder<unknown> | null;
  /** A JSON value about the event `e`. */
  readonly marks: RawBuilder<Marks>;
  readonly pace: Pace;
}

export interface Places<Marks> {
  /** Those that were needed, or fewer where the budget or the timeline ended before. */
  readonly places: readonly ScannedPlace<Marks>[];
  /** Up to here nothing was left out; null where that is the end of the timeline. */
  readonly end: Cursor | null;
}

/** How much is looked at together. */
export interface Pace {
  /**
   * How many stretches, one after the other. Most profiles own fewer than the first few, and are read at once; of those
   * that own many, the first few tell how far the page reaches, and then few others matter: as many as a page has events,
   * where each stretch gives one. (10,000 stretches over 24 partitions, a page of 100, two runs: 64 and 512 took 89 and
   * 92 ms, 16 and 128 took 46 and 36.)
   */
  readonly firstStretches: readonly number[];
  readonly moreStretches: number;
  /** How many events the first pass looks at; each further one looks at `growth` times as many. */
  readonly firstLook: number;
  readonly growth: number;
  /** Of each stretch at least so many: finding its place costs as much, in each partition. */
  readonly leastEach: number;
  /**
   * How many events, or not many more, one call looks at where few of them are wanted: it then ends with fewer than were
   * needed. About half a second's work.
   */
  readonly budget: number;
}

export const PACE: Pace = {
  firstStretches: [16, 128, 512],
  moreStretches: 4_096,
  firstLook: 1_000,
  growth: 8,
  leastEach: 12,
  budget: 50_000,
};

/**
 * The next places of a timeline that are wanted, at bounded work. A pass reads stretches in the order in which they can
 * have an event, each for a few events only, and stops when the rest can no longer change what it has. The invariant: in
 * front of a pass's `end`, which is where the first of what was not looked at may lie, it has seen every event.
 * (A profile of 10,000 stretches over 24 partitions, read whole, took 1.07 s.)
 */
export async function readPlaces<Marks>(reading: Reading, query: PlacesQuery<Marks>): Promise<Places<Marks>> {
  const { need, pace } = query;
  const places: ScannedPlace<Marks>[] = [];
  let after = query.scope.after;
  let looked = 0;
  for (let look = pace.firstLook; ; look = Math.min(look * pace.growth, pace.budget)) {
    const pass = await runPass(reading, {
      ...query,
      scope: { ...query.scope, after },
      need: need - places.length,
      look,
      isFirst: looked === 0,
    });
    places.push(...pass.places);
    looked += pass.looked;
    after = pass.end;
    if (after === null || places.length >= need || looked >= pace.budget) return { places, end: after };
  }
}

type PassQuery<Marks> = PlacesQuery<Marks> & { readonly look: number; readonly isFirst: boolean };

interface Pass<Marks> extends Places<Marks> {
  readonly looked: number;
}

/** Stretches as they come first, some at a time. */
async function* stretchesOf(
  reading: Reading,
  {
    scope,
    pace,
    isFirst,
    until,
  }: { scope: TimelineScope; pace: Pace; isFirst: boolean; until: () => Cursor | null },
): AsyncGenerator<{ stretches: readonly OwnedStretch[]; next: OwnedStretch | null }, void, undefined> {
  const more = [pace.moreStretches];
  let offset = 0;
  for (let sizes = isFirst ? pace.firstStretches : more; ; sizes = more) {
    const total = sizes.reduce((sum, size) => sum + size);
    const found = await readStretches(reading, scope, { offset, limit: total + 1, until: until() });
    let at = 0;
    for (const size of sizes) {
      yield { stretches: found.slice(at, at + size), next: found[at + size] ?? null };
      at += size;
    }
    offset += total;
  }
}

async function runPass<Marks>(reading: Reading, query: PassQuery<Marks>): Promise<Pass<Marks>> {
  const { scope, need, look } = query;
  const { order } = scope;
  let best: ScannedPlace<Marks>[] = [];
  let end: Cursor | null = null;
  let looked = 0;
  const last = (): Cursor | null => best.at(need - 1) ?? null;
  for await (const { stretches, next } of stretchesOf(reading, { ...query, until: last })) {
    const scanned = await scanStretches(reading, scope, lookAt(query, stretches, last()));
    best = mergePlaces(best, scanned.places, { order, limit: need });
    end = earlierOf(end, scanned.end, order);
    looked += scanned.looked;
    const unread = next === null ? null : placeBefore(next.reach, order);
    const isSettled = last() !== null && (unread === null || comparePlaces(last()!, unread, order) <= 0);
    const isAhead =
      unread !== null && (scope.after === null || comparePlaces(scope.after, unread, order) < 0);
    if (unread === null || isSettled || (isAhead && looked >= look)) {
      end = earlierOf(end, isSettled ? last() : unread, order);
      break;
    }
  }
  return {
    places: best.filter((place) => end === null || comparePlaces(place, end, order) <= 0),
    end,
    looked,
  };
}

function lookAt<Marks>(
  { need, look, pace, isWanted, marks }: PassQuery<Marks>,
  stretches: readonly OwnedStretch[],
  until: Cursor | null,
) {
  const share = Math.max(pace.leastEach, Math.floor(look / stretches.length));
  return {
    stretches,
    // Where every event is wanted, no stretch can give more than is needed.
    each: isWanted === null ? Math.min(need, share) : share,
    limit: need,
    until,
    isWanted: isWanted ?? sql`true`,
    marks,
  };
}

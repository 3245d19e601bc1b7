import type { Cursor } from './cursor';

/** A timeline's events are in order of time and, within a millisecond, of ID. */
export const TIMELINE_ORDERS = ['newest', 'oldest'] as const;
export type TimelineOrder = (typeof TIMELINE_ORDERS)[number];

/** A stretch of one subject's time that the profile owns, as far as there can be events of it. */
export interface OwnedStretch {
  readonly subjectId: string;
  readonly fromAt: number;
  /** Exclusive. */
  readonly toAt: number;
  /** In the timeline's order nothing of it comes before this moment. */
  readonly reach: number;
}

/** Below and above every ID: UUIDs' texts sort as their bytes do. */
const LEAST_ID = '00000000-0000-0000-0000-000000000000';
const GREATEST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Negative where `a` comes first. */
export function comparePlaces(a: Cursor, b: Cursor, order: TimelineOrder): number {
  const byTime = a.at - b.at;
  const byId = a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
  return (byTime === 0 ? byId : byTime) * (order === 'newest' ? -1 : 1);
}

/** A place before all events of a moment and after all others that come before them. */
export function placeBefore(at: number, order: TimelineOrder): Cursor {
  return order === 'newest' ? { at: at + 1, id: LEAST_ID } : { at: at - 1, id: GREATEST_ID };
}

/** The one of two places that comes first; null is after everything. */
export function earlierOf(a: Cursor | null, b: Cursor | null, order: TimelineOrder): Cursor | null {
  if (a === null || b === null) return a ?? b;
  return comparePlaces(a, b, order) <= 0 ? a : b;
}

/** Two lists that are in order, as one; no longer than `limit`. */
export function mergePlaces<T extends Cursor>(
  one: readonly T[],
  other: readonly T[],
  { order, limit }: { order: TimelineOrder; limit: number },
): T[] {
  return [...one, ...other].sort((a, b) => comparePlaces(a, b, order)).slice(0, limit);
}

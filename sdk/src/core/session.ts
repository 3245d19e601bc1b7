/** A session ends after this long without an event. */
export const SESSION_GAP_MS = 30 * 60_000;

export interface Session {
  readonly id: string;
  /** When its last event was, in milliseconds since 1970. */
  readonly lastAt: number;
}

/** So coarsely is the last event remembered: storing it costs more than all else that a call does. */
const SESSION_GRAIN_MS = 10_000;

/**
 * The session that an event at `now` belongs to: the last one, unless the gap is too long either way. The very
 * same object where nothing has to be stored.
 */
export function continueSession(last: Session | null, now: number, newId: () => string): Session {
  // Without one it is not a number, which is less than nothing.
  const gap = Math.abs(now - (last?.lastAt ?? NaN));
  if (gap < SESSION_GRAIN_MS) return last!;
  return { id: gap < SESSION_GAP_MS ? last!.id : newId(), lastAt: now };
}

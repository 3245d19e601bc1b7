/** A session ends after this long without an event. */
export const SESSION_GAP_MS = 30 * 60_000;

export interface Session {
  readonly id: string;
  /** When its last event was, in milliseconds since 1970. */
  readonly lastAt: number;
}

/** The session that an event at `now` belongs to: the last one, unless the gap is too long either way. */
export function continueSession(last: Session | null, now: number, newId: () => string): Session {
  const goesOn = last !== null && Math.abs(now - last.lastAt) < SESSION_GAP_MS;
  return { id: goesOn ? last.id : newId(), lastAt: now };
}

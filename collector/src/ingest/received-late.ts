import type { NormalEvent } from '../core/event';

/** Events of the group were received before a moment up to which an export has taken everything; they are to be written as received at it. */
export class ReceivedLate extends Error {
  constructor(readonly exportedUntil: number) {
    super('An export has fixed what was received by then.');
  }
}

/**
 * Looked at behind the group's first write, whose lock an export that fixes such a moment waits for: either that export
 * sees these events, or the moment is seen here (db/event-horizon.ts).
 *
 * @throws ReceivedLate
 */
export function refuseLate(
  events: readonly Pick<NormalEvent, 'receivedAt'>[],
  exportedUntil: number | null,
): void {
  if (exportedUntil !== null && events.some(({ receivedAt }) => receivedAt < exportedUntil)) {
    throw new ReceivedLate(exportedUntil);
  }
}

/** The events, none of them received before the moment. */
export function receivedFrom(
  events: readonly NormalEvent[],
  exportedUntil: number | null,
): readonly NormalEvent[] {
  if (exportedUntil === null) return events;
  return events.map((event) =>
    event.receivedAt < exportedUntil ? { ...event, receivedAt: exportedUntil } : event,
  );
}

import { timeOfUuidV7 } from './uuid';

/** The largest event that is taken, in bytes of JSON; the collector's own limit is 32 KB. */
export const MAX_EVENT_BYTES = 32_000;
/** The largest batch: the collector takes 500 KB; what is left is for the frame around the events. */
export const MAX_BATCH_BYTES = 499_000;
export const MAX_BATCH_EVENTS = 100;
/** All keepalive requests of a page together may have 64 KiB (Fetch, 4.5); what is left is for the frames. */
export const MAX_KEEPALIVE_BYTES = 60_000;

/** What may wait, over all tabs; beyond it the oldest go. */
export const MAX_WAITING_EVENTS = 5_000;
export const MAX_WAITING_BYTES = 5_000_000;
export const MAX_AGE_MS = 30 * 86_400_000;
/** Older than this is not an age but a clock that was set; such an event is sent, and the collector flags it. */
const MAX_BELIEVABLE_AGE_MS = 365 * 86_400_000;

/** A waiting event without its text. */
export interface Entry {
  /**
   * Its key in every store: it begins with the messageId (UUIDv7), so that keys sort by time, and tells owner
   * and size, so that a batch is planned without reading events.
   */
  readonly name: string;
  readonly id: string;
  /** The page that recorded it, which alone may send it while it lives. */
  readonly tab: string;
  /** Bytes of its JSON in UTF-8. */
  readonly bytes: number;
}

/** The entry of a name, or undefined where somebody else wrote the key. */
export function parseEntryName(name: string): Entry | undefined {
  const [, id, tab, bytes] = /^([\da-f-]{36})\.(\w+)\.(\d{1,5})$/.exec(name) ?? [];
  return id ? { name, id, tab: tab!, bytes: Number(bytes) } : undefined;
}

/** The longest beginning of the entries that fits; empty if the first one does not. */
export function takeBatch<E extends Pick<Entry, 'bytes'>>(
  entries: readonly E[],
  maxEvents: number,
  maxBytes: number,
): readonly E[] {
  let bytes = 0;
  // The one byte is the comma between two events.
  const end = entries.findIndex(
    (entry, index) => index >= maxEvents || (bytes += entry.bytes + 1) > maxBytes,
  );
  return end < 0 ? entries : entries.slice(0, end);
}

/** What must go, each with why: what is too old, and the oldest of what is too much. */
export function findOverflow<E extends Entry>(
  entries: readonly E[],
  now: number,
): ReadonlyMap<E, 'expired' | 'queue-full'> {
  let events = 0;
  let bytes = 0;
  const overflow = new Map<E, 'expired' | 'queue-full'>();
  // Newest first.
  for (const entry of [...entries].sort((a, b) => (a.name < b.name ? 1 : -1))) {
    const age = now - timeOfUuidV7(entry.id);
    if (age > MAX_AGE_MS && age < MAX_BELIEVABLE_AGE_MS) {
      overflow.set(entry, 'expired');
    } else if ((events += 1) > MAX_WAITING_EVENTS || (bytes += entry.bytes) > MAX_WAITING_BYTES) {
      overflow.set(entry, 'queue-full');
    }
  }
  return overflow;
}

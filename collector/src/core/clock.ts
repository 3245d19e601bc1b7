/** Within this much a client's clock counts as right: correcting network delay would reorder events. */
export const SKEW_DEAD_BAND_MS = 150_000;

/** With a write key nothing is older than this: one wrong clock would become the first claim. */
export const MAX_AGE_MS = 30 * 24 * 3_600_000;

export interface BatchClock {
  readonly receivedAt: number;
  /** When the client says it sent the batch, by its own clock. */
  readonly sentAt: number | null;
  /** What each event says of itself, by the same clock. */
  readonly originals: readonly number[];
}

/**
 * How far a batch's times must be shifted, in milliseconds: one offset for all, because clamping each event would
 * reorder them. After it, nothing that the client's clock can explain lies in the future.
 *
 * An event later than the moment of sending cannot be explained by the clock (it has a timestamp of its own that is
 * wrong); such an event does not pull the others along and is clamped by {@link placeInTime}.
 */
export function offsetOf({ receivedAt, sentAt, originals }: BatchClock): number {
  const skew = sentAt === null ? 0 : receivedAt - sentAt;
  const correction = Math.abs(skew) > SKEW_DEAD_BAND_MS ? skew : 0;
  const latest = sentAt === null ? latestBelievable(originals, receivedAt) : sentAt + SKEW_DEAD_BAND_MS;
  let ahead = 0;
  for (const original of originals) {
    if (original <= latest) ahead = Math.max(ahead, original + correction - receivedAt);
  }
  return correction - ahead;
}

/**
 * Where nobody says when the batch was sent, its events have to speak for the clock: one that lies far beyond most of
 * them is wrong by itself, or it would pull all others into the past.
 */
function latestBelievable(originals: readonly number[], receivedAt: number): number {
  if (!originals.some((original) => original > receivedAt)) return Infinity;
  const sorted = originals.toSorted((one, other) => one - other);
  return sorted[(sorted.length - 1) >> 1]! + MAX_AGE_MS;
}

export interface Placed {
  readonly occurredAt: number;
  readonly isClamped: boolean;
}

/**
 * The time at which an event occurred, within what may be believed.
 *
 * @param corrected the event's own time plus the batch's offset
 * @param oldest the earliest time allowed, or null where any is (imports)
 */
export function placeInTime(
  corrected: number,
  { receivedAt, oldest }: { receivedAt: number; oldest: number | null },
): Placed {
  if (corrected > receivedAt) return { occurredAt: receivedAt, isClamped: true };
  if (oldest !== null && corrected < oldest) return { occurredAt: oldest, isClamped: true };
  return { occurredAt: corrected, isClamped: false };
}

/** The years that both RFC 3339 and Postgres' text form can say. */
const YEAR_1 = -62_135_596_800_000;
const YEAR_10000 = 253_402_300_800_000;

const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/**
 * Milliseconds since 1970 of an RFC 3339 instant (section 5.6), or null where the text is none. Strict: a day that
 * the month does not have is refused, where `Date.parse` would roll it over. Digits beyond milliseconds are cut.
 */
export function parseInstant(text: string): number | null {
  const common = parseCommonInstant(text);
  if (common !== null) return common;
  const match = RFC_3339.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const ms = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  const isRealDay = midnight.getUTCMonth() === month - 1 && midnight.getUTCDate() === day;
  // A leap second (60) is the start of the next minute, as POSIX time has none.
  if (!isRealDay || hour > 23 || minute > 59 || second > 60) return null;
  const offset = offsetMinutes(match);
  if (offset === null) return null;
  const instant = midnight.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1000 + ms;
  return instant >= YEAR_1 && instant < YEAR_10000 ? instant : null;
}

/** Where the two digits of month, day, hour, minute and second stand. */
const TWO_DIGITS_AT = { month: 5, day: 8, hour: 11, minute: 14, second: 17 } as const;
const DAYS_OF_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
const COMMON_LENGTH = '2026-01-31T12:00:00.000Z'.length;

/**
 * What Date writes, which nearly every client sends; null for all else, which may be right all the same. Reading the
 * digits takes a quarter of the time that Date.parse, and making sure that it did not roll a day over, did.
 */
function parseCommonInstant(text: string): number | null {
  if (text.length !== COMMON_LENGTH || !hasCommonMarks(text)) return null;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, TWO_DIGITS_AT.month);
  const day = twoDigits(text, TWO_DIGITS_AT.day);
  const hour = twoDigits(text, TWO_DIGITS_AT.hour);
  const minute = twoDigits(text, TWO_DIGITS_AT.minute);
  const second = twoDigits(text, TWO_DIGITS_AT.second);
  const ms = twoDigits(text, 20) * 10 + digit(text, 22);
  // Date.UTC takes the years below 100 for those of the 20th century; and a 29 February is left to the long way.
  const isCommon = year >= 100 && day >= 1 && day <= DAYS_OF_MONTH[month - 1]! && hour <= 23 && minute <= 59;
  return isCommon && second <= 59 && ms >= 0
    ? Date.UTC(year, month - 1, day, hour, minute, second, ms)
    : null;
}

function hasCommonMarks(text: string): boolean {
  return (
    text[4] === '-' &&
    text[7] === '-' &&
    text[10] === 'T' &&
    text[13] === ':' &&
    text[16] === ':' &&
    text[19] === '.' &&
    text[23] === 'Z'
  );
}

/** NaN where there is no digit, which no comparison lets pass. */
function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - ZERO;
  return value >= 0 && value <= 9 ? value : NaN;
}

function twoDigits(text: string, at: number): number {
  return digit(text, at) * 10 + digit(text, at + 1);
}

const ZERO = '0'.charCodeAt(0);

function offsetMinutes(match: RegExpExecArray): number | null {
  if (match[8] === undefined) return 0;
  const hours = Number(match[9]);
  const minutes = Number(match[10]);
  if (hours > 23 || minutes > 59) return null;
  return (match[8] === '-' ? -1 : 1) * (hours * 60 + minutes);
}

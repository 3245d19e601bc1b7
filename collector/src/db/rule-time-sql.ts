import { type RawBuilder, sql } from 'kysely';
import { parseInstant } from '../core/clock';
import { type Duration, minutesOf, parseDuration } from '../core/rule';

/** The moment of a run, and the zone whose days and weeks its durations are counted in. */
export interface RunTime {
  readonly now: Date;
  readonly timezone: string;
}

/** How an end of a duration that began at some moment lies to now: before it, at it, after it. */
export type Side = '<' | '<=' | '>' | '>=';
const SIDES = { '<': sql`<`, '<=': sql`<=`, '>': sql`>`, '>=': sql`>=` } as const;

const MINUTE_MS = 60_000;
/** No zone has ever put its clocks further than from UTC-12 to UTC+14. */
const MAX_SHIFT_MS = 27 * 60 * MINUTE_MS;

/**
 * The moment so long after another one; a day later is the same time of day, by the workspace's clocks. All windows and
 * relative times are compared so, from the event on: each event then leaves a window at one moment, once. (Counted back
 * from now, an event would come back for an hour when clocks are put back.)
 */
export function laterBy(
  moment: RawBuilder<unknown>,
  duration: Duration,
  { timezone }: RunTime,
): RawBuilder<Date> {
  const days = daysOf(duration);
  if (days === null) return sql`(${moment} + make_interval(mins => ${minutesOf(duration)}::integer))`;
  return sql`((${moment} at time zone ${timezone}::text + make_interval(days => ${days}::integer))
    at time zone ${timezone}::text)`;
}

/** The duration in days of the calendar; null where it is one of the clock. */
function daysOf({ amount, unit }: Duration): number | null {
  if (unit === 'days') return amount;
  return unit === 'weeks' ? amount * 7 : null;
}

/**
 * Whether the end of a duration that began at a moment lies so to now. The moment is a plain column: the calendar is
 * asked only where the outcome hangs on it, since it takes longer than all else about an event.
 */
export function endsSo(
  moment: RawBuilder<unknown>,
  { duration, side, time }: { duration: Duration; side: Side; time: RunTime },
): RawBuilder<boolean> {
  const start = time.now.getTime() - minutesOf(duration) * MINUTE_MS;
  const at = (ms: number) => sql`${new Date(ms)}::timestamptz`;
  if (daysOf(duration) === null) return sql`(${moment} ${SIDES[side]} ${at(start)})`;
  const [lower, upper] = [at(start - MAX_SHIFT_MS), at(start + MAX_SHIFT_MS)];
  const exactly = sql`${laterBy(moment, duration, time)} ${SIDES[side]} ${time.now}::timestamptz`;
  return side === '>' || side === '>='
    ? sql`(${moment} > ${lower} and (${moment} > ${upper} or ${exactly}))`
    : sql`(${moment} < ${upper} and (${moment} < ${lower} or ${exactly}))`;
}

/** No moment whose duration has not ended yet lies before this one. */
export function earliestStart(duration: Duration, { now }: RunTime): RawBuilder<Date> {
  const shift = daysOf(duration) === null ? 0 : MAX_SHIFT_MS;
  return sql`${new Date(now.getTime() - minutesOf(duration) * MINUTE_MS - shift)}::timestamptz`;
}

/** A time of a rule: an instant, or how long ago. */
export function readTime(time: string): { readonly instant: Date } | { readonly ago: Duration } {
  const instant = parseInstant(time);
  return instant === null ? { ago: parseDuration(time)! } : { instant: new Date(instant) };
}

/** `next` where it is still to come, else null. */
export function stillToCome(next: RawBuilder<unknown>, { now }: RunTime): RawBuilder<Date | null> {
  return sql`case when ${next} > ${now}::timestamptz then ${next} end`;
}

/** A run's moments are whole milliseconds: the first one that is not before this. */
export function atOrAfter(moment: RawBuilder<unknown>): RawBuilder<Date> {
  return sql`date_trunc('milliseconds', ${moment} + interval '999 microseconds')`;
}

/** The first whole millisecond after this. */
export function justAfter(moment: RawBuilder<unknown>): RawBuilder<Date> {
  return sql`(date_trunc('milliseconds', ${moment}) + interval '1 millisecond')`;
}

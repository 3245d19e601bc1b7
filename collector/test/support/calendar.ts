/** A naive calendar of time zones, by what Intl shows on their clocks; for oracles. */

const formats = new Map<string, Intl.DateTimeFormat>();

/** What a zone's clocks show, as if they were UTC's. */
function clockIn(zone: string, at: number): number {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat('en-GB', {
      ...{ timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
      ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
    });
  formats.set(zone, format);
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year, month, day, hour, minute, second } = parts as Record<string, number>;
  return Date.UTC(year!, month! - 1, day!, hour, minute, second) + (((at % 1000) + 1000) % 1000);
}

const DAY = 86_400_000;

/**
 * The same time of day so many days later. Where clocks are put forward over it, as much later as they are put forward;
 * where they are put back over it, and show it twice, the second time.
 */
export function daysLater(zone: string, { at, days }: { at: number; days: number }): number {
  const shown = clockIn(zone, at) + days * DAY;
  const [before, after] = [shown - DAY, shown + DAY].map((near) => clockIn(zone, near) - near) as [
    number,
    number,
  ];
  const [early, late] = [shown - before, shown - after];
  return clockIn(zone, late) === shown ? late : early;
}

/** The day on which it is, or on which the week or the month began, such as 2026-06-01. */
export function dateIn(
  zone: string,
  { unit, at }: { unit: '$day' | '$week' | '$month'; at: number },
): string {
  const day = new Date(clockIn(zone, at));
  if (unit === '$month') day.setUTCDate(1);
  if (unit === '$week') day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7));
  return day.toISOString().slice(0, 10);
}

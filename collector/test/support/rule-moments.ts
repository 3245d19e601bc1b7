import { daysLater } from './calendar';
import { DURATIONS, type Era, LAST_MINUTE } from './rule-cases';
import { INSTANTS, type Person } from './rule-oracle';

const MINUTES = { m: 1, h: 60 } as const;

/**
 * Moments from now on, of which one lies between any two at which what a generated rule says of somebody could differ:
 * whatever has a time, by itself and so long later, and the milliseconds beside.
 */
export function mayChangeAt(
  { events, portrait }: Person,
  { now, era: { start, zone } }: { now: number; era: Era },
): readonly number[] {
  const times = [
    ...[now, portrait.firstSeenAt, portrait.lastSeenAt, ...Object.values(INSTANTS)],
    ...events.map(({ occurredAt }) => occurredAt),
  ];
  // Also those that the rules know and that no case may name: 10m, between two times.
  const lengths = [...DURATIONS, '10m'];
  const moments = times.flatMap((time) => [time, ...lengths.map((length) => later(time, length, zone))]);
  for (let minute = 0; minute <= LAST_MINUTE; minute += 1) moments.push(start + minute * 60_000);
  const near = moments.flatMap((moment) => [moment - 1, moment, moment + 1]);
  return [...new Set(near)].filter((moment) => moment > now);
}

function later(at: number, length: string, zone: string): number {
  const amount = Number(length.slice(0, -1));
  const unit = length.at(-1)!;
  if (unit === 'm' || unit === 'h') return at + amount * MINUTES[unit] * 60_000;
  return daysLater(zone, { at, days: unit === 'w' ? amount * 7 : amount });
}

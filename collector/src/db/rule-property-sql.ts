import { type RawBuilder, sql } from 'kysely';
import { ANY_EVENT, type CalendarUnit, type Condition, isEventKind, OWN_EVENTS, stepsOf } from '../core/rule';
import { type ComparedValue, meetsAll } from './rule-comparison-sql';
import type { RunTime } from './rule-time-sql';

/** Whether an event has one of these names. */
export function isOfKind(event: string | readonly string[]): RawBuilder<boolean> {
  const names = [event].flat();
  const types = names.filter(isEventKind).map((kind) => kind.slice(1));
  const tracked = names.filter((name) => name !== ANY_EVENT && !isEventKind(name));
  const kinds: RawBuilder<boolean>[] = [];
  if (names.includes(ANY_EVENT)) {
    kinds.push(sql`(e.type = 'track' and e.name = any(${OWN_EVENTS}::text[])) is not true`);
  }
  if (types.length > 0) kinds.push(sql`e.type = any(${types}::text[])`);
  if (tracked.length > 0) kinds.push(sql`(e.type = 'track' and e.name = any(${tracked}::text[]))`);
  return sql`(${sql.join(kinds, sql` or `)})`;
}

export function meetsCondition({ prop, ...comparisons }: Condition, time: RunTime): RawBuilder<boolean> {
  return meetsAll(propertyOf(prop), comparisons, time);
}

export function propertyOf(path: string): ComparedValue {
  return { kind: 'json', sql: sql`nullif(e.properties #> ${stepsOf(path)}::text[], 'null'::jsonb)` };
}

const UNITS = { $day: sql`'day'`, $week: sql`'week'`, $month: sql`'month'` } as const;

/** The first day of the day, week (it begins on Monday, ISO 8601) or month in which an event occurred. */
export function startOf(unit: CalendarUnit, { timezone }: RunTime): RawBuilder<unknown> {
  return sql`date_trunc(${UNITS[unit]}, e.occurred_at at time zone ${timezone}::text)::date`;
}

/** As {@link startOf}, as a text. */
export function dateOf(unit: CalendarUnit, time: RunTime): ComparedValue {
  return { kind: 'json', sql: sql`to_jsonb(${startOf(unit, time)})` };
}

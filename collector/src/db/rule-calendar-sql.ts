/**
 * In how many days, weeks or months each profile has events, over all profiles: `count(distinct …)` sorts all events,
 * and took half of such a pass. Here each event sets a bit of a whole number, which takes a hash table and no sorting.
 */
import { type RawBuilder, sql } from 'kysely';
import { type CalendarUnit, type EventRule, isCalendarUnit } from '../core/rule';
import { type AskedEvents, isAllCounted, isCounted, mayMatter } from './rule-event-sql';
import type { RuleRun } from './rule-sources-sql';
import type { RunTime } from './rule-time-sql';

/** A leaf that counts different days, weeks or months, and the columns for what it finds. */
export interface CountedDates {
  readonly unit: CalendarUnit;
  readonly asked: AskedEvents;
  readonly count: RawBuilder<unknown>;
  /** When time alone may next change it: an aggregate that is the least over its events; null where never. */
  readonly next: { readonly aggregate: RawBuilder<unknown>; readonly column: RawBuilder<unknown> } | null;
}

/** The unit whose dates a leaf counts in a pass of their own; null where it is read with all other leaves. */
export function unitCounted(rule: EventRule, { profileIds, asked }: RuleRun): CalendarUnit | null {
  // The events of a few profiles are sorted in no time, and what comes next is looked for among those of an owner.
  const isPass = profileIds === undefined && asked === undefined && rule.then === undefined;
  return isPass && rule.agg === 'distinct' && isCalendarUnit(rule.of ?? '')
    ? (rule.of as CalendarUnit)
    : null;
}

const SOURCES = { $day: sql.ref('days'), $week: sql.ref('weeks'), $month: sql.ref('months') } as const;
export const sourceOf = (unit: CalendarUnit): RawBuilder<unknown> => SOURCES[unit];

/** Dates are numbered; of 64 in a row each is a bit of a number, so that any range of time takes few numbers. */
const BLOCK = { base: sql.lit(-64), mask: sql.lit(63) } as const;

/**
 * One pass over the events for all leaves that count the same unit, joined to the profiles.
 *
 * An owner is looked up for each event only where its subject is divided in time, which few are, and for each of the
 * other subjects once: those whose events belong to another profile as a whole. Two keys are a fifth faster than three,
 * so the one with the block says, too, whether the other one is an owner already.
 */
export function countedDates(dates: readonly CountedDates[], run: RuleRun): RawBuilder<unknown> {
  const { unit } = dates[0]!;
  const matter = dates.map(({ asked }) => mayMatter(asked.rule, run));
  // Of one leaf alone only those are read; the names of all events once more are a tenth of the pass.
  const ifCounted = (asked: AskedEvents) =>
    dates.length === 1 && isAllCounted(asked.rule) ? sql`` : sql`filter (where ${isCounted(asked)})`;
  const columns = (make: (one: CountedDates) => readonly (RawBuilder<unknown> | null)[]) =>
    sql.join(dates.flatMap(make).filter((column) => column !== null));
  const least = (table: string, { next }: CountedDates) =>
    next === null ? null : sql`min(${sql.ref(table)}.${next.column}) as ${next.column}`;
  return sql`left join (
      select b.owner_id, ${columns((one) => [
        sql`sum(bit_count(b.${one.count}::bit(64))) as ${one.count}`,
        least('b', one),
      ])}
      from (
        select coalesce(o.owner_id, s.holder_id) as owner_id, s.block & ${BLOCK.base} as block, ${columns(
          (one) => [sql`bit_or(s.${one.count}) as ${one.count}`, least('s', one)],
        )}
        from (
          select e.holder_id, (e.date_no & ${BLOCK.base}) + e.is_owner as block, ${columns(
            ({ asked, count, next }) => [
              sql`bit_or(1::bigint << (e.date_no & ${BLOCK.mask})) ${ifCounted(asked)} as ${count}`,
              next === null ? null : sql`${next.aggregate} as ${next.column}`,
            ],
          )}
          from (
            select e.*, ${numberOf(unit, run)} as date_no,
              coalesce(o.owner_id, e.subject_id) as holder_id, (o.owner_id is not null)::integer as is_owner
            from event e left join (
              select * from ownership
              where workspace_id = ${run.workspaceId} and not ${IS_WHOLE}) as o
              on o.subject_id = e.subject_id and o.from_at <= e.occurred_at and e.occurred_at < o.to_at
            where e.workspace_id = ${run.workspaceId} and (${sql.join(matter, sql` or `)})
            -- Else the number is found twice for each event.
            offset 0) as e
          group by e.holder_id, (e.date_no & ${BLOCK.base}) + e.is_owner) as s
        left join (
          select subject_id, owner_id from ownership
          where workspace_id = ${run.workspaceId} and ${IS_WHOLE}) as o
          on o.subject_id = s.holder_id and s.block & 1 = 0
        group by 1, 2) as b
      group by b.owner_id) as ${sourceOf(unit)} on ${sourceOf(unit)}.owner_id = p.profile_id`;
}

/** Whether a subject's events belong to one owner, whenever they occurred. */
const IS_WHOLE = sql`(from_at = '-infinity' and to_at = 'infinity')`;

/** The number of the day, week or month in which an event occurred, by the workspace's calendar. */
function numberOf(unit: CalendarUnit, time: RunTime): RawBuilder<unknown> {
  if (unit === '$month') return monthNumber(time);
  // Days since the first one that Postgres knows, which is a Monday.
  const day = sql`((${localTime(time)})::date - date '4714-11-24 BC')`;
  return unit === '$day' ? day : sql`(${day} / 7)`;
}

const localTime = ({ timezone }: RunTime): RawBuilder<unknown> =>
  sql`e.occurred_at at time zone ${timezone}::text`;

const HOUR_MS = 3_600_000;
/** No zone's clocks have ever been further from UTC. */
const MAX_OFFSET_MS = 16 * HOUR_MS;
const BLOCK_MONTHS = 64;

/**
 * The calendar of a time zone takes longer than all else about an event (Europe/Berlin: 0.8 µs; this: 0.1), so it is
 * asked only near the beginnings of months, and about times that are long ago: before each bound of an odd number.
 */
function monthNumber(time: RunTime): RawBuilder<unknown> {
  const [year, month] = [time.now.getUTCFullYear(), time.now.getUTCMonth()];
  // The last month of the block is the next one: events may be a little later than the run's moment.
  const first = month + 2 - BLOCK_MONTHS;
  const bounds = Array.from({ length: BLOCK_MONTHS }, (_, index) => [
    new Date(Date.UTC(year, first + index) + MAX_OFFSET_MS),
    new Date(Date.UTC(year, first + index + 1) - MAX_OFFSET_MS),
  ]).flat();
  const bound = sql`width_bucket(e.occurred_at, ${['-infinity', ...bounds]}::timestamptz[])`;
  const local = localTime(time);
  const beforeFirst = year * 12 + first;
  return sql`case when ${bound} & 1 = 0 then ${bound} / 2 - 1
    else (date_part('year', ${local}) * 12 + date_part('month', ${local}))::integer - 1 - ${beforeFirst}::integer end`;
}

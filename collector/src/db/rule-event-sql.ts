import { type RawBuilder, sql } from 'kysely';
import { AGGREGATES, type EventRule, isCalendarUnit } from '../core/rule';
import { type ComparedValue, numberOf } from './rule-comparison-sql';
import { dateOf, isOfKind, meetsCondition, propertyOf, startOf } from './rule-property-sql';
import { followedAsAsked } from './rule-sequel-sql';
import { earliestStart, endsSo, readTime, type RunTime, type Side } from './rule-time-sql';

/** Reads as e the events that the workspace's profiles own, each with its owner_id. */
export function ownedEvents({
  workspaceId,
  profileIds,
}: {
  workspaceId: string;
  profileIds?: readonly string[] | undefined;
}): RawBuilder<unknown> {
  const isOwnedThen = sql`o.workspace_id = e.workspace_id and o.subject_id = e.subject_id
    and o.from_at <= e.occurred_at and e.occurred_at < o.to_at`;
  if (profileIds === undefined) {
    return sql`(
      select coalesce(o.owner_id, e.subject_id) as owner_id, e.*
      from event e left join ownership o on ${isOwnedThen}
      where e.workspace_id = ${workspaceId}) as e`;
  }
  // Some profiles: what they own of other subjects, stretch by stretch, and of their own what nobody else owns.
  return sql`(
      select o.owner_id, e.*
      from ownership o join event e on ${isOwnedThen}
      where o.workspace_id = ${workspaceId} and o.owner_id = any(${profileIds}::uuid[])
      union all
      select e.subject_id, e.*
      from event e
      where e.workspace_id = ${workspaceId} and e.subject_id = any(${profileIds}::uuid[])
        and not exists (select from ownership o where ${isOwnedThen})) as e`;
}

const OCCURRED_AT = sql`e.occurred_at`;

/** A leaf that a run evaluates. */
export interface AskedEvents {
  readonly rule: EventRule;
  readonly time: RunTime;
  /** The column with the time of what came next after an event, where the rule has a `then`. */
  readonly next: RawBuilder<unknown>;
}

/** Whether an event is of those that a leaf counts. */
export function isCounted({ rule, time, next }: AskedEvents): RawBuilder<boolean> {
  return sql`(${sql.join(
    [
      isOfKind(rule.event),
      ...beginning(rule, time),
      ...end(rule, time),
      ...(rule.where ?? []).map((condition) => meetsCondition(condition, time)),
      ...(rule.then === undefined ? [] : [followedAsAsked(rule, { time, next })]),
    ],
    sql` and `,
  )})`;
}

/**
 * Which events a leaf may count now or later, and those that may come after them: cheap, and true for all that matter.
 */
export function mayMatter(rule: EventRule, time: RunTime): RawBuilder<boolean> {
  const names = [rule.event, rule.then?.event ?? []].flat();
  const conditions = [isOfKind(names), ...beginning(rule, time)];
  // What comes after an event of the window may lie behind it.
  if (rule.then === undefined) conditions.push(...fixedEnd(rule));
  return sql`(${sql.join(conditions, sql` and `)})`;
}

/** Whether a leaf counts all events that may matter to it, so that asking twice is one time too many. */
export function isAllCounted(rule: EventRule): boolean {
  const isEndFixed = rule.within === undefined && (rule.between === undefined || fixedEnd(rule).length > 0);
  return isEndFixed && rule.where === undefined && rule.then === undefined;
}

/**
 * Whether an event is not too old for a leaf.
 *
 * An event is never received before it occurred (a time in the future is corrected on arrival), so a window's
 * beginning also bounds received_at, which names the partition: older partitions are not read.
 */
function beginning({ within, between }: EventRule, time: RunTime): readonly RawBuilder<boolean>[] {
  const from = within ?? between?.[0];
  if (from === undefined) return [];
  const read = readTime(from);
  if ('instant' in read) {
    const instant = sql`${read.instant}::timestamptz`;
    return [sql<boolean>`e.occurred_at >= ${instant} and e.received_at >= ${instant}`];
  }
  const side: Side = within === undefined ? '>=' : '>';
  return [
    endsSo(OCCURRED_AT, { duration: read.ago, side, time }),
    sql<boolean>`e.received_at >= ${earliestStart(read.ago, time)}`,
  ];
}

/** Whether an event is not too young. */
function end(rule: EventRule, time: RunTime): readonly RawBuilder<boolean>[] {
  if (rule.within !== undefined) return [sql<boolean>`e.occurred_at <= ${time.now}::timestamptz`];
  if (rule.between === undefined) return [];
  const read = readTime(rule.between[1]);
  if ('instant' in read) return fixedEnd(rule);
  return [endsSo(OCCURRED_AT, { duration: read.ago, side: '<', time })];
}

/** As {@link end}, where no time that passes moves it. */
function fixedEnd({ between }: EventRule): readonly RawBuilder<boolean>[] {
  const read = between === undefined ? null : readTime(between[1]);
  return read !== null && 'instant' in read
    ? [sql<boolean>`e.occurred_at < ${read.instant}::timestamptz`]
    : [];
}

/** The leaf's aggregate over the events of one owner; null where it counts none. */
export function aggregateOf(asked: AskedEvents): RawBuilder<unknown> {
  const { rule, time } = asked;
  const counted = sql`filter (where ${isCounted(asked)})`;
  const of = rule.of ?? '';
  const value = isCalendarUnit(of) ? dateOf(of, time) : propertyOf(of);
  const agg = rule.agg ?? 'count';
  switch (agg) {
    case 'count':
      return sql`count(*) ${counted}`;
    case 'sum':
    case 'avg':
    case 'min':
    case 'max':
      return sql`${FUNCTIONS[agg]}(${numberOf(value)}) ${counted}`;
    case 'distinct': {
      // Days as they are, not as texts in jsonb. Other ways that were tried with 1M events: docs/benchmarks.md.
      const each = isCalendarUnit(of) ? startOf(of, time) : value.sql;
      return sql`nullif(count(distinct ${each}) ${counted}, 0)`;
    }
    case 'first':
    case 'last': {
      const order =
        agg === 'first' ? sql`e.occurred_at, e.message_id` : sql`e.occurred_at desc, e.message_id desc`;
      const hasValue = sql`filter (where ${isCounted(asked)} and ${value.sql} is not null)`;
      return sql`(array_agg(${value.sql} order by ${order}) ${hasValue})[1]`;
    }
  }
}

const FUNCTIONS = { sum: sql`sum`, avg: sql`avg`, min: sql`min`, max: sql`max` } as const;

/** What a leaf compares, given the column that holds its aggregate: a profile without events has no such row. */
export function comparedAggregate(rule: EventRule, column: RawBuilder<unknown>): ComparedValue {
  const agg = rule.agg ?? 'count';
  const kind = AGGREGATES[agg];
  if (kind === 'json') return { kind, sql: column };
  return {
    kind,
    sql: agg === 'count' || agg === 'sum' ? sql`coalesce(${column}, 0)::numeric` : sql`${column}::numeric`,
  };
}

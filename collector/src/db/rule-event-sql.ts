import { type RawBuilder, sql } from 'kysely';
import { AGGREGATES, ANY_EVENT, type EventRule, isEventKind, parseDuration, stepsOf } from '../core/rule';
import { agoOf, type ComparedValue, meetsAll, numberOf, type RunTime, timeOf } from './rule-comparison-sql';

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

/**
 * Which events a leaf may count, by kind, name and time: cheap, and true for all that it does count.
 *
 * An event is never received before it occurred (a time in the future is corrected on arrival), so a window's
 * beginning also bounds received_at, which names the partition: older partitions are not read.
 */
export function isCandidate(rule: EventRule, time: RunTime): RawBuilder<boolean> {
  const conditions = [isOfKind(typeof rule.event === 'string' ? [rule.event] : rule.event)];
  if (rule.within !== undefined) {
    const start = agoOf(parseDuration(rule.within)!, time);
    conditions.push(
      sql`e.occurred_at > ${start} and e.received_at > ${start} and e.occurred_at <= ${time.now}::timestamptz`,
    );
  }
  if (rule.between !== undefined) {
    const [from, to] = [timeOf(rule.between[0], time), timeOf(rule.between[1], time)];
    conditions.push(sql`e.occurred_at >= ${from} and e.received_at >= ${from} and e.occurred_at < ${to}`);
  }
  return sql`(${sql.join(conditions, sql` and `)})`;
}

function isOfKind(names: readonly string[]): RawBuilder<boolean> {
  if (names.includes(ANY_EVENT)) return sql`true`;
  const types = names.filter(isEventKind).map((kind) => kind.slice(1));
  const tracked = names.filter((name) => !isEventKind(name));
  const kinds: RawBuilder<boolean>[] = [];
  if (types.length > 0) kinds.push(sql`e.type = any(${types}::text[])`);
  if (tracked.length > 0) kinds.push(sql`(e.type = 'track' and e.name = any(${tracked}::text[]))`);
  return sql`(${sql.join(kinds, sql` or `)})`;
}

/** The leaf's aggregate over the events of one owner; null where it counts none. */
export function aggregateOf(rule: EventRule, time: RunTime): RawBuilder<unknown> {
  const conditions = [
    isCandidate(rule, time),
    ...(rule.where ?? []).map(({ prop, ...comparisons }) => meetsAll(propertyOf(prop), comparisons, time)),
  ];
  const counted = sql`filter (where ${sql.join(conditions, sql` and `)})`;
  const value = propertyOf(rule.of ?? '');
  const agg = rule.agg ?? 'count';
  switch (agg) {
    case 'count':
      return sql`count(*) ${counted}`;
    case 'sum':
    case 'avg':
    case 'min':
    case 'max':
      return sql`${FUNCTIONS[agg]}(${numberOf(value)}) ${counted}`;
    case 'distinct':
      return sql`nullif(count(distinct ${value.sql}) ${counted}, 0)`;
    case 'first':
    case 'last': {
      const order =
        agg === 'first' ? sql`e.occurred_at, e.message_id` : sql`e.occurred_at desc, e.message_id desc`;
      const hasValue = sql`filter (where ${sql.join([...conditions, sql`${value.sql} is not null`], sql` and `)})`;
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

function propertyOf(path: string): ComparedValue {
  return { kind: 'json', sql: sql`nullif(e.properties #> ${stepsOf(path)}::text[], 'null'::jsonb)` };
}

import { type RawBuilder, sql } from 'kysely';
import { parseInstant } from '../core/clock';
import {
  type Comparisons,
  type Duration,
  minutesOf,
  type Operator,
  OPERATORS,
  parseDuration,
  type Scalar,
  type ValueKind,
} from '../core/rule';

/** The moment of a run, and the zone whose days and weeks its durations are counted in. */
export interface RunTime {
  readonly now: Date;
  readonly timezone: string;
}

/** An SQL value that a leaf compares: jsonb, text, numeric or timestamptz. SQL null is a missing value. */
export interface ComparedValue {
  readonly kind: ValueKind;
  readonly sql: RawBuilder<unknown>;
}

/**
 * Whether a value meets all comparisons, as SQL that is true or false and never null. Every operand is bound.
 */
export function meetsAll(value: ComparedValue, comparisons: Comparisons, time: RunTime): RawBuilder<boolean> {
  const conditions = OPERATORS[value.kind].flatMap((operator) => {
    const operand = comparisons[operator];
    if (operand === undefined) return [];
    return [sql<boolean>`coalesce(${conditionOf(value, { operator, operand, time })}, false)`];
  });
  return sql`(${sql.join(conditions, sql` and `)})`;
}

interface Compared {
  readonly operator: Operator;
  readonly operand: NonNullable<Comparisons[Operator]>;
  readonly time: RunTime;
}

function conditionOf(value: ComparedValue, { operator, operand, time }: Compared): RawBuilder<unknown> {
  const v = value.sql;
  const one = () => bindOne(value.kind, operand as Scalar);
  const many = () => bindMany(value.kind, operand as readonly Scalar[]);
  switch (operator) {
    case 'exists':
      return operand === true ? sql`${v} is not null` : sql`${v} is null`;
    case 'eq':
      return sql`${v} = ${one()}`;
    case 'neq':
      return sql`${v} is distinct from ${one()}`;
    case 'in':
      return sql`${v} = any(${many()})`;
    case 'nin':
      return sql`(${v} = any(${many()})) is not true`;
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return sql`${numberOf(value)} ${ORDER[operator]} ${String(operand)}::numeric`;
    case 'contains':
      return sql`strpos(${textOf(value)}, ${operand}::text) > 0`;
    case 'prefix':
      return sql`starts_with(${textOf(value)}, ${operand}::text)`;
    case 'suffix':
      return sql`right(${textOf(value)}, length(${operand}::text)) = ${operand}::text`;
    case 'has':
      // Nothing but an array contains an array.
      return sql`${v} @> ${JSON.stringify([operand])}::jsonb`;
    case 'before':
      return sql`${instantOf(value)} < ${timeOf(operand as string, time)}`;
    case 'after':
      return sql`${instantOf(value)} > ${timeOf(operand as string, time)}`;
  }
}

const ORDER = { gt: sql`>`, gte: sql`>=`, lt: sql`<`, lte: sql`<=` } as const;

/** A number is bound as its text, so that Postgres reads exactly the digits that the rule has. */
function bindOne(kind: ValueKind, operand: Scalar): RawBuilder<unknown> {
  if (kind === 'json') return sql`${JSON.stringify(operand)}::jsonb`;
  return kind === 'number' ? sql`${String(operand)}::numeric` : sql`${operand}::text`;
}

function bindMany(kind: ValueKind, operands: readonly Scalar[]): RawBuilder<unknown> {
  if (kind === 'json') return sql`${operands.map((operand) => JSON.stringify(operand))}::text[]::jsonb[]`;
  return kind === 'number' ? sql`${operands.map(String)}::numeric[]` : sql`${operands}::text[]`;
}

// Each guard is a CASE: the operands of AND may be evaluated in any order, and a cast of the wrong type is an error.

/** The number that a value is, else null: nothing becomes a number that is none. */
export function numberOf({ kind, sql: v }: ComparedValue): RawBuilder<unknown> {
  return kind === 'number' ? v : sql`case when jsonb_typeof(${v}) = 'number' then (${v})::numeric end`;
}

function textOf({ kind, sql: v }: ComparedValue): RawBuilder<unknown> {
  return kind === 'text' ? v : sql`case when jsonb_typeof(${v}) = 'string' then ${v} #>> '{}' end`;
}

/**
 * An RFC 3339 instant that Postgres can read, days of months and leap years included: casting any other text would
 * fail the run. At most nine digits of a second, and offsets within the 15:59 that Postgres knows.
 */
const INSTANT = [
  String.raw`^(?!0000)(`,
  String.raw`[0-9]{4}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])`,
  String.raw`|[0-9]{4}-(0[469]|11)-(0[1-9]|[12][0-9]|30)`,
  String.raw`|[0-9]{4}-02-(0[1-9]|1[0-9]|2[0-8])`,
  String.raw`|([0-9][0-9](0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29`,
  String.raw`)[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]{1,9})?([Zz]|[+-](0[0-9]|1[0-5]):[0-5][0-9])$`,
].join('');

function instantOf({ kind, sql: v }: ComparedValue): RawBuilder<unknown> {
  if (kind === 'instant') return v;
  const text = sql`${v} #>> '{}'`;
  return sql`case when jsonb_typeof(${v}) = 'string' and (${text}) ~ ${sql.lit(INSTANT)}
    then (${text})::timestamptz end`;
}

/** The moment that a rule's time stands for in this run. */
export function timeOf(time: string, run: RunTime): RawBuilder<Date> {
  const instant = parseInstant(time);
  if (instant !== null) return sql`${new Date(instant)}::timestamptz`;
  return agoOf(parseDuration(time)!, run);
}

const MINUTE_MS = 60_000;

/** The moment so long before now; days and weeks by the workspace's calendar. */
export function agoOf({ amount, unit }: Duration, { now, timezone }: RunTime): RawBuilder<Date> {
  if (unit === 'minutes' || unit === 'hours') {
    return sql`${new Date(now.getTime() - minutesOf({ amount, unit }) * MINUTE_MS)}::timestamptz`;
  }
  const days = unit === 'weeks' ? amount * 7 : amount;
  return sql`((${now}::timestamptz at time zone ${timezone}::text - make_interval(days => ${days}::integer))
    at time zone ${timezone}::text)`;
}

import { type RawBuilder, sql } from 'kysely';
import { type Comparisons, type Operator, OPERATORS, type Scalar, type ValueKind } from '../core/rule';
import { atOrAfter, justAfter, laterBy, readTime, type RunTime, stillToCome } from './rule-time-sql';

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
    case 'after':
      return compareTime(instantOf(value), { operator, operand: operand as string, time });
  }
}

function compareTime(
  instant: RawBuilder<unknown>,
  { operator, operand, time }: { operator: 'before' | 'after'; operand: string; time: RunTime },
): RawBuilder<unknown> {
  const side = operator === 'before' ? sql`<` : sql`>`;
  const read = readTime(operand);
  if ('instant' in read) return sql`${instant} ${side} ${read.instant}::timestamptz`;
  return sql`${laterBy(instant, read.ago, time)} ${side} ${time.now}::timestamptz`;
}

/** When time alone changes whether the value meets comparisons next, for each that can do so; null where none will. */
export function changesOf(
  value: ComparedValue,
  { before, after }: Comparisons,
  time: RunTime,
): readonly RawBuilder<Date | null>[] {
  return (['before', 'after'] as const).flatMap((operator) => {
    const operand = operator === 'before' ? before : after;
    const read = operand === undefined ? null : readTime(operand);
    if (read === null || 'instant' in read) return [];
    const end = laterBy(instantOf(value), read.ago, time);
    return [stillToCome(operator === 'before' ? justAfter(end) : atOrAfter(end), time)];
  });
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

/**
 * Whom a rule holds for, read naively: one profile at a time, each leaf by walking all its events. Shares no code with
 * the checker or the compiler. Days are UTC's. Numbers have at most two decimals, so that cents add up exactly.
 */
import type { NormalEvent } from '../../src/core/event';
import type { Portrait } from './identity-oracle';

/** A profile and everything that a rule may ask of it. */
export interface Person {
  readonly portrait: Portrait;
  readonly userId: string | null;
  readonly email: string | null;
  /** Oldest first. */
  readonly events: readonly NormalEvent[];
}

/** Any rule, as JSON has it. */
export type RuleJson = { readonly [key: string]: unknown };

/** The texts that generated values use for instants, and what they mean; every other text is no instant. */
export const INSTANTS: Readonly<Record<string, number>> = {
  '2026-06-01T00:05:00Z': Date.UTC(2026, 5, 1, 0, 5),
  '2026-06-01T00:05:00.500Z': Date.UTC(2026, 5, 1, 0, 5, 0, 500),
  '2026-06-01T02:06:00+02:00': Date.UTC(2026, 5, 1, 0, 6),
  '2026-05-31t20:07:00.000-04:00': Date.UTC(2026, 5, 1, 0, 7),
  '2024-02-29T23:59:60Z': Date.UTC(2024, 2, 1),
};

export function holds(rule: RuleJson, person: Person, now: number): boolean {
  if ('all' in rule) return (rule['all'] as RuleJson[]).every((inner) => holds(inner, person, now));
  if ('any' in rule) return (rule['any'] as RuleJson[]).some((inner) => holds(inner, person, now));
  if ('not' in rule) return !holds(rule['not'] as RuleJson, person, now);
  const value = 'trait' in rule ? traitOf(rule['trait'] as string, person) : aggregateOf(rule, person, now);
  const isBareCount =
    'event' in rule &&
    (rule['agg'] ?? 'count') === 'count' &&
    !Object.keys(rule).some((key) => key in COMPARE);
  return isBareCount ? (value as number) >= 1 : meets(value, rule, now);
}

/** Texts stand for themselves; instants that are built in are dates. */
function traitOf(trait: string, { portrait, userId, email }: Person): unknown {
  if (trait === '$email') return email ?? undefined;
  if (trait === '$user_id') return userId ?? undefined;
  if (trait === '$first_seen') return new Date(portrait.firstSeenAt);
  if (trait === '$last_seen') return new Date(portrait.lastSeenAt);
  if (trait === '$orders') return portrait.orders;
  if (trait === '$events') return portrait.events;
  if (trait.startsWith('$revenue')) return Number(portrait.revenue[trait.split('.')[1] ?? 'USD'] ?? 0);
  return at(portrait.traits, trait);
}

function at(root: unknown, path: string): unknown {
  let value = root;
  for (const step of path.split('.')) {
    if (Array.isArray(value)) value = /^-?\d+$/.test(step) ? value.at(Number(step)) : undefined;
    else if (typeof value === 'object' && value !== null)
      value = Object.entries(value).find(([k]) => k === step)?.[1];
    else value = undefined;
  }
  return value ?? undefined;
}

function aggregateOf(rule: RuleJson, { events }: Person, now: number): unknown {
  const counted = events.filter((event) => counts(event, rule, now));
  const agg = rule['agg'] ?? 'count';
  if (agg === 'count') return counted.length;
  const values = counted
    .map((event) => at(JSON.parse(event.properties ?? '{}'), rule['of'] as string))
    .filter((value) => value !== undefined);
  if (agg === 'distinct') {
    return values.length === 0 ? undefined : new Set(values.map((value) => canonical(value))).size;
  }
  if (agg === 'first') return values[0];
  if (agg === 'last') return values.at(-1);
  const numbers = values.filter((value) => typeof value === 'number');
  const cents = numbers.reduce((sum, value) => sum + Math.round(value * 100), 0);
  if (agg === 'sum') return cents / 100;
  if (numbers.length === 0) return undefined;
  if (agg === 'avg') return { cents, of: numbers.length };
  return agg === 'min' ? Math.min(...numbers) : Math.max(...numbers);
}

/** Objects are the same whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function counts(event: NormalEvent, rule: RuleJson, now: number): boolean {
  const names = [rule['event']].flat() as string[];
  const isNamed = names.some(
    (name) => name === '*' || name === `$${event.type}` || (event.type === 'track' && name === event.name),
  );
  const when = event.occurredAt;
  const within = rule['within'] as string | undefined;
  if (within !== undefined && !(when > now - duration(within) && when <= now)) return false;
  const between = rule['between'] as [string, string] | undefined;
  if (between !== undefined && !(when >= moment(between[0], now) && when < moment(between[1], now)))
    return false;
  const properties: unknown = JSON.parse(event.properties ?? '{}');
  return (
    isNamed &&
    ((rule['where'] as RuleJson[] | undefined) ?? []).every((condition) =>
      meets(at(properties, condition['prop'] as string), condition, now),
    )
  );
}

function duration(text: string): number {
  const unit = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 }[text.at(-1) as 'm'];
  return Number(text.slice(0, -1)) * unit;
}

function moment(text: string, now: number): number {
  return text.includes('T') || text.includes('t') ? Date.parse(text) : now - duration(text);
}

function meets(value: unknown, comparisons: RuleJson, now: number): boolean {
  return Object.entries(COMPARE).every(
    ([operator, compare]) => !(operator in comparisons) || compare(value, comparisons[operator], now),
  );
}

type Compare = (value: unknown, operand: unknown, now: number) => boolean;

const isEqual = (value: unknown, operand: unknown) =>
  isAverage(value) ? value.cents === Math.round((operand as number) * 100) * value.of : value === operand;
const isOneOf = (value: unknown, operands: unknown) =>
  (operands as unknown[]).some((operand) => isEqual(value, operand));
const asText =
  (test: (value: string, operand: string) => boolean): Compare =>
  (value, operand) =>
    typeof value === 'string' && test(value, operand as string);
const asNumber =
  (test: (value: number, operand: number) => boolean): Compare =>
  (value, operand) => {
    const cents = Math.round((operand as number) * 100);
    if (isAverage(value)) return test(value.cents, cents * value.of);
    return typeof value === 'number' && test(value, operand as number);
  };
const asInstant =
  (test: (value: number, operand: number) => boolean): Compare =>
  (value, operand, now) => {
    const instant =
      value instanceof Date ? value.getTime() : typeof value === 'string' ? INSTANTS[value] : undefined;
    return instant !== undefined && test(instant, moment(operand as string, now));
  };

function isAverage(value: unknown): value is { cents: number; of: number } {
  return typeof value === 'object' && value !== null && 'cents' in value;
}

const COMPARE: Readonly<Record<string, Compare>> = {
  eq: isEqual,
  neq: (value, operand) => !isEqual(value, operand),
  in: isOneOf,
  nin: (value, operands) => !isOneOf(value, operands),
  gt: asNumber((a, b) => a > b),
  gte: asNumber((a, b) => a >= b),
  lt: asNumber((a, b) => a < b),
  lte: asNumber((a, b) => a <= b),
  exists: (value, operand) => (value !== undefined) === operand,
  contains: asText((text, part) => text.includes(part)),
  prefix: asText((text, part) => text.startsWith(part)),
  suffix: asText((text, part) => text.endsWith(part)),
  has: (value, operand) => Array.isArray(value) && value.includes(operand),
  before: asInstant((a, b) => a < b),
  after: asInstant((a, b) => a > b),
};

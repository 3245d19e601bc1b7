/**
 * Whom a rule holds for, read naively: one profile at a time, each leaf by walking all its events. Shares no code with
 * the checker or the compiler. Numbers have at most two decimals, so that cents add up exactly.
 */
import { createHash } from 'node:crypto';
import type { NormalEvent } from '../../src/core/event';
import { dateIn, daysLater } from './calendar';
import type { Portrait } from './identity-oracle';

/** A profile and everything that a rule may ask of it. */
export interface Person {
  readonly portrait: Portrait;
  readonly profileId: string;
  /** Keys of the audiences that it is a stored member of. */
  readonly audiences: readonly string[];
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

/** The moment of a run, and whose days it counts. */
export interface Moment {
  readonly at: number;
  readonly zone: string;
}

export function holds(rule: RuleJson, person: Person, now: Moment): boolean {
  if ('all' in rule) return (rule['all'] as RuleJson[]).every((inner) => holds(inner, person, now));
  if ('any' in rule) return (rule['any'] as RuleJson[]).some((inner) => holds(inner, person, now));
  if ('not' in rule) return !holds(rule['not'] as RuleJson, person, now);
  if ('audience' in rule) return person.audiences.includes(rule['audience'] as string);
  if ('bucket' in rule) {
    const [from, to] = rule['bucket'] as [number, number];
    const bucket = bucketOf((rule['salt'] as string | undefined) ?? '', person.profileId);
    return bucket >= from && bucket < to;
  }
  const value = 'trait' in rule ? traitOf(rule['trait'] as string, person) : aggregateOf(rule, person, now);
  const isBareCount =
    'event' in rule &&
    (rule['agg'] ?? 'count') === 'count' &&
    !Object.keys(rule).some((key) => key in COMPARE);
  return isBareCount ? (value as number) >= 1 : meets(value, rule, now);
}

function bucketOf(salt: string, id: string): number {
  const bytes = createHash('sha256').update(`${salt}:${id}`).digest();
  return (((bytes[0]! * 256 + bytes[1]!) * 256 + bytes[2]!) * 256 + bytes[3]!) * (100 / 4294967296);
}

/** Texts stand for themselves; instants that are built in are dates. */
function traitOf(trait: string, { portrait, userId, email }: Person): unknown {
  if (trait === '$email') return email ?? undefined;
  if (trait === '$user_id') return userId ?? undefined;
  // Nobody was seen who has no events.
  if (trait === '$first_seen') return portrait.events > 0 ? new Date(portrait.firstSeenAt) : undefined;
  if (trait === '$last_seen') return portrait.events > 0 ? new Date(portrait.lastSeenAt) : undefined;
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

function aggregateOf(rule: RuleJson, { events }: Person, now: Moment): unknown {
  const counted = events.filter(
    (event) => counts(event, rule, now) && isFollowed(event, rule, { events, now }),
  );
  const agg = rule['agg'] ?? 'count';
  if (agg === 'count') return counted.length;
  const of = rule['of'] as string;
  const values = counted
    .map((event) =>
      of === '$day' || of === '$week' || of === '$month'
        ? dateIn(now.zone, { unit: of, at: event.occurredAt })
        : at(propertiesOf(event), of),
    )
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

function counts(event: NormalEvent, rule: RuleJson, now: Moment): boolean {
  const when = event.occurredAt;
  const within = rule['within'] as string | undefined;
  if (within !== undefined && !(when <= now.at && now.at < later(when, within, now))) return false;
  const between = rule['between'] as [string, string] | undefined;
  if (between !== undefined && (isBefore(when, between[0], now) || !isBefore(when, between[1], now)))
    return false;
  return matches(event, rule, now);
}

/** By its name and its properties. */
function matches(event: NormalEvent, rule: RuleJson, now: Moment): boolean {
  const names = [rule['event']].flat() as string[];
  const isTracked = event.type === 'track';
  const isOurs =
    isTracked && ['$audience_entered', '$audience_exited', '$decision'].includes(event.name ?? '');
  const isNamed = names.some(
    (name) => (name === '*' && !isOurs) || name === `$${event.type}` || (isTracked && name === event.name),
  );
  const properties = propertiesOf(event);
  return (
    isNamed &&
    ((rule['where'] as RuleJson[] | undefined) ?? []).every((condition) =>
      meets(at(properties, condition['prop'] as string), condition, now),
    )
  );
}

function isFollowed(
  event: NormalEvent,
  rule: RuleJson,
  { events, now }: { events: readonly NormalEvent[]; now: Moment },
): boolean {
  const sequel = rule['then'] as RuleJson | undefined;
  if (sequel === undefined) return true;
  const end = later(event.occurredAt, sequel['within'] as string, now);
  const hasFollower = events.some(
    (other) =>
      event.occurredAt < other.occurredAt &&
      other.occurredAt <= end &&
      matches(other, sequel, now) &&
      ((rule['same'] as string[] | undefined) ?? []).every((path) => {
        const [mine, theirs] = [at(propertiesOf(event), path), at(propertiesOf(other), path)];
        return mine !== undefined && theirs !== undefined && canonical(mine) === canonical(theirs);
      }),
  );
  return sequel['not'] === true ? !hasFollower && end <= now.at : hasFollower;
}

function propertiesOf(event: NormalEvent): unknown {
  return JSON.parse(event.properties ?? '{}');
}

/** So long after a moment. */
function later(when: number, text: string, { zone }: Moment): number {
  const amount = Number(text.slice(0, -1));
  const unit = text.at(-1);
  if (unit === 'm') return when + amount * 60_000;
  if (unit === 'h') return when + amount * 3_600_000;
  return daysLater(zone, { at: when, days: unit === 'w' ? amount * 7 : amount });
}

/** Whether a moment lies before a rule's time, which is an instant or so long ago. */
function isBefore(when: number, time: string, now: Moment): boolean {
  return isInstant(time) ? when < Date.parse(time) : later(when, time, now) < now.at;
}

function isAfter(when: number, time: string, now: Moment): boolean {
  return isInstant(time) ? when > Date.parse(time) : later(when, time, now) > now.at;
}

function isInstant(time: string): boolean {
  return time.includes('T') || time.includes('t');
}

function meets(value: unknown, comparisons: RuleJson, now: Moment): boolean {
  return Object.entries(COMPARE).every(
    ([operator, compare]) => !(operator in comparisons) || compare(value, comparisons[operator], now),
  );
}

type Compare = (value: unknown, operand: unknown, now: Moment) => boolean;

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
  (test: (value: number, time: string, now: Moment) => boolean): Compare =>
  (value, operand, now) => {
    const instant =
      value instanceof Date ? value.getTime() : typeof value === 'string' ? INSTANTS[value] : undefined;
    return instant !== undefined && test(instant, operand as string, now);
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
  before: asInstant(isBefore),
  after: asInstant(isAfter),
};

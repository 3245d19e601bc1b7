/** Generated lives full of awkward values, and generated rules that ask about them. */
import fc from 'fast-check';
import { uuidV5 } from '../../src/core/uuid';
import { INSTANTS, type RuleJson } from './rule-oracle';

const NAMESPACE = '00000000-0000-4000-8000-000000000001';
export const LAST_MINUTE = 12;
const DAY = 86_400_000;

/** When a life begins, and whose calendar holds; in two of them the clocks are changed in its midst. */
export const eras = fc.constantFrom(
  { start: Date.parse('2026-06-01T00:00:00.000Z'), zone: 'UTC' },
  { start: Date.parse('2026-06-01T00:00:00.000Z'), zone: 'America/New_York' },
  { start: Date.parse('2026-03-29T00:59:00.000Z'), zone: 'Europe/Berlin' },
  { start: Date.parse('2025-10-26T00:59:00.000Z'), zone: 'Europe/Berlin' },
);
export type Era = { readonly start: number; readonly zone: string };

/** A minute of a life, most of them on its first day; from the start on in milliseconds. */
export const moments = fc
  .tuple(fc.integer({ min: 0, max: LAST_MINUTE }), fc.constantFrom(0, 0, 0, -1, -1, -2, -7, -31))
  .map(([minute, day]) => minute * 60_000 + day * DAY);

/** The audiences that a rule may name. */
export const AUDIENCES = ['first', 'second'] as const;

const scalars = fc.constantFrom('pro', 'Pro', 'prospect', '1', '', 'a.b', 0, 1, 2.5, -1, 10, true, false);
const instants = fc.constantFrom(...Object.keys(INSTANTS));
/** Nearly instants: Postgres would fail the whole run if it were asked to read one. */
const impostors = fc.constantFrom(
  '2026-02-30T00:00:00Z',
  '2026-02-29T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '2026-06-01T24:00:00Z',
  '2026-06-01T00:05:00',
  '2026-06-01',
  '2026-06-01T00:05:00+16:00',
  `2026-06-01T00:05:00.${'0'.repeat(200)}Z`,
  'infinity',
  'now',
  '2026-06-01T00:05:00Z\n',
);
const leaves = fc.oneof(scalars, scalars, instants, impostors, fc.constant(null));
/** What a property, a trait or a context may say. */
export const values = fc.oneof(
  { weight: 5, arbitrary: leaves },
  { weight: 1, arbitrary: fc.array(leaves, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.record({ b: leaves, '0': leaves }, { requiredKeys: [] }) },
  { weight: 1, arbitrary: fc.constant([['pro'], { b: 'pro' }]) },
);
const properties = fc.record(
  { x: values, y: values, revenue: fc.oneof(values, scalars), currency: fc.constantFrom('USD', 'EUR') },
  { requiredKeys: [] },
);

const ids = fc
  .record(
    { userId: fc.constantFrom('u1', 'u2', 'u3'), anonymousId: fc.constantFrom('a1', 'a2', 'a3') },
    { requiredKeys: [] },
  )
  .filter(({ userId, anonymousId }) => Boolean(userId ?? anonymousId));
const email = fc.constantFrom('one@x.test', 'two@x.test');

const tracked = fc.constantFrom('Clicked', 'Clicked', 'Order Completed', '$decision');
const calls = fc.oneof(
  fc.record({ type: fc.constant('track'), event: tracked, properties }),
  fc.record({
    type: fc.constantFrom('page', 'screen'),
    name: fc.constantFrom('Home', 'Clicked'),
    properties,
  }),
  fc.record({ type: fc.constant('group'), groupId: fc.constant('g'), properties }),
  fc.record({
    type: fc.constant('identify'),
    traits: fc.record({ x: values, y: values, email }, { requiredKeys: [] }),
  }),
);

/** Items as a client would send them. */
export function livesIn({ start }: Era) {
  return fc.array(fc.tuple(calls, ids, moments), { minLength: 1, maxLength: 25 }).map((entries) =>
    entries.map(([call, who, moment], index) => ({
      ...call,
      ...who,
      messageId: uuidV5(NAMESPACE, String(index)),
      timestamp: new Date(start + moment).toISOString(),
    })),
  );
}

const text = fc.constantFrom('pro', 'P', 'o', '1', 'a.b', 'one@', '.test', 'u');
const number = fc.constantFrom(-1, 0, 1, 2, 2.5, 10, 12.5);
const minute = fc
  .tuple(
    moments,
    eras.map(({ start }) => start),
  )
  .map(([moment, start]) => new Date(start + moment).toISOString());
export const DURATIONS = ['1m', '5m', '12m', '1h', '1d', '2d', '1w'] as const;
const durations = fc.constantFrom(...DURATIONS);
const time = fc.oneof(minute, durations, fc.constant('2024-03-01T00:00:00Z'));
const scalar = fc.oneof(scalars, instants);

const numeric = {
  eq: number,
  neq: number,
  in: fc.array(number, { minLength: 1, maxLength: 3 }),
  nin: fc.array(number, { minLength: 1, maxLength: 3 }),
  gt: number,
  gte: number,
  lt: number,
  lte: number,
  exists: fc.boolean(),
};
const textual = {
  eq: fc.constantFrom('one@x.test', 'u1', 'x'),
  neq: fc.constantFrom('one@x.test', 'u1', 'x'),
  in: fc.array(fc.constantFrom('one@x.test', 'u1', 'u2'), { minLength: 1, maxLength: 2 }),
  nin: fc.array(fc.constantFrom('one@x.test', 'u1', 'u2'), { minLength: 1, maxLength: 2 }),
  exists: fc.boolean(),
  contains: text,
  prefix: text,
  suffix: text,
};
const temporal = { before: time, after: time, exists: fc.boolean() };
const any = {
  ...numeric,
  ...textual,
  ...temporal,
  eq: scalar,
  neq: scalar,
  in: fc.array(scalar, { minLength: 1, maxLength: 12 }),
  nin: fc.array(scalar, { minLength: 1, maxLength: 12 }),
  has: scalar,
};

/** One or two comparisons out of those that a kind of value has. */
function comparing(kind: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<RuleJson> {
  const operators = Object.keys(kind);
  return fc
    .subarray(operators, { minLength: 1, maxLength: 2 })
    .chain((chosen) => fc.record(Object.fromEntries(chosen.map((operator) => [operator, kind[operator]!]))));
}

const path = fc.constantFrom('x', 'y', 'revenue', 'x.b', 'x.0', 'y.-1', 'y.0.0', 'missing', 'x.b.c');

const joined = (...parts: readonly fc.Arbitrary<RuleJson>[]) =>
  fc.tuple(...parts).map((objects) => Object.assign({}, ...objects) as RuleJson);

const traits = fc.oneof(
  joined(fc.record({ trait: path }), comparing(any)),
  joined(
    fc.record({ trait: fc.constantFrom('$orders', '$events', '$revenue', '$revenue.EUR') }),
    comparing(numeric),
  ),
  joined(fc.record({ trait: fc.constantFrom('$email', '$user_id') }), comparing(textual)),
  joined(fc.record({ trait: fc.constantFrom('$first_seen', '$last_seen') }), comparing(temporal)),
);

const name = fc.constantFrom(
  'Clicked',
  'Order Completed',
  '$page',
  '$screen',
  '$identify',
  '$group',
  '*',
  'Never',
  '$decision',
);
const where: fc.Arbitrary<RuleJson> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc
      .array(joined(fc.record({ prop: path }), comparing(any)), { minLength: 1, maxLength: 2 })
      .map((conditions) => ({ where: conditions })),
  },
);
const names = fc.oneof(name, fc.array(name, { minLength: 1, maxLength: 3 }));
const sequels: fc.Arbitrary<RuleJson> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        joined(
          fc.record(
            { event: names, within: durations, not: fc.boolean() },
            { requiredKeys: ['event', 'within'] },
          ),
          where,
        ),
        fc.option(fc.subarray(['x', 'currency', 'x.b'], { minLength: 1 }), { nil: undefined }),
      )
      .map(([then, same]) => (same === undefined ? { then } : { then, same })),
  },
);
const which: fc.Arbitrary<RuleJson> = joined(
  fc.record({ event: names }),
  fc.oneof(
    fc.constant({}),
    fc.record({ within: durations }),
    fc
      .tuple(minute, minute)
      .filter(([from, to]) => from < to)
      .map((between) => ({ between })),
    fc.constantFrom({ between: ['1h', '5m'] }, { between: ['10m', '1m'] }, { between: ['2d', '1d'] }),
  ),
  where,
  sequels,
);
const calendar = fc.constantFrom('$day', '$week', '$month');
const day = fc.constantFrom(
  '2026-06-01',
  '2026-05-31',
  '2026-05-25',
  '2026-03-29',
  '2026-03-28',
  '2025-10-01',
);
const days = fc.array(day, { minLength: 1, maxLength: 3 });
const events = fc.oneof(
  which,
  joined(which, fc.constantFrom({}, { agg: 'count' }), comparing(numeric)),
  joined(
    which,
    fc.record({ agg: fc.constantFrom('sum', 'avg', 'min', 'max', 'distinct'), of: path }),
    comparing(numeric),
  ),
  joined(which, fc.record({ agg: fc.constantFrom('first', 'last'), of: path }), comparing(any)),
  joined(which, fc.record({ agg: fc.constant('distinct'), of: calendar }), comparing(numeric)),
  joined(
    which,
    fc.record({ agg: fc.constantFrom('first', 'last'), of: calendar }),
    comparing({ eq: day, in: days }),
  ),
);
const memberships = fc.record({ audience: fc.constantFrom(...AUDIENCES) });
const bound = fc.constantFrom(0, 12.5, 33.3, 50, 66, 100);
const buckets = joined(
  fc
    .tuple(bound, bound)
    .filter(([from, to]) => from < to)
    .map((bucket) => ({ bucket })),
  fc.record({ salt: fc.constantFrom('', 'a', 'ü') }, { requiredKeys: [] }),
);

/** Rules that the checker accepts. */
export const rules: fc.Arbitrary<RuleJson> = fc.letrec<{ rule: RuleJson }>((tie) => ({
  rule: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 3, arbitrary: traits },
    { weight: 6, arbitrary: events },
    { weight: 1, arbitrary: fc.oneof(memberships, buckets) },
    fc.record({ not: tie('rule') }),
    fc.record({ all: fc.array(tie('rule'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('rule'), { minLength: 1, maxLength: 3 }) }),
  ),
})).rule;

/** Minutes that often lie between two events of a life, so that one comes at the very end of another's. */
const shortly = fc.constantFrom('1m', '5m');
const often = fc.constantFrom('Clicked', '*');

/** Those that hang on the clock, by themselves or among others. */
export const timelyRules: fc.Arbitrary<RuleJson> = fc.oneof(
  joined(fc.record({ event: names, within: durations }), where, sequels),
  joined(fc.record({ event: names, within: durations }), comparing(numeric)),
  fc.record({ event: names, then: fc.record({ event: names, within: durations, not: fc.constant(true) }) }),
  joined(fc.record({ trait: fc.constantFrom('$first_seen', '$last_seen', 'x') }), comparing(temporal)),
  fc.record({
    event: often,
    then: fc.record({ event: often, within: shortly, not: fc.boolean() }),
    eq: number,
  }),
  fc.record({ event: often, within: fc.constantFrom('1d', '1w'), eq: number }),
  rules,
);

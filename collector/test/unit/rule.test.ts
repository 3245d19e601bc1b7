import { describe, expect, it } from 'vitest';
import { checkRule } from '../../src/core/rule-check';
import {
  MAX_CONDITIONS,
  MAX_LEAVES,
  MAX_LIST,
  MAX_RULE_DEPTH,
  MAX_SEQUELS,
  parseDuration,
} from '../../src/core/rule';
import { MAX_PROBLEMS } from '../../src/core/rule-problem';

function problemsOf(rule: unknown): Record<string, string> {
  const checked = checkRule(rule);
  if (checked.ok) throw new Error('It was accepted.');
  return Object.fromEntries(checked.problems.map(({ path, message }) => [path, message]));
}

function pathsOf(rule: unknown): string[] {
  return Object.keys(problemsOf(rule));
}

const isPro = { trait: 'plan', eq: 'pro' };

describe('a rule', () => {
  it.each([
    ['a trait', isPro],
    ['a trait inside another one', { trait: 'address.city', in: ['Berlin', 'Paris'] }],
    ['several comparisons of one trait', { trait: 'age', gte: 18, lt: 65 }],
    [
      'what is built in',
      {
        all: [
          { trait: '$email', exists: true },
          { trait: '$revenue.EUR', gt: 0.5 },
        ],
      },
    ],
    ['an instant', { trait: '$last_seen', after: '30d', before: '2026-01-31T12:00:00Z' }],
    ['an event', { event: 'Order Completed' }],
    ['several events', { event: ['Order Completed', '$page'], gte: 2 }],
    ['any event in a window', { event: '*', within: '24h', lte: 3 }],
    ['events between two times', { event: '*', between: ['30d', '2026-01-31T12:00:00.000Z'], eq: 0 }],
    [
      'an aggregate over events that meet conditions',
      {
        event: 'Order Completed',
        where: [
          { prop: 'currency', eq: 'EUR' },
          { prop: 'coupon', exists: false },
        ],
        agg: 'sum',
        of: 'revenue',
        within: '30d',
        gte: 100,
      },
    ],
    [
      'an event that another one follows, with the same property',
      {
        event: 'Cart Viewed',
        within: '7d',
        then: { event: ['Order Completed', '$page'], where: [{ prop: 'total', gte: 10 }], within: '24h' },
        same: ['cart_id', 'cart.owner'],
      },
    ],
    ['an event that nothing follows', { event: 'a', then: { event: '*', within: '1h', not: true }, eq: 0 }],
    ['how many different days', { event: '*', agg: 'distinct', of: '$day', within: '4w', gte: 3 }],
    ['the month of the first event', { event: 'a', agg: 'first', of: '$month', eq: '2026-01-01' }],
    ['the members of another audience', { not: { audience: 'big-spenders' } }],
    ['a share of all profiles', { any: [{ bucket: [0, 12.5] }, { bucket: [50, 100], salt: 'autumn' }] }],
    ['all, any and not', { all: [isPro, { any: [isPro, { not: isPro }] }] }],
  ])('may be %s', (_what, rule) => {
    expect(checkRule(rule)).toEqual({ ok: true, rule });
  });

  it('may be written as the shorthand, which is kept as the rule that it stands for', () => {
    expect(checkRule({ min_total_spend: 100, days_since_last_event: 30 })).toEqual({
      ok: true,
      rule: {
        all: [
          { trait: '$revenue', gte: 100 },
          { trait: '$last_seen', after: '30d' },
        ],
      },
    });
    expect(checkRule({ min_total_spend: 0.5 })).toEqual({
      ok: true,
      rule: { all: [{ trait: '$revenue', gte: 0.5 }] },
    });
  });

  it.each([
    ['no object', 'everybody', 'rule'],
    ['nothing', undefined, 'rule'],
    ['a list', [isPro], 'rule'],
    ['an empty object', {}, 'rule'],
    ['two forms at once', { trait: 'plan', event: 'x', eq: 1 }, 'rule'],
    ['an empty list', { any: [] }, 'rule.any'],
    [
      'a rule that is none, deep inside',
      { all: [isPro, { not: { any: [isPro, 7] } }] },
      'rule.all[1].not.any[1]',
    ],
    ['a key that nobody knows', { trait: 'plan', equals: 'pro', exists: true }, 'rule.equals'],
    ['a key that is no plain name', { all: [isPro], 'x y': 1 }, 'rule["x y"]'],
    ['a trait without a comparison', { trait: 'plan' }, 'rule'],
    ['an unknown built-in trait', { trait: '$plan', eq: 1 }, 'rule.trait'],
    ['a currency that is none', { trait: '$revenue.euro', gte: 1 }, 'rule.trait'],
    ['an empty step in a path', { trait: 'address..city', eq: 'x' }, 'rule.trait'],
    ['a text where a number is compared', { trait: '$orders', gte: '3' }, 'rule.gte'],
    ['a comparison that the value has not', { trait: '$email', gte: 3 }, 'rule.gte'],
    ['an instant compared as a number', { trait: '$last_seen', gte: 3 }, 'rule.gte'],
    ['null, which is what is missing', { trait: 'plan', eq: null }, 'rule.eq'],
    ['an integer that lost its last digits', { trait: 'id', eq: 12345678901234567890 }, 'rule.eq'],
    ['an infinite number', { trait: 'id', lt: Infinity }, 'rule.lt'],
    ['an empty list of values', { trait: 'plan', in: [] }, 'rule.in'],
    ['a list within a list', { trait: 'plan', in: [['pro']] }, 'rule.in'],
    [
      'a list that is too long',
      { trait: 'n', in: Array.from({ length: MAX_LIST + 1 }, (_, n) => n) },
      'rule.in',
    ],
    ['a text with NUL, which Postgres cannot compare', { trait: 'plan', eq: 'a\0b' }, 'rule.eq'],
    ['a day that the month does not have', { trait: 'born', before: '2026-02-30T00:00:00Z' }, 'rule.before'],
    ['a date without a time', { trait: 'born', before: '2026-02-28' }, 'rule.before'],
    ['an event without a name', { event: '' }, 'rule.event'],
    ['an empty list of events', { event: [] }, 'rule.event'],
    ['a bad name in a list of events', { event: ['a', 5] }, 'rule.event[1]'],
    ['a condition without a property', { event: 'a', where: [{ eq: 1 }] }, 'rule.where[0].prop'],
    ['a condition without a comparison', { event: 'a', where: [{ prop: 'x' }] }, 'rule.where[0]'],
    ['conditions that are no list', { event: 'a', where: { prop: 'x', eq: 1 } }, 'rule.where'],
    ['a window of months', { event: 'a', within: '1M' }, 'rule.within'],
    ['a window of nothing', { event: 'a', within: '0d' }, 'rule.within'],
    ['a window of a million years', { event: 'a', within: '999999w' }, 'rule.within'],
    ['two windows', { event: 'a', within: '1d', between: ['2d', '1d'] }, 'rule.between'],
    ['a window that ends before it begins', { event: 'a', between: ['1d', '48h'] }, 'rule.between'],
    ['a window with one end', { event: 'a', between: ['1d'] }, 'rule.between'],
    ['an unknown aggregate', { event: 'a', agg: 'median', of: 'x', gte: 1 }, 'rule.agg'],
    ['an aggregate of nothing', { event: 'a', agg: 'sum', gte: 1 }, 'rule'],
    ['an aggregate that is compared with nothing', { event: 'a', agg: 'sum', of: 'x' }, 'rule'],
    ['a count of a property', { event: 'a', of: 'x', gte: 1 }, 'rule.of'],
    ['a sum compared as a text', { event: 'a', agg: 'sum', of: 'x', prefix: '1' }, 'rule.prefix'],
    ['a name that every object has', { event: 'a', agg: 'toString', of: 'x', gte: 1 }, 'rule.agg'],
    ['a sequence that is none', { event: 'a', then: 'b' }, 'rule.then'],
    ['a sequence without an end', { event: 'a', then: { event: 'b' } }, 'rule.then.within'],
    ['a sequence without an event', { event: 'a', then: { within: '1d' } }, 'rule.then.event'],
    ['a sequence of three', { event: 'a', then: { event: 'b', within: '1d', then: {} } }, 'rule.then.then'],
    [
      'a sequence that is counted',
      { event: 'a', then: { event: 'b', within: '1d', gte: 2 } },
      'rule.then.gte',
    ],
    ['a sequence of neither', { event: 'a', then: { event: 'b', within: '1d', not: 1 } }, 'rule.then.not'],
    [
      'a condition of a sequence without a comparison',
      { event: 'a', then: { event: 'b', within: '1d', where: [{ prop: 'x' }] } },
      'rule.then.where[0]',
    ],
    ['the same of one event', { event: 'a', same: ['x'] }, 'rule.same'],
    ['the same of nothing', { event: 'a', then: { event: 'b', within: '1d' }, same: [] }, 'rule.same'],
    [
      'the same of no path',
      { event: 'a', then: { event: 'b', within: '1d' }, same: ['x', ''] },
      'rule.same[1]',
    ],
    ['the sum of days', { event: 'a', agg: 'sum', of: '$day', gte: 2 }, 'rule.of'],
    ['an audience of no key', { audience: 'Big spenders' }, 'rule.audience'],
    ['an audience that is compared', { audience: 'vip', eq: true }, 'rule.eq'],
    ['a share with one end', { bucket: [50] }, 'rule.bucket'],
    ['a share of nothing', { bucket: [50, 50] }, 'rule.bucket'],
    ['a share of more than all', { bucket: [0, 101] }, 'rule.bucket'],
    ['a salt that is no text', { bucket: [0, 50], salt: 7 }, 'rule.salt'],
    ['a salt without a bucket', { trait: 'x', eq: 1, salt: 'a' }, 'rule.salt'],
    ['a shorthand of text', { min_total_spend: '100' }, 'rule.min_total_spend'],
    ['a shorthand of no days', { days_since_last_event: 0 }, 'rule.days_since_last_event'],
    ['a shorthand with more', { min_total_spend: 1, all: [isPro] }, 'rule.all'],
  ])('may not be %s, which its path says', (_what, rule, path) => {
    expect(pathsOf(rule)).toEqual([path]);
  });

  it('is told all its faults at once, and what would be valid', () => {
    const problems = problemsOf({
      all: [
        { trait: '$orders', contains: 'x' },
        { event: 'a', within: 'soon', gte: 'many' },
      ],
    });
    expect(problems).toEqual({
      'rule.all[0].contains': 'does not compare a number; eq, neq, in, nin, gt, gte, lt, lte or exists do',
      'rule.all[1].within': 'must be a duration such as "15m", "24h", "30d" or "4w"',
      'rule.all[1].gte': 'must be a number',
    });
  });

  it('is told a bounded number of faults', () => {
    const checked = checkRule({ any: Array.from({ length: 90 }, () => ({ trait: 'plan' })) });
    expect(checked.ok ? [] : checked.problems).toHaveLength(MAX_PROBLEMS);
  });

  it('may be nested only so deep', () => {
    const nest = (levels: number): unknown => (levels === 1 ? isPro : { not: nest(levels - 1) });
    expect(checkRule(nest(MAX_RULE_DEPTH)).ok).toBe(true);
    expect(pathsOf(nest(MAX_RULE_DEPTH + 1))).toEqual([`rule${'.not'.repeat(MAX_RULE_DEPTH)}`]);
    // So deep that reading it to its end would exhaust the stack.
    let endless: unknown = isPro;
    for (let level = 0; level < 100_000; level += 1) endless = { not: endless };
    expect(pathsOf(endless)).toEqual([`rule${'.not'.repeat(MAX_RULE_DEPTH)}`]);
  });

  it('may ask about only so many things', () => {
    const many = (count: number) => ({ any: Array.from({ length: count }, () => isPro) });
    expect(checkRule(many(MAX_LEAVES)).ok).toBe(true);
    expect(pathsOf(many(MAX_LEAVES + 1))).toEqual(['rule']);
    expect(pathsOf({ all: [many(60), many(60)] })).toEqual(['rule']);
    const where = Array.from({ length: MAX_CONDITIONS / 2 }, () => ({ prop: 'x', eq: 1 }));
    const event = { event: 'a', where };
    expect(checkRule({ all: [event, event] }).ok).toBe(true);
    expect(pathsOf({ all: [event, event, event] })).toEqual(['rule.all[2].where']);
    const sequence = { event: 'a', then: { event: 'b', within: '1d' } };
    const sequences = (count: number) => ({ any: Array.from({ length: count }, () => sequence) });
    expect(checkRule(sequences(MAX_SEQUELS)).ok).toBe(true);
    expect(pathsOf(sequences(MAX_SEQUELS + 1))).toEqual([`rule.any[${MAX_SEQUELS}].then`]);
  });

  it('holds nothing but what the language knows, whatever object it came in', () => {
    const inherited = Object.create({ within: '1d' }) as Record<string, unknown>;
    inherited['event'] = 'a';
    expect(checkRule(JSON.parse('{"trait":"plan","eq":"pro","__proto__":{"in":[1]}}')).ok).toBe(false);
    expect(checkRule(Object.assign(inherited, { gte: 1 }))).toMatchObject({ ok: true });
  });
});

describe('a duration', () => {
  it.each([
    ['15m', { amount: 15, unit: 'minutes' }],
    ['24h', { amount: 24, unit: 'hours' }],
    ['30d', { amount: 30, unit: 'days' }],
    ['4w', { amount: 4, unit: 'weeks' }],
  ])('is read from %s', (text, duration) => {
    expect(parseDuration(text)).toEqual(duration);
  });

  it.each(['', 'd', '30', '-1d', '1.5h', '01d', '30 d', '30D', '1y', '1000000m', '30d\n'])(
    'is not %j',
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leavesOf, type Rule } from '../../src/core/rule';
import { checkRule } from '../../src/core/rule-check';
import { explainRule } from '../../src/core/rule-explain';
import { rules } from '../support/rule-cases';

function checked(rule: unknown): Rule {
  const result = checkRule(rule);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.rule;
}

const sentenceOf = (rule: unknown): string => explainRule(checked(rule)).sentence;

describe('a rule in English', () => {
  it.each<[unknown, string]>([
    [
      { event: 'Order Completed', agg: 'sum', of: 'revenue', within: '30d', gte: 100 },
      'Profiles where the sum of “revenue” of “Order Completed” in the last 30 days is at least 100.',
    ],
    [
      { min_total_spend: 100, days_since_last_event: 1 },
      'Profiles where the revenue is at least 100 and the time of the last event is less than 1 day ago.',
    ],
    [
      {
        all: [
          { trait: 'plan', in: ['pro', 'team', 3] },
          {
            any: [
              { trait: '$email', suffix: '@shop.test' },
              { trait: '$revenue.EUR', gt: 1, lt: 9 },
            ],
          },
          { not: { audience: 'vip' } },
        ],
      },
      'Profiles where the trait “plan” is “pro”, “team” or 3 and (the email ends with “@shop.test” or the revenue in EUR ' +
        'is more than 1 and is less than 9) and (not: the profile is in the audience “vip”).',
    ],
    [
      {
        event: 'Cart Viewed',
        where: [{ prop: 'total', gte: 10 }],
        within: '1w',
        then: { event: ['Order Completed', '$page'], within: '24h', not: true },
        same: ['cart_id'],
      },
      'Profiles where “Cart Viewed” with a “total” that is at least 10 happened at least once, not followed by ' +
        '“Order Completed” or a page view within 24 hours with the same “cart_id”, in the last 1 week.',
    ],
    [{ event: '*', lte: 2 }, 'Profiles where any event happened at most 2 times.'],
    [
      { event: '$page', agg: 'distinct', of: '$day', between: ['30d', '2026-01-31T12:00:00Z'], gte: 3 },
      'Profiles where the number of different values of day of a page view from 30 days ago until ' +
        '2026-01-31T12:00:00Z is at least 3.',
    ],
    [
      { bucket: [0, 50], salt: 'x' },
      'Profiles where the profile falls between 0 and 50 of 100, shared out by “x”.',
    ],
    [{ trait: 'n', in: [1, 2, 3, 4, 5, 6, 7] }, 'Profiles where the trait “n” is 1, 2, 3, 4, 5 or 2 more.'],
  ])('%j', (rule, sentence) => {
    expect(sentenceOf(rule)).toBe(sentence);
  });

  it('is one sentence of bounded length, whatever the rule', () => {
    fc.assert(
      fc.property(rules, (rule) => {
        const { sentence, leaves } = explainRule(checked(rule));
        expect(sentence).toMatch(/^Profiles where .+\.$/s);
        expect(sentence).not.toMatch(/undefined|\[object/);
        expect(leaves.map(({ path }) => path)).toEqual(leavesOf(checked(rule)).map(({ path }) => path));
      }),
    );
    const long = 'x'.repeat(1000);
    const many = Array.from({ length: 1000 }, (_, n) => `${n}${long}`.slice(0, 1000));
    expect(sentenceOf({ trait: 'n', in: many }).length).toBeLessThan(1000);
  });

  it('says of each leaf what it needs', () => {
    const { leaves } = explainRule(
      checked({ all: [{ trait: 'a.b', eq: 1 }, { not: { event: 'x', within: '1d' } }] }),
    );
    expect(leaves).toEqual([
      {
        path: 'rule.all[0]',
        text: 'the trait “a.b” is 1',
        needs: { events: [], traits: ['a'], builtins: [], audiences: [], usesClock: false },
      },
      {
        path: 'rule.all[1].not',
        text: '“x” happened at least once in the last 1 day',
        needs: { events: ['x'], traits: [], builtins: [], audiences: [], usesClock: true },
      },
    ]);
  });
});

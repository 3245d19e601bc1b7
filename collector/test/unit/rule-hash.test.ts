import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rule } from '../../src/core/rule';
import { checkRule } from '../../src/core/rule-check';
import { hashRule } from '../../src/core/rule-hash';
import { rules } from '../support/rule-cases';

function hash(rule: unknown): string {
  const checked = checkRule(rule);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return hashRule(checked.rule);
}

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, reversed(inner)]);
  return Object.fromEntries(entries.reverse());
}

describe('the hash of a rule', () => {
  it('is the same for ever: it is stored beside members', () => {
    expect(hash({ event: 'Order Completed', agg: 'sum', of: 'revenue', within: '30d', gte: 100 })).toBe(
      'd7696d98f849a6f25f8e3ab583ca78aa515771aafd6f4199aa0c223e37f7dddf',
    );
  });

  it('is the same in whatever order the keys of its JSON stand', () => {
    fc.assert(
      fc.property(rules, (rule) => {
        expect(hash(reversed(rule))).toBe(hash(rule));
      }),
    );
  });

  it.each<[Rule, Rule]>([
    [{ all: [{ audience: 'a' }, { audience: 'b' }] }, { all: [{ audience: 'b' }, { audience: 'a' }] }],
    [
      { trait: 'plan', in: ['a', 'b'] },
      { trait: 'plan', in: ['b', 'a', 'b'] },
    ],
    [{ event: 'a' }, { event: ['a'], agg: 'count' }],
    [{ bucket: [0, 50] }, { bucket: [0, 50], salt: '' }],
    [
      { event: 'a', then: { event: 'b', within: '1d' } },
      { event: 'a', then: { event: 'b', within: '1d', not: false } },
    ],
  ])('is the same where the order, or what is said, has no meaning: %j and %j', (one, other) => {
    expect(hash(one)).toBe(hash(other));
  });

  it.each<[Rule, Rule]>([
    [{ all: [{ audience: 'a' }] }, { any: [{ audience: 'a' }] }],
    [
      { trait: 'n', eq: 1 },
      { trait: 'n', eq: '1' },
    ],
    [
      { trait: 'n', gt: 1 },
      { trait: 'n', gte: 1 },
    ],
    [{ bucket: [0, 50] }, { bucket: [0, 50], salt: 'a' }],
    [
      { event: 'a', between: ['2d', '1d'] },
      { event: 'a', between: ['3d', '1d'] },
    ],
    [{ not: { audience: 'a' } }, { audience: 'a' }],
  ])('is another one for another rule: %j and %j', (one, other) => {
    expect(hash(one)).not.toBe(hash(other));
  });
});

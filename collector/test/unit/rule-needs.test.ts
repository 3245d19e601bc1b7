import { describe, expect, it } from 'vitest';
import type { Rule } from '../../src/core/rule';
import { checkRule } from '../../src/core/rule-check';
import { isTouched, needsOf, type RuleNeeds, type SeenEvent } from '../../src/core/rule-needs';

function needs(rule: unknown): RuleNeeds {
  return needsOf(checked(rule));
}

function checked(rule: unknown): Rule {
  const result = checkRule(rule);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.rule;
}

const NOTHING = { events: [], traits: [], builtins: [], audiences: [], usesClock: false };

describe('what a rule needs', () => {
  it('are the events that it counts, and those that may come next', () => {
    expect(
      needs({
        any: [
          { event: ['b', 'a'] },
          {
            not: { event: 'b', then: { event: '$page', within: '1d' }, agg: 'distinct', of: '$day', gte: 2 },
          },
        ],
      }),
    ).toEqual({ ...NOTHING, events: ['$page', 'a', 'b'] });
  });

  it('are traits by their first step, and what is built in by its name', () => {
    expect(
      needs({
        all: [
          { trait: 'address.city', eq: 'Berlin' },
          { trait: 'address.zip', eq: '1' },
          { trait: '$revenue.EUR', gt: 1 },
        ],
      }),
    ).toEqual({ ...NOTHING, traits: ['address'], builtins: ['$revenue.EUR'] });
  });

  it('are the audiences that it reads, and of a share nothing', () => {
    expect(needs({ all: [{ audience: 'vip' }, { bucket: [0, 50] }] })).toEqual({
      ...NOTHING,
      audiences: ['vip'],
    });
  });

  it.each([
    [{ event: 'a', within: '1d' }, true],
    [{ event: 'a', between: ['2d', '1d'] }, true],
    [{ event: 'a', between: ['2026-01-01T00:00:00Z', '1d'] }, true],
    [{ event: 'a', between: ['2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z'] }, false],
    [{ event: 'a', then: { event: 'b', within: '1d', not: true } }, true],
    [{ event: 'a', then: { event: 'b', within: '1d' } }, false],
    [{ event: 'a', where: [{ prop: 'at', after: '1d' }] }, true],
    [{ event: 'a', then: { event: 'b', within: '1d', where: [{ prop: 'at', before: '1d' }] } }, true],
    [{ event: 'a', agg: 'last', of: 'at', before: '1d' }, true],
    [{ trait: '$last_seen', before: '30d' }, true],
    [{ trait: '$last_seen', before: '2026-01-01T00:00:00Z' }, false],
    [
      {
        not: {
          all: [
            { trait: 'x', eq: 1 },
            { trait: 'due', after: '1h' },
          ],
        },
      },
      true,
    ],
  ])('is the clock where only time may change the answer: %j', (rule, usesClock) => {
    expect(needs(rule).usesClock).toBe(usesClock);
  });
});

describe('an event', () => {
  const track = (name: string, more: Partial<SeenEvent> = {}): SeenEvent => ({
    ...{ type: 'track', name, traits: [], isOrder: false },
    ...more,
  });
  const call = (type: string, traits: readonly string[] = []): SeenEvent => ({
    ...{ type, name: null, traits, isOrder: false },
  });
  const buys = track('purchase', { isOrder: true });

  it.each<[rule: unknown, touching: readonly SeenEvent[], others: readonly SeenEvent[]]>([
    [{ event: 'a' }, [track('a')], [track('b'), { ...call('page'), name: 'a' }]],
    [{ event: '$page' }, [call('page')], [track('$page'), call('screen')]],
    [
      { event: '*' },
      [track('a'), call('alias'), call('group')],
      [track('$decision'), track('$audience_exited')],
    ],
    [{ event: 'a', then: { event: 'b', within: '1d' } }, [track('a'), track('b')], [track('c')]],
    [
      { trait: 'plan', eq: 1 },
      [call('identify', ['age', 'plan'])],
      [call('identify', ['age']), track('plan')],
    ],
    [{ trait: '$orders', gte: 1 }, [buys], [track('a'), call('page')]],
    [{ trait: '$revenue.EUR', gte: 1 }, [buys], [track('a'), call('page')]],
    [{ trait: '$pages', gte: 1 }, [call('page')], [track('a'), call('screen')]],
    [{ trait: '$email', exists: true }, [call('identify'), call('alias')], [track('a')]],
    [{ trait: '$last_seen', after: '1d' }, [track('a'), call('page'), track('$decision')], []],
    [{ trait: '$first_campaign.source', eq: 'x' }, [track('a'), call('page')], []],
    [{ all: [{ audience: 'vip' }, { bucket: [0, 1] }] }, [], [track('a'), call('identify', ['x']), buys]],
  ])('touches a rule only where the rule mentions what it changes: %j', (rule, touching, others) => {
    for (const event of touching) expect(isTouched(needs(rule), event), JSON.stringify(event)).toBe(true);
    for (const event of others) expect(isTouched(needs(rule), event), JSON.stringify(event)).toBe(false);
  });
});

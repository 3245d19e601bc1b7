import { describe, expect, it } from 'vitest';
import type { Rule } from '../../src/core/rule';
import { checkReferences } from '../../src/core/rule-references';

const reads = (...keys: readonly string[]): Rule => ({ all: keys.map((audience) => ({ audience })) });
const others = new Map<string, Rule | null>([
  ['leaf', { trait: 'plan', eq: 'pro' }],
  ['list', null],
  ['middle', reads('leaf', 'list')],
  ['top', { not: reads('middle') }],
]);

describe('a rule that names audiences', () => {
  it('may name those that are there, over any number of steps, lists of members too', () => {
    expect(checkReferences(reads('top', 'leaf', 'list'), { key: 'new', others })).toEqual([]);
    expect(checkReferences(reads('top'), { key: null, others })).toEqual([]);
    expect(checkReferences({ bucket: [0, 50] }, { key: 'new', others })).toEqual([]);
  });

  it('is refused where there is none of that key', () => {
    expect(checkReferences(reads('leaf', 'nobody'), { key: 'new', others })).toEqual([
      {
        path: 'rule.all[1].audience',
        message: 'must be the key of an audience; there is none with "nobody"',
      },
    ]);
  });

  it('is refused where it would lead back to its own audience, and the way is said', () => {
    expect(checkReferences(reads('new'), { key: 'new', others })).toEqual([
      {
        path: 'rule.all[0].audience',
        message: 'must not lead back to this audience: "new", which reads "new"',
      },
    ]);
    expect(checkReferences(reads('leaf', 'top'), { key: 'leaf', others })).toEqual([
      {
        path: 'rule.all[0].audience',
        message: 'must not lead back to this audience: "leaf", which reads "leaf"',
      },
      {
        path: 'rule.all[1].audience',
        message:
          'must not lead back to this audience: "leaf", which reads "top", which reads "middle", which reads "leaf"',
      },
    ]);
  });
});

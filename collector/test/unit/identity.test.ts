import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import {
  type Claim,
  divideInTime,
  isRedundant,
  movesBetween,
  ownerAt,
  ownerOfEmail,
} from '../../src/core/identity';

const itself = (id: string) => id;
const claim = (fromAt: number, strongerId: string, messageId = `m${fromAt}`): Claim => ({
  weakerId: 'a',
  fromAt,
  messageId,
  strongerId,
});

describe('an anonymous ID', () => {
  it('without a claim owns itself', () => {
    expect(divideInTime('a', [], { ownerOf: itself })).toEqual([]);
    expect(ownerAt('a', [], 5)).toBe('a');
  });

  it('belongs to who signed in first before that, and to whoever signed in last from then on', () => {
    const spans = divideInTime('a', [claim(20, 'v'), claim(10, 'u')], { ownerOf: itself });
    expect([-1e9, 9, 10, 19, 20, 1e9].map((at) => ownerAt('a', spans, at))).toEqual([
      'u',
      'u',
      'u',
      'u',
      'v',
      'v',
    ]);
  });

  it('is not divided by signing in again', () => {
    expect(divideInTime('a', [claim(10, 'u'), claim(20, 'u')], { ownerOf: itself })).toHaveLength(1);
  });

  it('claimed twice in one millisecond belongs to the first ID before and to the last ID from then on', () => {
    const spans = divideInTime('a', [claim(10, 'v', 'm2'), claim(10, 'u', 'm1')], { ownerOf: itself });
    expect([9, 10].map((at) => ownerAt('a', spans, at))).toEqual(['u', 'v']);
  });

  it('that belongs to an email follows the email to its user', () => {
    const spans = divideInTime('a', [claim(10, 'e')], {
      ownerOf: (id) => (id === 'e' ? 'u' : id),
    });
    expect(spans).toEqual([{ fromAt: -Infinity, toAt: Infinity, targetId: 'e', ownerId: 'u' }]);
  });

  it('owns itself from its 51st owner on, and a 50th changes nothing', () => {
    const claims = Array.from({ length: 60 }, (_, index) => claim(index, `u${index}`));
    expect(ownerAt('a', divideInTime('a', claims.slice(0, 50), { ownerOf: itself }), 1e9)).toBe('u49');
    const spans = divideInTime('a', claims, { ownerOf: itself });
    expect([49, 50, 1e9].map((at) => ownerAt('a', spans, at))).toEqual(['u49', 'a', 'a']);
  });
});

describe('an email', () => {
  it('belongs whole to the user of its first claim, whichever arrived first', () => {
    expect(ownerOfEmail([claim(20, 'v'), claim(10, 'u')])).toBe('u');
    expect(ownerOfEmail([])).toBeNull();
  });
});

describe('a late claim', () => {
  it('moves only the stretch that it takes over', () => {
    const before = divideInTime('a', [claim(10, 'u'), claim(30, 'v')], { ownerOf: itself });
    const after = divideInTime('a', [claim(10, 'u'), claim(30, 'v'), claim(20, 'w')], { ownerOf: itself });
    expect(movesBetween('a', before, after)).toEqual([
      { subjectId: 'a', fromAt: 20, toAt: 30, oldOwnerId: 'u', newOwnerId: 'w' },
    ]);
  });

  it('of the same owner moves nothing', () => {
    const before = divideInTime('a', [claim(10, 'u')], { ownerOf: itself });
    const after = divideInTime('a', [claim(10, 'u'), claim(20, 'u')], { ownerOf: itself });
    expect(movesBetween('a', before, after)).toEqual([]);
  });
});

describe('a claim that is taken for redundant', () => {
  it('never changes who owns what, however many are added at once', () => {
    const claims = (weights: number) =>
      fc
        .array(
          fc.tuple(
            fc.integer({ min: 0, max: 3 }),
            fc.constantFrom('u', 'v', 'w'),
            fc.integer({ min: 0, max: 99 }),
          ),
          { minLength: 1, maxLength: weights },
        )
        .map((entries) =>
          entries.map(([at, owner, id]) => claim(at, owner, `m${String(id).padStart(2, '0')}`)),
        );
    const isNew = (known: readonly Claim[]) => (added: Claim) =>
      !known.some(({ messageId }) => messageId === added.messageId);
    let skipped = 0;
    fc.assert(
      fc.property(claims(6), claims(4), (known, added) => {
        const before = divideInTime('a', known, { ownerOf: itself });
        const redundant = added.filter(isNew(known)).filter((one) => isRedundant(one, before));
        skipped += redundant.length;
        expect(divideInTime('a', [...known, ...redundant], { ownerOf: itself })).toEqual(before);
      }),
      { numRuns: 5_000 },
    );
    expect(skipped).toBeGreaterThan(100);
  });
});

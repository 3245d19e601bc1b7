import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Claim, divideInTime, ownerAt } from '../../src/core/identity';
import { decideEmail, decideInTime, sayWhy } from '../../src/core/why';

const claim = ([fromAt, strongerId, id]: readonly [number, string, number]): Claim => ({
  weakerId: 'a',
  fromAt,
  messageId: `m${String(id).padStart(2, '0')}`,
  strongerId,
});
const ownerOf = (id: string) => (id === 'e' ? 'u' : id);

describe('the claim that is given as the reason', () => {
  const claims = fc
    .uniqueArray(fc.tuple(fc.nat(5), fc.constantFrom('u', 'v', 'w', 'e'), fc.nat(99)), {
      maxLength: 8,
      selector: ([, , id]) => id,
    })
    .map((entries) => entries.map(claim));

  it('is the one by which time is divided, kiosks included', () => {
    const rules = new Set<string>();
    fc.assert(
      fc.property(claims, fc.integer({ min: -1, max: 6 }), (all, at) => {
        const by = { ownerOf, maxOwners: 2 };
        const deciding = decideInTime(all, at, by);
        rules.add(deciding?.rule ?? 'none');
        const owner =
          deciding === null || deciding.rule === 'kiosk' ? 'a' : ownerOf(deciding.claim.strongerId);
        expect(owner).toBe(ownerAt('a', divideInTime('a', all, by), at));
      }),
      { numRuns: 2_000 },
    );
    expect([...rules].sort()).toEqual(['first_claim', 'kiosk', 'latest_claim', 'none']);
  });

  it('of an email is its first', () => {
    expect(decideEmail([claim([20, 'v', 1]), claim([10, 'u', 2])])?.claim.strongerId).toBe('u');
    expect(decideEmail([])).toBeNull();
  });
});

describe('the sentence', () => {
  const at = new Date('2026-06-15T08:10:00.000Z');

  it('says every step', () => {
    expect(sayWhy('user:ada', [])).toBe('It was sent under user:ada, which belongs to nobody else.');
    expect(
      sayWhy('anonymous:sofa', [
        { rule: 'first_claim', from: 'anonymous:sofa', to: 'email:ada@x.test', at },
        { rule: 'first_user', from: 'email:ada@x.test', to: 'user:ada', at },
        { rule: 'link', from: 'user:ada', to: 'user:bob', at },
      ]),
    ).toBe(
      'It was sent under anonymous:sofa: it is from before anybody signed in on anonymous:sofa, and first was ' +
        'email:ada@x.test, at 2026-06-15T08:10:00.000Z; email:ada@x.test belongs to its first user, user:ada, ' +
        'at 2026-06-15T08:10:00.000Z; user:ada was linked to user:bob, at 2026-06-15T08:10:00.000Z.',
    );
    expect(
      sayWhy('anonymous:sofa', [{ rule: 'kiosk', from: 'anonymous:sofa', to: 'anonymous:sofa', at }]),
    ).toContain('too many owners');
  });
});

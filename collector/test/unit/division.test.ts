import { describe, expect, it } from 'vitest';
import { divideAgain, type Divisions, followLinks, relink } from '../../src/core/division';
import { NOTHING_ERASED } from '../../src/core/erasure';
import { type Claim, type Span, wholeTo } from '../../src/core/identity';

const claim = (weakerId: string, fromAt: number, strongerId: string): Claim => ({
  weakerId,
  fromAt,
  messageId: `m${fromAt}`,
  strongerId,
});
const span = ([fromAt, toAt]: readonly [number, number], targetId: string, ownerId = targetId): Span => ({
  fromAt,
  toAt,
  targetId,
  ownerId,
});

/** Subjects that begin with e are emails. */
function divide({
  claims,
  voided = [],
  standing = new Map(),
  maxOwners = 50,
}: {
  claims: readonly Claim[];
  voided?: readonly { weakerId: string; strongerId: string }[];
  standing?: Divisions;
  maxOwners?: number;
}): Divisions {
  const dividedIds = [...new Set(claims.map(({ weakerId }) => weakerId))];
  const emailIds = dividedIds.filter((id) => id.startsWith('e'));
  return divideAgain({ dividedIds, emailIds, claims, voided, standing, erased: NOTHING_ERASED, maxOwners });
}

describe('a claim that is void', () => {
  const claims = [claim('a', 10, 'u'), claim('a', 20, 'v'), claim('a', 30, 'u')];

  it('counts as if it had never been made, with all others of its pair', () => {
    const without = divide({ claims, voided: [{ weakerId: 'a', strongerId: 'u' }] });
    expect(without).toEqual(divide({ claims: [claim('a', 20, 'v')] }));
    expect(without.get('a')).toEqual(wholeTo('v'));
  });

  it('of an early owner hands its stretch, and what came before, to the next one', () => {
    const voided = [{ weakerId: 'a', strongerId: 'u' }];
    const after = divide({ claims: [claim('a', 10, 'u'), claim('a', 20, 'v')], voided });
    expect(after.get('a')).toEqual([span([-Infinity, Infinity], 'v')]);
  });

  it('leaves a subject that nobody else claims to itself', () => {
    const standing = new Map([['a', wholeTo('u')]]);
    const voided = [{ weakerId: 'a', strongerId: 'u' }];
    expect(divide({ claims: [claim('a', 10, 'u')], voided, standing })).toEqual(new Map([['a', []]]));
  });

  it('of an email takes back what followed it', () => {
    const standing = new Map([
      ['e', wholeTo('u')],
      ['a', wholeTo('e', 'u')],
    ]);
    const after = divide({
      claims: [claim('e', 5, 'u'), claim('a', 10, 'e')],
      voided: [{ weakerId: 'e', strongerId: 'u' }],
      standing,
    });
    expect(after).toEqual(
      new Map([
        ['e', []],
        ['a', wholeTo('e')],
      ]),
    );
  });

  it('is not counted among the owners of a kiosk', () => {
    const three = [claim('a', 10, 'u'), claim('a', 20, 'v'), claim('a', 30, 'w')];
    expect(divide({ claims: three, maxOwners: 2 }).get('a')!.at(-1)).toEqual(span([30, Infinity], 'a'));
    const voided = [{ weakerId: 'a', strongerId: 'v' }];
    expect(divide({ claims: three, voided, maxOwners: 2 }).get('a')!.at(-1)).toEqual(
      span([30, Infinity], 'w'),
    );
  });
});

describe('a user who is linked to another one', () => {
  const linked = new Map([['u', wholeTo('u', 'v')]]);

  it('hands on what is claimed for it, also by its emails', () => {
    const after = divide({
      claims: [claim('a', 10, 'u'), claim('e', 5, 'u'), claim('b', 10, 'e')],
      standing: linked,
    });
    expect(after.get('a')).toEqual(wholeTo('u', 'v'));
    expect(after.get('e')).toEqual(wholeTo('u', 'v'));
    expect(after.get('b')).toEqual(wholeTo('e', 'v'));
  });

  it('hands on what belongs to an email of its that the claims leave as it is', () => {
    const standing = new Map([['e', wholeTo('u', 'v')]]);
    expect(divide({ claims: [claim('a', 10, 'e')], standing }).get('a')).toEqual(wholeTo('e', 'v'));
  });

  it('counts for itself among the owners of a kiosk', () => {
    const claims = [claim('a', 10, 'u'), claim('a', 20, 'v'), claim('a', 30, 'w')];
    const [, , last] = divide({ claims, standing: linked, maxOwners: 2 }).get('a')!;
    expect(last).toEqual(span([30, Infinity], 'a'));
  });

  it('has whatever names it moved, and nothing else, and gets it back', () => {
    const standing = new Map([
      ['a', [span([-Infinity, 10], 'u'), span([10, 20], 'w'), span([20, Infinity], 'a')]],
      ['b', wholeTo('e', 'u')],
      ['e', wholeTo('u')],
      ['c', wholeTo('w')],
    ]);
    const changed = relink({ sourceId: 'u', emailIds: ['e'], ownerId: 'v', standing });
    expect(changed).toEqual(
      new Map([
        ['a', [span([-Infinity, 10], 'u', 'v'), span([10, 20], 'w'), span([20, Infinity], 'a')]],
        ['b', wholeTo('e', 'v')],
        ['e', wholeTo('u', 'v')],
        ['u', wholeTo('u', 'v')],
      ]),
    );
    const back = relink({
      sourceId: 'u',
      emailIds: ['e'],
      ownerId: 'u',
      standing: new Map([...standing, ...changed]),
    });
    expect(new Map([...standing, ...changed, ...back])).toEqual(new Map([...standing, ['u', []]]));
  });

  it('is one hop from whom it is linked to', () => {
    const links = new Map([['u', 'v']]);
    expect(followLinks([span([0, 1], 'u'), span([1, 2], 'v')], links)).toEqual([
      span([0, 1], 'u', 'v'),
      span([1, 2], 'v'),
    ]);
  });
});

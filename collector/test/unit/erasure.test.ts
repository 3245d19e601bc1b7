import { describe, expect, it } from 'vitest';
import { identifiersIn } from '../../src/core/bad-row';
import { divideErased, type Erased, markReleased, NOTHING_ERASED } from '../../src/core/erasure';
import { divideInTime, wholeTo } from '../../src/core/identity';

const grave = (subjectId: string, fromAt: number, toAt: number) => ({
  ...{ subjectId, fromAt, toAt },
  ...{ ownerId: 'u', regulationId: 'r' },
});
const erased: Erased = {
  erasures: new Map([['u', { subjectId: 'u', targetId: 'u', erasedAt: 100 }]]),
  tombstones: [grave('a', -Infinity, 50)],
};
const claim = (fromAt: number, strongerId: string) => ({
  ...{ weakerId: 'a', fromAt, messageId: `m${fromAt}`, strongerId },
});
const divide = (...claims: ReturnType<typeof claim>[]) =>
  divideErased('a', divideInTime('a', markReleased(claims, erased), { ownerOf: (id) => id }), erased);

describe('a device of somebody who was erased', () => {
  it('is theirs in what was theirs, where nothing is left, and its own besides', () => {
    expect(divide(claim(10, 'u'))).toEqual([
      { fromAt: -Infinity, toAt: 50, targetId: 'u', ownerId: 'u' },
      { fromAt: 50, toAt: Infinity, targetId: 'a', ownerId: 'a' },
    ]);
  });

  it('belongs to whoever claims it besides, also from before, but for those times', () => {
    expect(divide(claim(10, 'u'), claim(20, 'v'))).toEqual([
      { fromAt: -Infinity, toAt: 50, targetId: 'u', ownerId: 'u' },
      { fromAt: 50, toAt: Infinity, targetId: 'v', ownerId: 'v' },
    ]);
  });

  it('is theirs again by what they claim afterwards', () => {
    expect(divide(claim(10, 'u'), claim(120, 'u')).at(-1)).toEqual({
      ...{ fromAt: 120, toAt: Infinity, targetId: 'u', ownerId: 'u' },
    });
  });
});

it('where nothing was erased, nothing is divided otherwise', () => {
  expect(divideErased('a', wholeTo('u'), NOTHING_ERASED)).toEqual(wholeTo('u'));
});

describe('the identifiers of a refused event', () => {
  it.each([
    ['{"userId":"ada","traits":{"email":" Ada@x.test"}}', ['user:ada', 'email:ada@x.test']],
    ['{"userId": 42, "anonymousId": "a \\"b\\""}', ['user:42', 'anonymous:a "b"']],
    ['{"previousId":"old","note":"cut off, "userId":"ad', ['anonymous:old']],
    ['"{\\"type\\": \\"page\\", \\"userId\\": \\"ada\\", "', ['user:ada']],
    ['{"note":"userId"}', []],
  ])('are found in %s', (payload, expected) => {
    expect(identifiersIn(payload).map(({ kind, value }) => `${kind}:${value}`)).toEqual(expected);
  });
});

describe('two users who were linked and erased together', () => {
  it('still are two of the owners of a device', () => {
    const both = (targetId: string) => ({ subjectId: targetId, targetId, erasedAt: 100 });
    const erasures = new Map(['u', 'v'].map((id) => [id, both(id)]));
    const claims = [claim(10, 'u'), claim(20, 'v'), claim(30, 'w')];
    const spans = divideInTime('a', markReleased(claims, { erasures, tombstones: [] }), {
      ownerOf: (id) => id,
      maxOwners: 2,
    });
    expect(spans.at(-1)).toEqual({ fromAt: 30, toAt: Infinity, targetId: 'a', ownerId: 'a' });
  });
});

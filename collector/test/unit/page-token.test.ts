import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openPageToken, sealPageToken } from '../../src/core/page-token';

const secret = randomBytes(32);
const query = { list: 'timeline', profileId: randomUUID(), order: 'newest', types: ['page'] };
const place = { at: Date.parse('2026-06-15T12:00:00.123Z'), id: randomUUID() };

describe('a page token', () => {
  it('gives back the place that it was made of, also before 1970', () => {
    for (const at of [place.at, 0, -62_135_596_800_000, 253_402_300_799_999]) {
      const token = sealPageToken({ ...place, at }, { secret, query });
      expect(openPageToken(token, { secret, query })).toEqual({ ok: true, place: { ...place, at } });
    }
  });

  it('is bound to everything that the list was asked by, in whatever order that is named', () => {
    const token = sealPageToken(place, { secret, query });
    const turned = Object.fromEntries(Object.entries(query).reverse());
    expect(openPageToken(token, { secret, query: turned })).toMatchObject({ ok: true });
    for (const other of [
      { profileId: randomUUID() },
      { order: 'oldest' },
      { types: [] },
      { list: 'sessions' },
    ]) {
      const opened = openPageToken(token, { secret, query: { ...query, ...other } });
      expect(opened).toEqual({ ok: false, problem: 'other_list' });
    }
  });

  it('of another secret, or changed in any character, is none of ours', () => {
    const token = sealPageToken(place, { secret, query });
    const problem = { ok: false, problem: 'not_ours' };
    expect(openPageToken(token, { secret: randomBytes(32), query })).toEqual(problem);
    fc.assert(
      fc.property(fc.nat({ max: token.length - 1 }), fc.constantFrom(...'Aa0-_=. '), (at, character) => {
        fc.pre(token[at] !== character);
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        expect(openPageToken(changed, { secret, query })).toEqual(problem);
      }),
    );
    for (const text of ['', 'x', `${token}A`, `${token}=`, token.slice(1), ` ${token}`]) {
      expect(openPageToken(text, { secret, query })).toEqual(problem);
    }
  });
});

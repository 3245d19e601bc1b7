import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createUuidV7, timeOfUuidV7 } from '../../src/core/uuid';
import type { FillRandom } from '../../src/core/uuid';

const fillRandom: FillRandom = (words) => crypto.getRandomValues(words);

test('IDs have the form of RFC 9562, version 7, and tell when they were made', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 48 - 1 }), (now) => {
      const id = createUuidV7(() => now, fillRandom)();
      expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
      expect(timeOfUuidV7(id)).toBe(now);
    }),
  );
});

test('IDs rise strictly, whatever the clock does', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: Date.UTC(2109, 0) }), { minLength: 2 }), (times) => {
      let index = 0;
      const newId = createUuidV7(() => times[index]!, fillRandom);
      const ids = times.map((_, at) => ((index = at), newId()));
      expect(ids).toEqual([...new Set(ids)].sort());
    }),
  );
});

test('IDs rise strictly through more than a millisecond can count', () => {
  const newId = createUuidV7(() => 1_000, fillRandom);
  const ids = Array.from({ length: 20_000 }, newId);
  expect(ids).toEqual([...new Set(ids)].sort());
});

test('an ID has 60 bits that come from nothing but chance', () => {
  const idOf = (words: readonly number[]): string =>
    createUuidV7(
      () => 1_000,
      (random) => (random.set(words), random),
    )();
  const zero = idOf([0, 0]);
  const bits = Array.from({ length: 64 }, (_, bit) =>
    idOf([bit < 32 ? (1 << bit) >>> 0 : 0, bit < 32 ? 0 : (1 << (bit - 32)) >>> 0]),
  );
  expect(zero.slice(14)).toBe('7000-8000-000000000000');
  expect(new Set(bits).size).toBe(61);
  expect(idOf([2 ** 32 - 1, 2 ** 32 - 1]).slice(14)).toBe('7000-8fff-ffffffffffff');
});

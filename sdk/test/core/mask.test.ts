import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maskText } from '../../src/core/mask';

/** What a number is, in one regular expression: right, and a second of a browser's time to compile. */
const LONG_NUMBER = /\p{Nd}(?:[^\p{L}\p{Nd}]{0,3}\p{Nd}){8,}/gu;

const CHARACTERS = ['0', '7', '٣', '𝟗', ' ', '-', '\u200b', '🂡', '.', 'x', 'é', '字'];

test('a number is nine digits or more with at most three characters between two, and no letter', () => {
  const text = fc
    .array(
      fc.oneof(
        fc.constantFrom(...CHARACTERS),
        fc.nat(99_999).map(String),
        fc.constantFrom('1-2-3-4-5-6-7', '4 1 1 1 '),
      ),
      { maxLength: 30 },
    )
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, (given) => {
      const expected = given.replace(LONG_NUMBER, '[number]').replace(/\s+/g, ' ').trim();
      expect(maskText(given, 1_000)).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});

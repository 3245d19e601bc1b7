import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { excerptOf } from '../../src/core/excerpt';

describe('an excerpt', () => {
  it('is the beginning of the JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 100 }), (value, length) => {
        const json = JSON.stringify(value);
        // Where a cut divides a character, its half is replaced.
        expect(excerptOf(value, length)).toBe(json.slice(0, length).toWellFormed());
      }),
    );
  });

  it('of an event that was not given an ID does not name it', () => {
    expect(excerptOf({ a: undefined, b: [null] }, 100)).toBe('{"b":[null]}');
    expect(excerptOf(undefined, 100)).toBe('null');
  });

  it('of what is nested without end is taken without exhausting the stack', () => {
    let nested: unknown = 1;
    for (let depth = 0; depth < 100_000; depth += 1) nested = [nested];
    expect(excerptOf({ type: 'track', nested }, 2_000)).toBe(`{"type":"track","nested":${'['.repeat(1975)}`);
  });

  it('can be stored', () => {
    expect(excerptOf('a\0\uD800', 100)).toBe('"a\\u0000\\ud800"');
    expect(excerptOf('😀', 2)).toBe('"\uFFFD');
  });
});

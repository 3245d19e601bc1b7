// @vitest-environment node
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import readme from '../../README.md?raw';
import { hashText } from '../../src/core/sha256';
import { assign } from '../../src/experiments/assign';
import type { Experiment } from '../../src/experiments/assign';

/** Counting is work; how long it takes says nothing. */
const PATIENCE_MS = 120_000;

const units = Array.from({ length: 5_000 }, (_, n) => `visitor-${n}`);

function count(experiment: Experiment, among = units): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const unit of among) {
    const variant = assign(experiment, unit) ?? 'none';
    counts[variant] = (counts[variant] ?? 0) + 1;
  }
  return counts;
}

/** Pearson's statistic of how far counts are from what is expected. */
function chiSquared(counts: readonly number[], expected: readonly number[]): number {
  return counts.reduce((sum, n, index) => sum + (n - expected[index]!) ** 2 / expected[index]!, 0);
}

test(
  'the hash is the first 32 bits of SHA-256, for any text',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (text) => {
        const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
        expect(hashText(text)).toBe(new DataView(digest).getUint32(0));
      }),
      { numRuns: 50 },
    );
  },
  PATIENCE_MS,
);

test('the README’s examples are what comes out, here and in any other language', () => {
  const rows = [...readme.matchAll(/^\| `(.*?)`\s*\| `(.*?)`\s*\| `(.*?)`\s*\| `(.*?)`\s*\|$/gm)];
  const vectors = rows.filter(([row]) => row.includes('{"key"'));
  expect(vectors.length).toBeGreaterThanOrEqual(4);
  for (const [, experiment, unit, hash, variant] of vectors) {
    const { key } = JSON.parse(experiment!) as Experiment;
    expect(hashText(`${key}:${unit}`).toString(16).padStart(8, '0')).toBe(hash);
    expect(assign(JSON.parse(experiment!) as Experiment, unit!) ?? 'none').toBe(variant);
  }
});

describe('variants', { timeout: PATIENCE_MS }, () => {
  test('are as frequent as their weights say', () => {
    const cases: readonly (readonly [Experiment['variants'], readonly number[]])[] = [
      [
        ['a', 'b'],
        [0.5, 0.5],
      ],
      [
        ['a', 'b', 'c', 'd'],
        [0.25, 0.25, 0.25, 0.25],
      ],
      [{ a: 9, b: 1 }, [0.9, 0.1]],
      [{ a: 0.5, b: 0.3, c: 0.2 }, [0.5, 0.3, 0.2]],
    ];
    for (const [variants, shares] of cases) {
      for (let n = 0; n < 3; n += 1) {
        const counts = count({ key: `experiment-${n}`, variants });
        const names = Array.isArray(variants) ? (variants as readonly string[]) : Object.keys(variants);
        const found = chiSquared(
          names.map((name) => counts[name] ?? 0),
          shares.map((share) => share * units.length),
        );
        // Of 3 degrees of freedom, one experiment in 10,000 is beyond this by chance; these are always the same.
        expect(found).toBeLessThan(21.1);
      }
    }
  });

  test('of two experiments have nothing to do with each other', () => {
    const first = { key: 'first', variants: ['a', 'b'] };
    const second = { key: 'second', variants: ['a', 'b'] };
    const cells = new Map<string, number>();
    for (const unit of units) {
      const cell = `${assign(first, unit)}${assign(second, unit)}`;
      cells.set(cell, (cells.get(cell) ?? 0) + 1);
    }
    const quarter = units.length / 4;
    expect(chiSquared([...cells.values()], [quarter, quarter, quarter, quarter])).toBeLessThan(21.1);
  });

  test('of those who take part have nothing to do with who takes part', () => {
    const { a, b, none } = count({ key: 'half', variants: ['a', 'b'], share: 0.5 });
    const expected = [units.length / 4, units.length / 4, units.length / 2];
    expect(chiSquared([a!, b!, none!], expected)).toBeLessThan(18.4);
  });

  test('of weight 0 are nobody’s, and an empty unit has none', () => {
    expect(count({ key: 'k', variants: { a: 1, b: 0 } })).toEqual({ a: units.length });
    expect(assign({ key: 'k', variants: ['a'] }, '')).toBeUndefined();
    expect(count({ key: 'k', variants: ['a'], share: 0 })).toEqual({ none: units.length });
  });
});

describe('an assignment', { timeout: PATIENCE_MS }, () => {
  const name = fc.stringMatching(/^[a-z]{1,8}$/);
  const weights = fc.dictionary(name, fc.integer({ min: 1, max: 100 }), { minKeys: 1, maxKeys: 6 });
  const unit = fc.uuid();

  test('does not depend on the order of the variants', () => {
    fc.assert(
      fc.property(name, weights, unit, (key, variants, id) => {
        const reversed = Object.fromEntries(Object.entries(variants).reverse());
        expect(assign({ key, variants: reversed }, id)).toBe(assign({ key, variants }, id));
      }),
    );
  });

  test('moves to a new variant or stays, when one is added', () => {
    fc.assert(
      fc.property(name, weights, unit, (key, variants, id) => {
        const before = assign({ key, variants }, id);
        const after = assign({ key, variants: { ...variants, ADDED: 10 } }, id);
        expect([before, 'ADDED']).toContain(after);
      }),
    );
  });

  test('stays when another variant is removed', () => {
    fc.assert(
      fc.property(name, weights, unit, (key, variants, id) => {
        const before = assign({ key, variants: { ...variants, GONE: 10 } }, id);
        fc.pre(before !== 'GONE');
        expect(assign({ key, variants }, id)).toBe(before);
      }),
    );
  });

  test('moves only to the variant whose weight rises, or from the one whose weight falls', () => {
    fc.assert(
      fc.property(name, weights, unit, fc.integer({ min: 1, max: 100 }), (...[key, variants, id, weight]) => {
        const before = assign({ key, variants: { ...variants, CHANGED: 10 } }, id);
        const after = assign({ key, variants: { ...variants, CHANGED: weight } }, id);
        if (before !== after) expect(weight > 10 ? after : before).toBe('CHANGED');
      }),
    );
  });

  test('stays when more take part', () => {
    const percent = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(name, weights, unit, percent, percent, (...[key, variants, id, one, other]) => {
        const fewer = assign({ key, variants, share: Math.min(one, other) / 100 }, id);
        const more = assign({ key, variants, share: Math.max(one, other) / 100 }, id);
        if (fewer !== undefined) expect(more).toBe(fewer);
      }),
    );
  });
});

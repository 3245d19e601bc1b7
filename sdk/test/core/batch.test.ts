import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  findOverflow,
  MAX_AGE_MS,
  MAX_WAITING_BYTES,
  MAX_WAITING_EVENTS,
  parseEntryName,
  takeBatch,
} from '../../src/core/batch';
import type { Entry } from '../../src/core/batch';
import { createUuidV7 } from '../../src/core/uuid';

const NOW = Date.UTC(2026, 0, 1);

function entry(bytes: number, at = NOW): Entry {
  const id = createUuidV7(
    () => at,
    (random) => crypto.getRandomValues(random),
  )();
  return { name: `${id}.tab.${bytes}`, id, tab: 'tab', bytes };
}

test('an entry is read back from its name, and a key of somebody else is none', () => {
  const one = entry(123);
  expect(parseEntryName(one.name)).toEqual(one);
  for (const name of ['', 'cart', `${one.id}.tab`, `${one.id}.tab.x`, `x${one.name}`]) {
    expect(parseEntryName(name)).toBeUndefined();
  }
});

test('a batch is the longest beginning that fits by count and bytes', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }));
  const limit = fc.integer({ min: 0, max: 200 });
  fc.assert(
    fc.property(sizes, limit, limit, (bytes, maxEvents, maxBytes) => {
      const entries = bytes.map((size) => entry(size));
      const batch = takeBatch(entries, maxEvents, maxBytes);
      const weigh = (list: readonly Entry[]): number => list.reduce((sum, one) => sum + one.bytes + 1, 0);
      expect(batch).toEqual(entries.slice(0, batch.length));
      expect(batch.length).toBeLessThanOrEqual(maxEvents);
      expect(weigh(batch)).toBeLessThanOrEqual(maxBytes);
      const next = entries.slice(0, batch.length + 1);
      const isAll = batch.length === entries.length;
      expect(isAll || next.length > maxEvents || weigh(next) > maxBytes).toBe(true);
    }),
  );
});

test('of too many events the oldest go', () => {
  const entries = Array.from({ length: MAX_WAITING_EVENTS + 2 }, (_, index) => entry(1, NOW + index));
  const overflow = findOverflow([...entries].reverse(), NOW);
  expect(overflow).toEqual(new Map(entries.slice(0, 2).map((one) => [one, 'queue-full'])));
});

test('of too many bytes the oldest go', () => {
  const entries = [0, 1, 2].map((index) => entry(MAX_WAITING_BYTES / 2, NOW + index));
  expect([...findOverflow(entries, NOW).keys()]).toEqual([entries[0]]);
});

test('events older than 30 days go, but a date that was set by years takes nothing', () => {
  const old = entry(1, NOW - MAX_AGE_MS - 1);
  const young = entry(1, NOW - MAX_AGE_MS);
  expect(findOverflow([old, young], NOW)).toEqual(new Map([[old, 'expired']]));
  const tenYears = 10 * 365 * 86_400_000;
  expect(findOverflow([young], NOW + tenYears).size).toBe(0);
  expect(findOverflow([young], NOW - tenYears).size).toBe(0);
});

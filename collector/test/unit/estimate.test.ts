import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateWithin } from '../../src/core/estimate';

describe('an estimate', () => {
  it('is what was counted where all were looked at', () => {
    expect(estimateWithin({ found: 3, looked: 10, of: 10 })).toEqual({ value: 3, low: 3, high: 3 });
    expect(estimateWithin({ found: 0, looked: 0, of: 0 })).toEqual({ value: 0, low: 0, high: 0 });
  });

  it('is the share of those that were looked at, between the bounds of Wilson’s interval', () => {
    // 10 of 100 is between 5.52 % and 17.44 %.
    expect(estimateWithin({ found: 10, looked: 100, of: 100_000 })).toEqual({
      ...{ value: 10_000, low: 5522, high: 17_437 },
    });
  });

  it('never says none or all of what it has seen some of, nor of what it has not seen that it is none', () => {
    const none = estimateWithin({ found: 0, looked: 100, of: 100_000 });
    expect(none).toMatchObject({ value: 0, low: 0 });
    expect(none.high).toBeGreaterThan(1000);
    fc.assert(
      fc.property(fc.nat(50), fc.nat(50), fc.nat(100_000), (found, others, rest) => {
        const looked = found + others;
        const { value, low, high } = estimateWithin({ found, looked, of: looked + rest });
        expect(low).toBeGreaterThanOrEqual(found);
        expect(high).toBeLessThanOrEqual(found + rest);
        expect(low).toBeLessThanOrEqual(value);
        expect(high).toBeGreaterThanOrEqual(value);
      }),
    );
  });
});

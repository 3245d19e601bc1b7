import { describe, expect, it } from 'vitest';
import { DECIMAL_SCALE, scaleDecimal } from '../../src/core/decimal';

const UNIT = 10n ** BigInt(DECIMAL_SCALE);

describe('a decimal in a column of so many digits', () => {
  it.each([
    ['0', 0n],
    ['1', UNIT],
    ['-5.50', (-11n * UNIT) / 2n],
    ['179.97000000000002', 179_970_000_000_000_020_000n],
    ['0.000000000000000001', 1n],
    // Half a unit goes away from zero.
    ['0.0000000000000000005', 1n],
    ['-0.0000000000000000005', -1n],
    ['0.0000000000000000004999', 0n],
    ['99999999999999999999.999999999999999999', 10n ** 38n - 1n],
    // More digits before the point than there is room for.
    ['100000000000000000000', null],
    ['-99999999999999999999.9999999999999999999', null],
  ])('%s', (text, units) => {
    expect(scaleDecimal(text)).toBe(units);
  });
});

/** Digits after the point of a decimal column, which has 38 in all: more than most warehouses' money, and theirs to round. */
export const DECIMAL_SCALE = 18;
export const DECIMAL_PRECISION = 38;

const LIMIT = 10n ** BigInt(DECIMAL_PRECISION);

/**
 * A decimal as so many units of the last digit that a column has, half a unit rounded away from zero.
 *
 * @param text a plain decimal, as Postgres writes numeric
 * @returns null where the column has not enough digits before the point
 */
export function scaleDecimal(text: string): bigint | null {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)!;
  const kept = BigInt(whole! + fraction.slice(0, DECIMAL_SCALE).padEnd(DECIMAL_SCALE, '0'));
  const units = (fraction[DECIMAL_SCALE] ?? '0') >= '5' ? kept + 1n : kept;
  if (units >= LIMIT) return null;
  return sign === '-' ? -units : units;
}

/** A number, and between which bounds it lies: the same three times where it was counted. */
export interface Estimated {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** 95 % of the estimates lie within so many standard deviations. */
const Z = 1.959964;

/**
 * How many of all have what was found in some that were drawn; bounds by Wilson's interval (E. B. Wilson, "Probable
 * inference, the law of succession, and statistical inference", JASA 22, 1927), which is right for few as well.
 */
export function estimateWithin({
  found,
  looked,
  of,
}: {
  readonly found: number;
  readonly looked: number;
  readonly of: number;
}): Estimated {
  if (looked >= of || looked === 0) return { value: found, low: found, high: found };
  const share = found / looked;
  const centre = share + Z ** 2 / (2 * looked);
  const spread = Z * Math.sqrt((share * (1 - share)) / looked + Z ** 2 / (4 * looked ** 2));
  const bound = (sign: 1 | -1) => ((centre + sign * spread) / (1 + Z ** 2 / looked)) * of;
  return {
    value: Math.round(share * of),
    low: Math.max(found, Math.floor(bound(-1))),
    high: Math.min(of - (looked - found), Math.ceil(bound(1))),
  };
}

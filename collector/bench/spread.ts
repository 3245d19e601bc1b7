export interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

/** Of durations, the usual one, that of the slowest in twenty, and the slowest. */
export function spread(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  return {
    p50: sorted[Math.floor(sorted.length / 2)]!,
    p95: sorted[Math.floor(sorted.length * 0.95)]!,
    max: sorted.at(-1)!,
  };
}

/** Fills the array with random numbers and returns it (the contract of `crypto.getRandomValues`). */
export type FillRandom = (words: Uint32Array<ArrayBuffer>) => Uint32Array;

/** So many IDs a millisecond has; with more bits the sum would not be exact today, with these it is until 2109. */
const TICKS = 2_048;

/**
 * Makes UUIDs of version 7 (RFC 9562) that rise strictly, also within one millisecond and when the clock is
 * set back: `rand_a` counts (section 6.2, method 3), and when it is full the millisecond is borrowed from the future.
 * (Not `crypto.randomUUID`, which is version 4, and missing on pages served over plain HTTP.)
 *
 * @param now milliseconds since 1970
 */
export function createUuidV7(now: () => number, fillRandom: FillRandom): () => string {
  let ticks = 0;
  const random = new Uint32Array(2);
  return () => {
    ticks = Math.max(now() * TICKS, ticks + 1);
    fillRandom(random);
    const time = hex(Math.floor(ticks / TICKS), 12);
    const [first, last] = random as unknown as [number, number];
    // 7 is the version, 8 the variant; each has a digit of its own, which costs two random bits of 62.
    return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(ticks % TICKS, 3)}-8${hex(first >>> 20, 3)}-${hex(last, 8)}${hex(first & 65_535, 4)}`;
  };
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** When a version 7 UUID was made, in milliseconds since 1970. */
export function timeOfUuidV7(id: string): number {
  return parseInt(id.replace('-', ''), 16);
}

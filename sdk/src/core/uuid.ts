/** Fills the array with random bytes and returns it (the contract of `crypto.getRandomValues`). */
export type FillRandom = (bytes: Uint8Array) => Uint8Array;

/**
 * Makes UUIDs of version 7 (RFC 9562) that rise strictly, also within one millisecond and when the clock is
 * set back: `rand_a` is a counter (section 6.2, method 1) that starts in the lower half of its 12 bits, so
 * that it has room; when it is full the millisecond is borrowed from the future. (Not
 * `crypto.randomUUID`, which is version 4, and missing on pages served over plain HTTP.)
 *
 * @param now milliseconds since 1970
 */
export function createUuidV7(now: () => number, fillRandom: FillRandom): () => string {
  let time = 0;
  let counter = 0;
  return () => {
    const random = fillRandom(new Uint8Array(9));
    const present = now();
    counter += 1;
    if (present > time || counter > 0xfff) {
      time = Math.max(present, time + 1);
      counter = random[8]! << 3;
    }
    const digits = Array.from(random, (byte) => hex(byte, 2)).join('');
    // 7 is the version, 8 the variant; both have a digit of their own, which costs two random bits of 64.
    return (hex(time, 12) + 7 + hex(counter, 3) + 8 + digits).replace(
      /(.{8})(.{4})(.{4})(.{4})(.{12}).*/,
      '$1-$2-$3-$4-$5',
    );
  };
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** When a version 7 UUID was made, in milliseconds since 1970. */
export function timeOfUuidV7(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

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
    const bytes = fillRandom(new Uint8Array(16));
    const present = now();
    const isLater = present > time;
    if (isLater || counter === 0xfff) {
      time = isLater ? present : time + 1;
      counter = ((bytes[6]! & 0x07) << 8) | bytes[7]!;
    } else {
      counter += 1;
    }
    // 48 bits do not fit the 32-bit shift operators, hence the division.
    for (let index = 0; index < 6; index += 1) bytes[index] = Math.floor(time / 2 ** (40 - 8 * index));
    bytes[6] = 0x70 | (counter >> 8);
    bytes[7] = counter;
    bytes[8] = 0x80 | (bytes[8]! & 0x3f);
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  };
}

/** When a version 7 UUID was made, in milliseconds since 1970. */
export function timeOfUuidV7(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

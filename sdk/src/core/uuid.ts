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
    const random = fillRandom(new Uint8Array(10));
    const present = now();
    const isLater = present > time;
    counter += 1;
    if (isLater || counter > 0xfff) {
      time = isLater ? present : time + 1;
      counter = ((random[8]! & 0x07) << 8) | random[9]!;
    }
    random[0] = 0x80 | (random[0]! & 0x3f);
    const tail = Array.from(random.slice(0, 8), (byte) => hex(byte, 2)).join('');
    return (hex(time, 12) + hex(0x7000 | counter, 4) + tail).replace(
      /(.{8})(.{4})(.{4})(.{4})/,
      '$1-$2-$3-$4-',
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

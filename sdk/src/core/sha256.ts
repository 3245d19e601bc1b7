const ROUNDS = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
];
const START = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

type Eight = [number, number, number, number, number, number, number, number];

const turn = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));

/** The text in UTF-8, padded to whole blocks of 64 bytes (FIPS 180-4, section 5.1.1). */
function padText(text: string): DataView {
  const bytes = new TextEncoder().encode(text);
  const view = new DataView(new ArrayBuffer((((bytes.length + 8) >> 6) + 1) << 6));
  new Uint8Array(view.buffer).set(bytes);
  view.setUint8(bytes.length, 0x80);
  view.setUint32(view.byteLength - 4, bytes.length * 8);
  return view;
}

/**
 * The first 32 bits of a text's SHA-256 (FIPS 180-4), as a whole number. At once: the browser's own
 * (`crypto.subtle`) is asynchronous, which would be a flicker, and missing on pages served over plain HTTP.
 */
export function hashText(text: string): number {
  const view = padText(text);
  const state = Int32Array.from(START);
  const words = new Int32Array(64);
  for (let block = 0; block < view.byteLength; block += 64) {
    for (let n = 0; n < 64; n += 1) words[n] = n < 16 ? view.getInt32(block + n * 4) : extend(words, n);
    runRounds(state, words);
  }
  return state[0]! >>> 0;
}

function extend(words: Int32Array, n: number): number {
  const x = words[n - 15]!;
  const y = words[n - 2]!;
  const small = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
  const large = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
  return (words[n - 16]! + small + words[n - 7]! + large) | 0;
}

/** Adds to the state what a block makes of it (section 6.2.2). */
function runRounds(state: Int32Array, words: Int32Array): void {
  // Separate variables: an array of them in their place takes ten times as long.
  let [a, b, c, d, e, f, g, h] = state as unknown as Eight;
  for (let n = 0; n < 64; n += 1) {
    const mixed = (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g));
    const first = (h + mixed + ROUNDS[n]! + words[n]!) | 0;
    const second = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, n) => (state[n]! += word));
}

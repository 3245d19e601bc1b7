/**
 * Columns of many rows as Postgres' binary arrays (`array_send` in src/backend/utils/adt/arrayfuncs.c). pg would write
 * an array as text: a JSON text in it is then quoted again, each quotation mark with a backslash, and read back by the
 * server byte by byte. A Buffer goes out as it is, marked as binary.
 */

/** Type IDs that never change (src/include/catalog/pg_type.dat). */
const OID = { int8: 20, text: 25, timestamptz: 1184, uuid: 2950, jsonb: 3802 } as const;
const HEAD_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;
/** Postgres counts microseconds from 2000-01-01. */
const POSTGRES_EPOCH_MS = 946_684_800_000;
const JSONB_VERSION = 1;
const TWO_32 = 2 ** 32;

/** Texts in canonical 8-4-4-4-12 form. */
export function uuids(values: readonly string[]): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + values.length * (LENGTH_BYTES + 16));
  let at = writeHead(bytes, { oid: OID.uuid, count: values.length, hasNull: false });
  for (const value of values) {
    at = bytes.writeInt32BE(16, at);
    at = writeUuid(bytes, value, at);
  }
  return bytes;
}

export function texts(values: readonly (string | null)[]): Buffer {
  return writeTexts(values, { oid: OID.text, isJsonb: false });
}

/** JSON texts, as jsonb. */
export function jsons(values: readonly (string | null)[]): Buffer {
  return writeTexts(values, { oid: OID.jsonb, isJsonb: true });
}

/** Milliseconds since 1970, as timestamptz; ±Infinity are Postgres' infinities. */
export function instants(values: readonly (number | null)[]): Buffer {
  return writeInt8s(values, { oid: OID.timestamptz, write: writeInstant });
}

/** Whole numbers, as bigint. */
export function counts(values: readonly number[]): Buffer {
  return writeInt8s(values, { oid: OID.int8, write: writeCount });
}

function writeHead(
  bytes: Buffer,
  { oid, count, hasNull }: { oid: number; count: number; hasNull: boolean },
): number {
  // One dimension that begins at 1; an array without elements is one of that length here, which Postgres takes.
  bytes.writeInt32BE(1, 0);
  bytes.writeInt32BE(hasNull ? 1 : 0, 4);
  bytes.writeInt32BE(oid, 8);
  bytes.writeInt32BE(count, 12);
  return bytes.writeInt32BE(1, 16);
}

function writeTexts(
  values: readonly (string | null)[],
  { oid, isJsonb }: { oid: number; isJsonb: boolean },
): Buffer {
  const extra = isJsonb ? 1 : 0;
  const lengths = values.map((value) => (value === null ? NULL_LENGTH : Buffer.byteLength(value)));
  const total = lengths.reduce(
    (sum, length) => sum + LENGTH_BYTES + (length === NULL_LENGTH ? 0 : length + extra),
    0,
  );
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + total);
  let at = writeHead(bytes, { oid, count: values.length, hasNull: lengths.includes(NULL_LENGTH) });
  for (const [index, value] of values.entries()) {
    const length = lengths[index]!;
    if (value === null) {
      at = bytes.writeInt32BE(NULL_LENGTH, at);
      continue;
    }
    at = bytes.writeInt32BE(length + extra, at);
    if (isJsonb) at = bytes.writeUInt8(JSONB_VERSION, at);
    // What is all ASCII is copied byte by byte.
    at += bytes.write(value, at, length, length === value.length ? 'latin1' : 'utf8');
  }
  return bytes;
}

function writeInt8s(
  values: readonly (number | null)[],
  { oid, write }: { oid: number; write: (bytes: Buffer, value: number, at: number) => number },
): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + values.length * (LENGTH_BYTES + 8));
  let at = writeHead(bytes, { oid, count: values.length, hasNull: values.includes(null) });
  for (const value of values) {
    at = bytes.writeInt32BE(value === null ? NULL_LENGTH : 8, at);
    if (value !== null) at = write(bytes, value, at);
  }
  return bytes.subarray(0, at);
}

function writeInstant(bytes: Buffer, ms: number, at: number): number {
  if (ms === Infinity) return bytes.writeBigInt64BE(0x7fff_ffff_ffff_ffffn, at);
  if (ms === -Infinity) return bytes.writeBigInt64BE(-0x8000_0000_0000_0000n, at);
  const microseconds = (ms - POSTGRES_EPOCH_MS) * 1000;
  // Beyond the year 2285 a double no longer holds every microsecond.
  if (Number.isSafeInteger(microseconds)) return writeCount(bytes, microseconds, at);
  return bytes.writeBigInt64BE(BigInt(ms - POSTGRES_EPOCH_MS) * 1000n, at);
}

/** In two halves: a BigInt costs ten times as much. */
function writeCount(bytes: Buffer, value: number, at: number): number {
  const high = Math.floor(value / TWO_32);
  bytes.writeInt32BE(high, at);
  return bytes.writeUInt32BE(value - high * TWO_32, at + 4);
}

/** The value of a hexadecimal digit, by its character code. */
const DIGITS = new Uint8Array(128);
for (let digit = 0; digit < 16; digit += 1) {
  DIGITS[digit.toString(16).charCodeAt(0)] = digit;
  DIGITS[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}
/** Where the 16 bytes' digits stand in 8-4-4-4-12 form. */
const DIGIT_AT = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;

function writeUuid(bytes: Buffer, uuid: string, at: number): number {
  let to = at;
  for (const from of DIGIT_AT) {
    bytes[to++] = (DIGITS[uuid.charCodeAt(from)]! << 4) | DIGITS[uuid.charCodeAt(from + 1)]!;
  }
  return to;
}

import { createHash } from 'node:crypto';

export type KeyKind = 'write' | 'secret';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const PREFIX = { write: 'pk_', secret: 'sk_' } as const;
/** 28 characters of 62 are 166 bits. */
const SECRET_LENGTH = 28;
const CHECKSUM_LENGTH = 6;
/** How many random bytes a key is made from: each gives a character unless it falls outside a multiple of 62. */
export const KEY_RANDOM_BYTES = 64;

/**
 * A new key: prefix, 166 random bits, and six characters of checksum by which a secret scanner or a form tells a
 * mistyped or truncated key from a revoked one without asking the database.
 *
 * @param random {@link KEY_RANDOM_BYTES} random bytes
 */
export function generateKey(kind: KeyKind, random: Uint8Array): string {
  // Bytes from 248 on are skipped: 256 is no multiple of 62, and a remainder would favour some characters.
  const characters = [...random].filter((byte) => byte < 248).map((byte) => ALPHABET[byte % 62]!);
  if (characters.length < SECRET_LENGTH) throw new RangeError('Too little randomness for a key.');
  const body = PREFIX[kind] + characters.slice(0, SECRET_LENGTH).join('');
  return body + checksumOf(body);
}

/** Whether a key of our own making is whole. Keys fixed by the environment carry no checksum. */
export function hasValidChecksum(key: string): boolean {
  return key.slice(-CHECKSUM_LENGTH) === checksumOf(key.slice(0, -CHECKSUM_LENGTH));
}

function checksumOf(body: string): string {
  const digest = createHash('sha256').update(body).digest();
  return [...digest.subarray(0, CHECKSUM_LENGTH)].map((byte) => ALPHABET[byte % 62]!).join('');
}

/** What is kept of a key, a ticket or a session: its SHA-256. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { Cursor } from './cursor';

/**
 * A page token says where a list goes on, and can only be what the list itself gave out: it is signed with the
 * workspace's secret, and bound to all that decides which events come in which order. Layout, in base64url: 8 bytes of
 * milliseconds, 16 of an ID, 8 of the query's digest, 16 of an HMAC-SHA-256 over all before it (RFC 2104, cut as its
 * section 5 allows).
 */
const AT_BYTES = 8;
const ID_BYTES = 16;
const DIGEST_BYTES = 8;
const SEAL_BYTES = 16;
const SIGNED_BYTES = AT_BYTES + ID_BYTES + DIGEST_BYTES;

export interface PageTokenKey {
  readonly secret: Uint8Array;
  /** Whatever another list would differ in, as plain data; its keys' order does not matter. */
  readonly query: Readonly<Record<string, unknown>>;
}

/** Why a token is not taken: it was never given out, or by another list. */
export type TokenProblem = 'not_ours' | 'other_list';

export type OpenedToken =
  { readonly ok: true; readonly place: Cursor } | { readonly ok: false; readonly problem: TokenProblem };

export function sealPageToken(place: Cursor, { secret, query }: PageTokenKey): string {
  const bytes = Buffer.alloc(SIGNED_BYTES);
  bytes.writeBigInt64BE(BigInt(place.at), 0);
  bytes.write(place.id.replaceAll('-', ''), AT_BYTES, 'hex');
  bytes.set(digestOf(query), AT_BYTES + ID_BYTES);
  return Buffer.concat([bytes, signatureOf(bytes, secret)]).toString('base64url');
}

export function openPageToken(text: string, { secret, query }: PageTokenKey): OpenedToken {
  const bytes = Buffer.from(text, 'base64url');
  // Written once more, because base64url reads several texts as the same bytes.
  const isWhole = bytes.length === SIGNED_BYTES + SEAL_BYTES && bytes.toString('base64url') === text;
  const signed = bytes.subarray(0, SIGNED_BYTES);
  if (!isWhole || !timingSafeEqual(bytes.subarray(SIGNED_BYTES), signatureOf(signed, secret))) {
    return { ok: false, problem: 'not_ours' };
  }
  if (!signed.subarray(AT_BYTES + ID_BYTES).equals(digestOf(query)))
    return { ok: false, problem: 'other_list' };
  const hex = signed.toString('hex', AT_BYTES, AT_BYTES + ID_BYTES);
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { ok: true, place: { at: Number(signed.readBigInt64BE(0)), id } };
}

function signatureOf(bytes: Buffer, secret: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(bytes).digest().subarray(0, SEAL_BYTES);
}

function digestOf(query: PageTokenKey['query']): Buffer {
  const sorted = Object.entries(query).sort(([one], [other]) => (one < other ? -1 : 1));
  return Buffer.from(hash('sha256', JSON.stringify(sorted), 'hex').slice(0, 2 * DIGEST_BYTES), 'hex');
}

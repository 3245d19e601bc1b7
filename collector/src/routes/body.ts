import { gunzipSync } from 'node:zlib';
import { parseJson } from '../core/json-text';
import { ApiError } from '../errors';

export interface BodyDescription {
  /** Bytes that the body may have once it is decompressed. */
  readonly maxBytes: number;
  readonly contentType: string;
  /** What the headers say of its compression; '' is nothing. */
  readonly contentEncoding: string;
}

/**
 * An ingest body as JSON text. gzip is recognised by its first bytes whatever the content type says (rudder-sdk-node
 * declares a form).
 *
 * @throws ApiError unsupported_media_type, payload_too_large, invalid_json
 */
export function unpackBody(
  body: Buffer,
  { maxBytes, contentType, contentEncoding }: BodyDescription,
): Buffer {
  if (!/^\s*(x-)?(gzip|identity)?\s*$/i.test(contentEncoding)) {
    throw new ApiError('unsupported_media_type', 'Of compressions, only gzip is taken.');
  }
  const isGzip = body.length > 2 && body[0] === 0x1f && body[1] === 0x8b;
  if (!isGzip && !isAccepted(contentType)) {
    throw new ApiError('unsupported_media_type', 'Send application/json or text/plain, optionally gzipped.');
  }
  const plain = isGzip ? gunzip(body, maxBytes) : body;
  if (plain.length > maxBytes) throw tooLarge(maxBytes);
  return plain;
}

/** @throws ApiError invalid_json */
export function parseBody(plain: Buffer): unknown {
  try {
    return parseJson(plain);
  } catch {
    // What the parser says quotes the body; the code says enough.
    throw new ApiError('invalid_json');
  }
}

/** The text itself, what is parsed of it (measured: 1.8 for events of usual length), and what is sent to the database. */
const MEMORY_PER_BYTE = 6;
/** An empty object or array takes two bytes of JSON, and 56 of memory. */
const MEMORY_PER_OPENING = 64;
const [OPEN_OBJECT, OPEN_ARRAY] = [0x7b, 0x5b];

/**
 * Bytes of memory that a JSON text keeps busy from being parsed until its events are written, rounded up: what counts
 * as in flight. Without the openings a body of `{},{},…` would take five times what it counts.
 */
export function weighJson(plain: Buffer): number {
  let openings = 0;
  for (let index = 0; index < plain.length; index += 1) {
    const byte = plain[index];
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) openings += 1;
  }
  return plain.length * MEMORY_PER_BYTE + openings * MEMORY_PER_OPENING;
}

/** JSON, and plain text (a beacon stays free of preflights with it); nothing said is taken as JSON. */
function isAccepted(contentType: string): boolean {
  return /^(application\/json|text\/plain)\s*(;|$)/i.test(contentType.trim()) || contentType.trim() === '';
}

function gunzip(body: Buffer, maxBytes: number): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
    throw new ApiError('invalid_json', 'The body is not valid gzip.');
  }
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError('payload_too_large', `The body may have at most ${maxBytes} bytes.`);
}

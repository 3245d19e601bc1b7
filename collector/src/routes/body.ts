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
 * The JSON value of an ingest body, and how many bytes it has decompressed. gzip is recognised by its first bytes
 * whatever the content type says (rudder-sdk-node declares a form).
 *
 * @throws ApiError unsupported_media_type, payload_too_large, invalid_json
 */
export function parseBody(
  body: Buffer,
  { maxBytes, contentType, contentEncoding }: BodyDescription,
): { readonly value: unknown; readonly bytes: number } {
  if (!/^\s*(x-)?(gzip|identity)?\s*$/i.test(contentEncoding)) {
    throw new ApiError('unsupported_media_type', 'Of compressions, only gzip is taken.');
  }
  const isGzip = body.length > 2 && body[0] === 0x1f && body[1] === 0x8b;
  if (!isGzip && !isAccepted(contentType)) {
    throw new ApiError('unsupported_media_type', 'Send application/json or text/plain, optionally gzipped.');
  }
  const plain = isGzip ? gunzip(body, maxBytes) : body;
  if (plain.length > maxBytes) throw tooLarge(maxBytes);
  try {
    return { value: parseJson(plain), bytes: plain.length };
  } catch {
    // What the parser says quotes the body; the code says enough.
    throw new ApiError('invalid_json');
  }
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

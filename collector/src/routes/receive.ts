import type { FastifyRequest } from 'fastify';
import type { AccessControl } from '../access';
import type { KeyKind } from '../core/key';
import { isObject, type JsonObject } from '../core/json-value';
import type { Access } from '../db/keys';
import { ApiError } from '../errors';
import { parseBody } from './body';
import type { App } from './context';

/** A page's batch; servers may send more. */
const MAX_BROWSER_BYTES = 500 * 1024;
const MAX_SERVER_BYTES = 4 * 1024 * 1024;

/** What came in one request, and who sent it. */
export interface Received {
  readonly body: JsonObject;
  /** How many bytes the body has, unpacked. */
  readonly bytes: number;
  readonly opened: Access;
}

/**
 * Makes a scope one that takes events: bodies are read by us (gzip, text/plain, strict UTF-8), and a key that is known
 * before the body is checked before the body is read.
 *
 * @returns what a request brought; it throws ApiError for all that is wrong with an envelope
 */
export function receiveIn(app: App, access: AccessControl): (request: FastifyRequest) => Promise<Received> {
  const early = new WeakMap<FastifyRequest, Access>();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', async (request) => {
    const token = keyOf(request);
    if (token !== null) early.set(request, await openFor(request, { access, token }));
  });
  return async (request) => {
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const { value: body, bytes } = parseBody(raw, {
      contentType: request.headers['content-type'] ?? '',
      contentEncoding: request.headers['content-encoding'] ?? '',
      maxBytes: maxBytesOf(request),
    });
    if (!isObject(body)) throw new ApiError('invalid_body', 'The body must be a JSON object.');
    const opened = early.get(request) ?? (await openFor(request, { access, token: body['writeKey'] }));
    return { body, bytes, opened };
  };
}

/** The key that a request shows outside its body: in the query, or as Basic user name (RFC 7617). */
export function keyOf(request: FastifyRequest): string | null {
  const { writeKey } = request.query as { writeKey?: unknown };
  return typeof writeKey === 'string' && writeKey !== '' ? writeKey : headerKeyOf(request);
}

/** The key in the header, where no log of a proxy shows it: Basic user name, or Bearer token (RFC 6750). */
export function headerKeyOf(request: FastifyRequest): string | null {
  const [, basic] = /^Basic +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (basic !== undefined) return Buffer.from(basic, 'base64').toString('utf8').split(':', 1)[0]!;
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null;
}

/** What the key opens for this request. @throws ApiError unauthorized, forbidden_origin */
export async function openFor(
  request: FastifyRequest,
  { access, token, kinds = ['write', 'secret'] }: Opening,
): Promise<Access> {
  if (typeof token !== 'string' || token === '')
    throw new ApiError('unauthorized', 'A write key is required.');
  const opened = await access.open(token, kinds);
  const { origin } = request.headers;
  const allowed = opened.source?.allowedOrigins ?? null;
  // A secret key in a page is a leaked one.
  const isRefused = opened.kind === 'secret' || (allowed !== null && !allowed.includes(origin ?? ''));
  if (origin !== undefined && isRefused) throw new ApiError('forbidden_origin');
  return opened;
}

interface Opening {
  readonly access: AccessControl;
  readonly token: unknown;
  /** @default both */
  readonly kinds?: readonly KeyKind[];
}

function maxBytesOf(request: FastifyRequest): number {
  return request.headers.origin === undefined ? MAX_SERVER_BYTES : MAX_BROWSER_BYTES;
}

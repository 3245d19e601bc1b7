import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { AccessControl } from '../access';
import type { KeyKind } from '../core/key';
import { isObject, type JsonObject } from '../core/json-value';
import type { Access } from '../db/keys';
import { ApiError } from '../errors';
import type { Ingest } from '../ingest';
import type { Reservation } from '../queue/contract';
import { parseBody, unpackBody, weighJson } from './body';
import type { App } from './context';
import { readBody } from './read-body';

/** A page's batch; servers may send more. */
const MAX_BROWSER_BYTES = 500 * 1024;
const MAX_SERVER_BYTES = 4 * 1024 * 1024;

/** What came in one request, and who sent it. */
export interface Received {
  readonly body: JsonObject;
  /** What it weighs in memory until its events are written. */
  readonly bytes: number;
  /**
   * Holds them until the batch is submitted. Not until it is parsed: requests that wait for the same look-up go on
   * step by step together, and between two steps each would find the room that the others have just given back.
   */
  readonly reservation: Reservation;
  readonly opened: Access;
}

/** A request, its answer and its socket, whatever is in it. */
const REQUEST_BYTES = 16 * 1024;

/**
 * Makes a scope one that takes events: bodies are read by us (gzip, text/plain, strict UTF-8), a key that is known
 * before the body is checked before the body is read, and what is read counts as in flight from its first byte.
 *
 * @returns what a request brought; it throws ApiError for all that is wrong with an envelope, and QueueFull
 */
export function receiveIn(
  app: App,
  { access, ingest }: { readonly access: AccessControl; readonly ingest: Ingest },
): (request: FastifyRequest) => Promise<Received> {
  const early = new WeakMap<FastifyRequest, Access>();
  const reservations = new WeakMap<FastifyRequest, Reservation>();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request: FastifyRequest, body: IncomingMessage) =>
    readBody(body, { maxBytes: MAX_SERVER_BYTES, reservation: reservations.get(request)! }),
  );
  // One hook: each that is asynchronous costs a single event's request a turn.
  app.addHook('onRequest', async (request, reply) => {
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > MAX_SERVER_BYTES) throw new ApiError('payload_too_large');
    // Whether there is room for all of it: sooner refused than read in part.
    ingest.reserve(REQUEST_BYTES + announced).release();
    const reservation = ingest.reserve(REQUEST_BYTES);
    reservations.set(request, reservation);
    // Whatever becomes of the request. Where it becomes a batch, that holds its own bytes until it is written.
    reply.raw.once('close', reservation.release);
    const token = keyOf(request);
    if (token !== null) early.set(request, await openFor(request, { access, token }));
  });
  return async (request) => {
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const plain = unpackBody(raw, {
      contentType: request.headers['content-type'] ?? '',
      contentEncoding: request.headers['content-encoding'] ?? '',
      maxBytes: maxBytesOf(request),
    });
    const bytes = REQUEST_BYTES + weighJson(plain);
    const reservation = reservations.get(request)!;
    reservation.grow(bytes);
    const body = parseBody(plain);
    if (!isObject(body)) throw new ApiError('invalid_body', 'The body must be a JSON object.');
    const opened = early.get(request) ?? (await openFor(request, { access, token: body['writeKey'] }));
    return { body, bytes, reservation, opened };
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

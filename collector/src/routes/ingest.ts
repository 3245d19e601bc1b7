import type { FastifyRequest } from 'fastify';
import { MAX_AGE_MS, parseInstant } from '../core/clock';
import { type EventType, type Normalised, normaliseBatch } from '../core/event';
import { isObject, type JsonObject } from '../core/json-value';
import { inWorkspace } from '../db/connect';
import type { Access } from '../db/keys';
import { resolveProfile } from '../db/profiles';
import { ApiError } from '../errors';
import type { Verdict } from '../ingest';
import { SingleVerdict, VerdictCounts } from '../schema';
import { parseBody } from './body';
import type { AddRoutes, RouteContext } from './context';
import type { AccessControl } from '../access';

/** A page's batch; servers may send more. */
const MAX_BROWSER_BYTES = 500 * 1024;
const MAX_SERVER_BYTES = 4 * 1024 * 1024;

/** Events that are refused cost a row each, and need only a few bytes on the wire. */
const MAX_BATCH_EVENTS = 5_000;

/** What came with a secret key came through no source. */
const NO_SOURCE = '00000000-0000-0000-0000-000000000000';

const BATCH_PATHS = ['/v1/batch', '/v1/b', '/beacon/v1/batch'];
const SINGLE_PATHS: Readonly<Record<EventType, readonly string[]>> = {
  track: ['/v1/track', '/v1/t'],
  identify: ['/v1/identify', '/v1/i'],
  page: ['/v1/page', '/v1/p'],
  screen: ['/v1/screen', '/v1/s'],
  group: ['/v1/group', '/v1/g'],
  alias: ['/v1/alias', '/v1/a'],
};

const paths = [...BATCH_PATHS, ...Object.values(SINGLE_PATHS).flat()];

/** Whether any page may call this path: it takes events, and answers nothing but verdicts. */
export function isIngestPath(url: string): boolean {
  return paths.includes(url.split('?', 1)[0]!.replace(/\/$/, ''));
}

/** Events in: Segment's HTTP tracking API, plus a verdict per event. 200 means committed. */
export const addIngestRoutes: AddRoutes = (app, context) => {
  const { access } = context;
  const early = new WeakMap<FastifyRequest, Access>();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  // A key that is known before the body is checked before the body is read.
  app.addHook('onRequest', async (request) => {
    const token = keyOf(request);
    if (token !== null) early.set(request, await openFor(request, { access, token }));
  });

  const receive = async (request: FastifyRequest): Promise<Received> => {
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const contentType = request.headers['content-type'] ?? '';
    const { value: body, bytes } = parseBody(raw, { contentType, maxBytes: maxBytesOf(request) });
    if (!isObject(body)) throw new ApiError('invalid_body', 'The body must be a JSON object.');
    const opened = early.get(request) ?? (await openFor(request, { access, token: body['writeKey'] }));
    return { body, bytes, opened };
  };

  for (const path of BATCH_PATHS) {
    app.post(path, { schema: batchSchema(path !== BATCH_PATHS[0]) }, async (request) => {
      const received = await receive(request);
      const items = received.body['batch'];
      if (!Array.isArray(items)) throw new ApiError('invalid_body', 'batch must be an array of events.');
      if (items.length > MAX_BATCH_EVENTS) {
        throw new ApiError('payload_too_large', `A batch may hold at most ${MAX_BATCH_EVENTS} events.`);
      }
      const sharedContext = isObject(received.body['context']) ? received.body['context'] : null;
      const { verdicts } = await submit(context, { ...received, items, sharedContext });
      return countVerdicts(verdicts);
    });
  }

  for (const [type, aliases] of Object.entries(SINGLE_PATHS)) {
    for (const path of aliases) {
      app.post(path, { schema: singleSchema(type, path !== aliases[0]) }, async (request) => {
        const received = await receive(request);
        const messageId = received.body['messageId'] ?? request.headers['idempotency-key'];
        const items = [{ ...received.body, type, messageId }];
        const { verdicts, normalised } = await submit(context, { ...received, items, sharedContext: null });
        return answerSingle(context, {
          verdict: verdicts[0]!,
          normalised: normalised[0]!,
          opened: received.opened,
        });
      });
    }
  }
};

/** The key that a request shows outside its body: in the query, or as Basic user name (RFC 7617). */
function keyOf(request: FastifyRequest): string | null {
  const { writeKey } = request.query as { writeKey?: unknown };
  if (typeof writeKey === 'string' && writeKey !== '') return writeKey;
  const [, basic] = /^Basic +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (basic !== undefined) return Buffer.from(basic, 'base64').toString('utf8').split(':', 1)[0]!;
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null;
}

/** @throws ApiError unauthorized, forbidden_origin */
async function openFor(
  request: FastifyRequest,
  { access, token }: { access: AccessControl; token: unknown },
): Promise<Access> {
  if (typeof token !== 'string' || token === '')
    throw new ApiError('unauthorized', 'A write key is required.');
  const opened = await access.open(token, ['write', 'secret']);
  const { origin } = request.headers;
  const allowed = opened.source?.allowedOrigins ?? null;
  // A secret key in a page is a leaked one.
  const isRefused = opened.kind === 'secret' || (allowed !== null && !allowed.includes(origin ?? ''));
  if (origin !== undefined && isRefused) throw new ApiError('forbidden_origin');
  return opened;
}

function maxBytesOf(request: FastifyRequest): number {
  return request.headers.origin === undefined ? MAX_SERVER_BYTES : MAX_BROWSER_BYTES;
}

interface Received {
  readonly body: JsonObject;
  readonly bytes: number;
  readonly opened: Access;
}

interface Submission extends Received {
  readonly items: readonly unknown[];
  /** What a batch says of all its events. */
  readonly sharedContext: JsonObject | null;
}

async function submit(
  { ingest, now, newId }: RouteContext,
  { opened, body, bytes, items, sharedContext }: Submission,
): Promise<{ verdicts: readonly Verdict[]; normalised: readonly Normalised[] }> {
  const receivedAt = now().getTime();
  const { workspaceId, currency, source, kind } = opened;
  const normalised = normaliseBatch(items, {
    workspaceId,
    receivedAt,
    sentAt: typeof body['sentAt'] === 'string' ? parseInstant(body['sentAt']) : null,
    oldest: kind === 'secret' ? null : receivedAt - MAX_AGE_MS,
    context: sharedContext,
    newMessageId: newId,
  });
  const sourceId = source?.sourceId ?? NO_SOURCE;
  const verdicts = await ingest.submit({
    workspaceId,
    currency,
    sourceId,
    receivedAt,
    bytes,
    items,
    normalised,
  });
  return { verdicts, normalised };
}

function countVerdicts(verdicts: readonly Verdict[]) {
  return {
    accepted: verdicts.filter(({ status }) => status === 'accepted').length,
    duplicates: verdicts.filter(({ status }) => status === 'duplicate').length,
    rejected: verdicts.flatMap((verdict, index) => {
      if (verdict.status !== 'rejected') return [];
      const { messageId, code, message } = verdict;
      return [{ index, messageId, code, message }];
    }),
  };
}

async function answerSingle(
  { db }: RouteContext,
  { verdict, normalised, opened }: { verdict: Verdict; normalised: Normalised; opened: Access },
) {
  const { status, messageId } = verdict;
  if (status === 'rejected')
    throw new ApiError('invalid_event', verdict.message, { code: verdict.code, messageId });
  // A public key must not tell who an identifier belongs to.
  if (opened.kind !== 'secret' || !normalised.ok) return { status, messageId };
  const { workspaceId } = opened;
  const profileId = await inWorkspace(db, workspaceId, (transaction) =>
    resolveProfile(transaction, workspaceId, normalised.event.subjectId),
  );
  return { status, messageId, profileId };
}

const tags = ['ingest'];
const security = [{ writeKey: [] }, { writeKeyQuery: [] }];

/** The body is read by us (gzip, text/plain, strict UTF-8), so its schema is for the document only. */
function batchSchema(hide: boolean) {
  return {
    tags,
    security,
    hide,
    summary: 'Send events',
    response: { 200: VerdictCounts },
    consumes: CONSUMES,
  };
}

function singleSchema(type: string, hide: boolean) {
  return {
    tags,
    security,
    hide,
    summary: `Send one ${type} event`,
    response: { 200: SingleVerdict },
    consumes: CONSUMES,
  };
}

const CONSUMES = ['application/json', 'text/plain'];

import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { Type } from '@fastify/type-provider-typebox';
import { EVENT_TYPES, type EventType } from '../core/event';
import { isObject, type JsonObject } from '../core/json-value';
import { type Query, readPixel } from '../core/pixel';
import { ApiError } from '../errors';
import type { AddRoutes, Request } from './context';
import { openFor } from './receive';
import { refuse, submit } from './submit';

const PIXEL_PATH = '/v1/pixel.gif';
const typedPath = (type: EventType) => `/v1/pixel/${type}`;

/** 1 × 1, transparent (GIF89a). */
const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
const HEADERS = {
  'content-type': 'image/gif',
  // An image that comes out of a cache records nothing.
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  // Else pages that isolate themselves (Cross-Origin-Embedder-Policy) do not load it.
  'cross-origin-resource-policy': 'cross-origin',
};

/** A page, or a mail client, shows that it is still loading for as long as we wait; the event comes in all the same. */
const PATIENCE_MS = 1_000;
/** Headers are hints; a long one must not make an event too large. */
const MAX_HINT_LENGTH = 2_000;

/**
 * Events out of an image's address, for pages without scripts and for mail. The image is the answer to everything:
 * nobody reads another one. What was wrong with an event is a bad row; what was wrong beyond it is in the log.
 */
export const addPixelRoutes: AddRoutes = (app, context) => {
  const { access } = context;

  const record = async (request: Request, type: EventType | null): Promise<void> => {
    const call = readPixel(request.query as Query, type);
    // A secret key in an image's address is a leaked one.
    const opened = await openFor(request, { access, token: call.writeKey, kinds: ['write'] });
    const bytes = request.url.length;
    if (!call.ok) return refuse(context, { opened, bytes, given: call.given, message: call.message });
    const item = withHints(call.item, request.headers);
    await submit(context, { opened, bytes, items: [item], sentAt: item['sentAt'], shared: null });
  };

  const add = (path: string, type: EventType | null) =>
    app.get(path, { schema: schemaOf(type), attachValidation: true }, async (request, reply) => {
      // Those who ask with HEAD look whether the image is there; they would count twice.
      if (request.method === 'GET') await recordPatiently(request, () => record(request, type));
      return reply.headers(HEADERS).send(GIF);
    });

  add(PIXEL_PATH, null);
  for (const type of EVENT_TYPES) add(typedPath(type), type);
};

async function recordPatiently(request: Request, record: () => Promise<void>): Promise<void> {
  const recorded = record().catch((error: unknown) => {
    if (error instanceof ApiError) request.log.info({ code: error.code }, 'A pixel recorded nothing');
    else request.log.warn({ err: error }, 'A pixel may have recorded nothing');
  });
  const patience = new AbortController();
  const { signal } = patience;
  // Aborted where the event was there first: nobody waits for it any more.
  await Promise.race([recorded, wait(PATIENCE_MS, undefined, { signal }).catch(() => undefined)]);
  patience.abort();
}

/** The browser's own words about itself and about the page that shows the image, where the event says nothing. */
function withHints(item: JsonObject, headers: IncomingHttpHeaders): JsonObject {
  const context = item['context'] ?? {};
  if (!isObject(context)) return item;
  const { 'user-agent': userAgent, referer } = headers;
  const page = context['page'] ?? {};
  const hints = {
    ...(userAgent === undefined ? {} : { userAgent: userAgent.slice(0, MAX_HINT_LENGTH) }),
    ...(referer === undefined || !isObject(page)
      ? {}
      : { page: { url: referer.slice(0, MAX_HINT_LENGTH), ...page } }),
  };
  return { ...item, context: { ...hints, ...context, ...('page' in hints ? { page: hints.page } : {}) } };
}

const text = (description: string) => Type.Optional(Type.String({ description }));

function schemaOf(type: EventType | null) {
  return {
    tags: ['ingest'],
    hide: type !== null,
    summary: 'Record an event by an image',
    description:
      'Always answers a transparent GIF. The event is the JSON of `data`, or plain parameters; dots lead into ' +
      'objects: `properties.plan=pro`. What was wrong with it is listed under /v1/rejected.',
    security: [{ writeKeyQuery: [] }],
    querystring: Type.Object({
      data: text('JSON of the event in base64 or base64url; it may hold the writeKey.'),
      writeKey: text('Needed here unless data holds it.'),
      type: text('Without it: track where there is an event, else page.'),
      event: text('The name of what happened.'),
      name: text('The name of a page or screen.'),
      userId: text('Who did it.'),
      anonymousId: text('Or whose device; one of the two is needed.'),
      messageId: text('Makes the event count once, however often the image is loaded.'),
    }),
    produces: ['image/gif'],
  };
}

import { Type } from '@fastify/type-provider-typebox';
import type { AccessControl } from '../access';
import type { Access } from '../db/keys';
import { ApiError } from '../errors';
import { StrictObject } from '../schema';
import type { AddRoutes, Reply, Request } from './context';

/** Long enough to spare a visitor's next pages the question, short enough for a revoked key to be noticed. */
const MAX_AGE_SECONDS = 300;

/** Counts of calls, a few hundred bytes. */
const MAX_METRICS_BYTES = 64 * 1024;

/** What the clients of others ask for before they send, and what they send besides events. Public, as write keys are. */
export const addClientSettingsRoutes: AddRoutes = (app, { access }) => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  app.get('/v1/projects/:writeKey/settings', { schema: analyticsNextSchema }, async (request, reply) => {
    const { writeKey } = request.params;
    await openSource(access, writeKey);
    makeCacheable(reply);
    return analyticsNextSettings(writeKey, {
      protocol: protocolOf(request),
      apiHost: `${hostOf(request)}/v1`,
    });
  });

  app.get('/sourceConfig', { schema: rudderSchema }, async (request, reply) => {
    const source = await openSource(access, request.query.writeKey);
    makeCacheable(reply);
    return rudderConfig(source.sourceId);
  });

  app.post('/v1/m', { schema: metricsSchema, bodyLimit: MAX_METRICS_BYTES }, async (_request, reply) => {
    void reply.code(204);
    return null;
  });
};

/** The source of a write key. There is no such page for any other key. @throws ApiError not_found */
async function openSource(access: AccessControl, writeKey: string): Promise<NonNullable<Access['source']>> {
  const { source } = await access.open(writeKey, ['write']).catch((error: unknown) => {
    // 404 is what both clients take for a wrong key; 401 would ask for credentials that they have no place for.
    throw error instanceof ApiError && error.code === 'unauthorized' ? new ApiError('not_found') : error;
  });
  if (source === null) throw new ApiError('not_found');
  return source;
}

function makeCacheable(reply: Reply): void {
  void reply.header('cache-control', `public, max-age=${MAX_AGE_SECONDS}`);
}

/** As the client asked; a proxy's word counts where `THROUGHLINE_TRUSTED_PROXIES` names it (app.ts). */
function protocolOf(request: Request): 'http' | 'https' {
  return request.protocol === 'https' ? 'https' : 'http';
}

function hostOf(request: Request): string {
  // HTTP/1.0 may leave it out, and no client can send to nowhere.
  if (request.host === '') throw new ApiError('invalid_request', 'A Host header is required.');
  return request.host;
}

/**
 * What `@segment/analytics-next` must be told (`CDNSettings` in its src/browser/settings.ts): its one destination is
 * the server that it asked. `apiHost` has a path but no scheme; that is `protocol`, and https when left out. Without a
 * `sampleRate` of 0 its own metrics would go to Segment.
 */
function analyticsNextSettings(
  apiKey: string,
  { protocol, apiHost }: { protocol: 'http' | 'https'; apiHost: string },
) {
  return {
    integrations: { 'Segment.io': { apiKey, apiHost, protocol } },
    metrics: { sampleRate: 0, host: apiHost },
  };
}

/**
 * What `@rudderstack/analytics-js` must be told (`isValidSourceConfig` in its configManager): a source without
 * destinations. Where events go is the `dataPlaneUrl` that the page gives it. Both kinds of statistics would go to
 * places that are not ours.
 */
function rudderConfig(sourceId: string) {
  const statsCollection = { errors: { enabled: false }, metrics: { enabled: false } };
  return { source: { id: sourceId, enabled: true, config: { statsCollection }, destinations: [] } };
}

const tags = ['ingest'];
const security: { [name: string]: string[] }[] = [];

const analyticsNextSchema = {
  tags,
  security,
  summary: 'What analytics-next loads before it sends here',
  params: StrictObject({ writeKey: Type.String({ maxLength: 300 }) }),
  response: {
    200: Type.Object({
      integrations: Type.Object({
        'Segment.io': Type.Object({
          apiKey: Type.String(),
          apiHost: Type.String({ description: 'Host and path, without a scheme.' }),
          protocol: Type.Union([Type.Literal('http'), Type.Literal('https')]),
        }),
      }),
      metrics: Type.Object({ sampleRate: Type.Number(), host: Type.String() }),
    }),
  },
};

const Switch = Type.Object({ enabled: Type.Boolean() });

const rudderSchema = {
  tags,
  security,
  summary: 'What RudderStack’s browser client loads before it sends here',
  // It says its version and more; what is not needed is let pass.
  querystring: Type.Object({ writeKey: Type.String({ maxLength: 300 }) }),
  response: {
    200: Type.Object({
      source: Type.Object({
        id: Type.String(),
        enabled: Type.Boolean(),
        config: Type.Object({ statsCollection: Type.Object({ errors: Switch, metrics: Switch }) }),
        destinations: Type.Array(Type.Never(), { maxItems: 0 }),
      }),
    }),
  },
};

const metricsSchema = {
  tags,
  security,
  summary: 'Takes the metrics that analytics-next keeps about itself, and ignores them',
  consumes: ['text/plain', 'application/json'],
  response: { 204: Type.Null() },
};

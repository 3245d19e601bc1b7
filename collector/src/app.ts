import cors from '@fastify/cors';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { createAccess } from './access';
import { ApiError, errorBody, RETRY_AFTER_SECONDS } from './errors';
import { toApiError } from './failure';
import { LAZY_COMPILERS } from './lazy-schemas';
import { allowLongRequests } from './long-requests';
import { addAudienceRoutes } from './routes/audiences';
import { addAuditRoutes } from './routes/audit';
import { openToAnyPage } from './routes/any-page';
import { addClaimRoutes } from './routes/claims';
import { addCookieRoute } from './routes/cookie';
import { addClientSettingsRoutes } from './routes/client-settings';
import { addConsoleRoutes } from './routes/console';
import type { App, RouteContext } from './routes/context';
import { addDecideRoute } from './routes/decide';
import { addDecisionRoutes } from './routes/decisions';
import { addDemoRoutes } from './routes/demo';
import { addDestinationRoutes } from './routes/destinations';
import { addEventRoutes } from './routes/events';
import { addExportRoutes } from './routes/exports';
import { addHealthRoutes } from './routes/health';
import { addImportRoute } from './routes/import';
import { addIngestRoutes } from './routes/ingest';
import { addLinkRoutes } from './routes/links';
import { addMetricsRoutes } from './routes/metrics';
import { addPixelRoutes } from './routes/pixel';
import { addProfileExportRoutes } from './routes/profile-export';
import { addProfileSessionRoutes } from './routes/profile-sessions';
import { addProfileRoutes } from './routes/profiles';
import { addRegulationExport } from './routes/regulation-export';
import { addRegulationRoutes } from './routes/regulations';
import { addRejectedRoutes } from './routes/rejected';
import { addSdkRoutes } from './routes/sdk';
import { addSessionRoutes } from './routes/session';
import { addTimelineRoutes } from './routes/timeline';
import { addWhyRoute } from './routes/why';
import { addWorkspaceRoutes } from './routes/workspace';
import { describeErrors, openApiDocument } from './openapi';
import { logUnroutable, RequestLog } from './request-log';
import { watchSilentConnections } from './silent-connections';

/** A server batch may be this large; browsers' are bounded further in routes/receive.ts. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** The largest event as base64 in a pixel's address takes 44 KB. Node's own limit is 16 KB. */
const MAX_HEADER_BYTES = 64 * 1024;
/** How long a request may take to arrive. Fastify waits for a slow body for ever unless told otherwise. */
const TIMEOUTS = { headersMs: 10_000, requestMs: 30_000, checkEveryMs: 1_000 };

const JSON_ERRORS = ['FST_ERR_CTP_EMPTY_JSON_BODY', 'FST_ERR_CTP_INVALID_JSON_BODY'];

/** With a secret key, or the console's session. */
const READER_ROUTES = [
  addEventRoutes,
  addProfileRoutes,
  addTimelineRoutes,
  addWhyRoute,
  addClaimRoutes,
  addLinkRoutes,
  addProfileSessionRoutes,
  addProfileExportRoutes,
  addAudienceRoutes,
  addDecisionRoutes,
  addDestinationRoutes,
  addRejectedRoutes,
  addRegulationRoutes,
  addRegulationExport,
  addAuditRoutes,
  addWorkspaceRoutes,
  addExportRoutes,
];

/** Builds the HTTP application: every route file is named here. The caller listens and closes. */
export async function buildApp(
  context: RouteContext,
  logger: FastifyBaseLogger,
  timeouts: Readonly<typeof TIMEOUTS> = TIMEOUTS,
): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: logger,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: timeouts.requestMs,
    // Only from these is X-Forwarded-* believed: anybody else could write what they like.
    trustProxy: [...context.config.trustedProxies],
    connectionTimeout: 0,
    // A request that comes on an open connection while we stop is answered like any other, and its connection closed
    // then; Fastify's own 503 has neither our body nor the Retry-After that senders go by.
    return503OnClosing: false,
    http: {
      headersTimeout: timeouts.headersMs,
      connectionsCheckingInterval: timeouts.checkEveryMs,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    genReqId: context.newId,
    logController: new RequestLog(),
    // Fields that nobody knows are refused, not dropped in silence, and every fault is listed.
    ajv: { customOptions: { removeAdditional: false, allErrors: true } },
    schemaController: { compilersFactory: LAZY_COMPILERS },
    routerOptions: { ignoreTrailingSlash: true },
    frameworkErrors: answerUnroutable,
  }).withTypeProvider<TypeBoxTypeProvider>();
  handleErrors(app, context);
  countRequests(app, context);
  const hangUpOnSilent = watchSilentConnections(app.server);
  app.addHook('preClose', async () => hangUpOnSilent());
  await app.register(cors, corsOf(context));
  hangUpWhileDraining(app, context);
  app.addHook('onRoute', describeErrors);
  await app.register(swagger, { openapi: openApiDocument });
  await app.register(swaggerUi, { routePrefix: '/docs' });

  const access = createAccess({
    db: context.accessDb,
    now: context.now,
    corsOrigins: context.config.corsOrigins,
  });
  const routes = { ...context, access };
  const longRequests = allowLongRequests(app.server);
  // Open: each checks for itself what it needs.
  for (const add of [addHealthRoutes, addMetricsRoutes, addSdkRoutes, addConsoleRoutes, addSessionRoutes])
    add(app, routes);
  if (context.config.environment !== 'production') addDemoRoutes(app, routes);
  // With a write key, from any page.
  for (const add of [addIngestRoutes, addPixelRoutes, addClientSettingsRoutes]) {
    await app.register(async (scope) => {
      openToAnyPage(scope as App);
      add(scope as App, routes);
    });
  }
  // With a write key, from pages of its own site.
  await app.register(async (scope) => addCookieRoute(scope as App, routes));
  // With a secret key, or from any page with a write key.
  await app.register(async (scope) => addDecideRoute(scope as App, routes));
  // With a secret key, and a body without a bound.
  await app.register(async (scope) => addImportRoute(scope as App, { ...routes, longRequests }));
  await app.register(async (scope) => {
    scope.addHook('onRequest', access.requireReader);
    for (const add of READER_ROUTES) add(scope as App, routes);
  });
  app.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/console/', 302));
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  return app as unknown as FastifyInstance;
}

/** Pages of listed origins may read; which routes any page may call, routes/any-page.ts says. */
const corsOf = ({ config }: RouteContext) => ({
  origin: [...config.corsOrigins],
  methods: 'GET, POST, PUT, PATCH, DELETE',
  exposedHeaders: 'Retry-After, X-Request-Id',
  maxAge: 86_400,
});

/** Also of a request that came before the stop: its connection would stay open, and the stop wait for it. */
function hangUpWhileDraining(app: App, { isDraining }: RouteContext): void {
  app.addHook('onSend', async (_request, reply) => {
    if (isDraining()) void reply.header('connection', 'close');
  });
}

/** By the route's pattern; what no route takes is one of its own. */
function countRequests(app: App, { metrics }: RouteContext): void {
  app.addHook('onResponse', ({ method, routeOptions }, { statusCode, elapsedTime }, done) => {
    const route = routeOptions.url ?? 'none';
    metrics.onRequest({ method, route, status: statusCode, seconds: elapsedTime / 1000 });
    done();
  });
}

function handleErrors(app: App, { metrics }: RouteContext): void {
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    done();
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(errorBody(new ApiError('not_found'))));
  app.setErrorHandler<FastifyError>((thrown, request, reply) => {
    const error = readError(thrown);
    if (error.status === 503) {
      metrics.onUnserved(error.code);
      void reply.header('retry-after', RETRY_AFTER_SECONDS);
    }
    if (error.code === 'internal' || error.code === 'unavailable')
      request.log.error({ err: thrown }, error.message);
    return reply.code(error.status).send(errorBody(error));
  });
}

/** A URL that cannot be decoded never reaches a route, nor the error handler. */
function answerUnroutable(thrown: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const error = readError(thrown);
  logUnroutable(request, error.status);
  void reply.code(error.status).header('x-request-id', request.id).send(errorBody(error));
}

/** An error of Fastify's or of ours as the client is told of it. */
function readError(error: FastifyError): ApiError {
  if (error instanceof ApiError) return error;
  if (error.validation !== undefined) {
    const detail = error.validation.map(({ instancePath, message, params }) => ({
      path: `${error.validationContext ?? 'body'}${instancePath.replaceAll('/', '.')}`,
      message:
        'additionalProperty' in params ? `${message}: ${String(params['additionalProperty'])}` : message,
    }));
    return new ApiError('invalid_request', undefined, detail);
  }
  if (error.statusCode === 413) return new ApiError('payload_too_large');
  if (error.statusCode === 415) return new ApiError('unsupported_media_type');
  if (JSON_ERRORS.includes(error.code) || error instanceof SyntaxError) return new ApiError('invalid_json');
  if (error.statusCode !== undefined && error.statusCode < 500)
    return new ApiError('invalid_request', error.message);
  return toApiError(error);
}

import { Type } from '@fastify/type-provider-typebox';
import { isDatabaseReachable } from '../db/health';
import { InstantOut, Nullable } from '../schema';
import type { AddRoutes } from './context';
import { mayReadMetrics } from './metrics';
import type { Metrics } from '../metrics';

const Counts = {
  accepted: Type.Integer(),
  duplicates: Type.Integer(),
  rejected: Type.Integer(),
};

const HealthBody = Type.Object({
  status: Type.Union([Type.Literal('ok'), Type.Literal('degraded')]),
  timestamp: InstantOut,
  uptime: Type.Number({ description: 'Seconds since the process started.' }),
  memory: Type.Object({ rss: Type.Integer(), heapTotal: Type.Integer(), heapUsed: Type.Integer() }),
  database: Type.Union([Type.Literal('connected'), Type.Literal('disconnected')]),
  queue: Type.Object({
    waitingJobs: Type.Integer(),
    waitingEvents: Type.Integer(),
    bytesInFlight: Type.Integer(),
    maxBytes: Type.Integer(),
    writing: Type.Integer(),
    writers: Type.Integer(),
    oldestAgeMs: Type.Number(),
  }),
  deliveries: Type.Object(
    {
      waiting: Type.Integer({ description: 'Sent in vain, and waiting for the next try.' }),
      oldestAgeMs: Nullable(
        Type.Number({ description: 'How long the oldest change waits to be sent; null: none does.' }),
      ),
      deadOfLastDay: Type.Integer({ description: 'Given up within the last 24 hours.' }),
      delivered: Type.Integer({ description: 'Since the process started, as is `failed`.' }),
      failed: Type.Integer({ description: 'Attempts that were not answered with 2xx.' }),
      lookedAt: Nullable(
        Type.Unsafe<Date>({
          ...InstantOut,
          description: 'When the process looked last, which it does each second; null: not yet.',
        }),
      ),
    },
    { description: 'To the destinations of all workspaces that are active.' },
  ),
  ingest: Type.Object({
    ...Counts,
    lastFlush: Nullable(
      Type.Object({ events: Type.Integer(), durationMs: Type.Number(), commitLatencyMs: Type.Number() }),
    ),
    sources: Type.Optional(
      Type.Array(Type.Object({ id: Type.String(), ...Counts }), {
        description: 'Only with the token of /metrics.',
      }),
    ),
  }),
});

const ReadyBody = Type.Object({ ready: Type.Boolean() });

/** For balancers and people at night; without a key. */
export const addHealthRoutes: AddRoutes = (app, { db, ingest, metrics, config, now, isDraining }) => {
  const tags = ['health'];

  app.get(
    '/health',
    {
      config: { isFrequent: true },
      schema: { tags, summary: 'How the process does', response: { 200: HealthBody, 503: HealthBody } },
    },
    async (request, reply) => {
      const isConnected = await isDatabaseReachable(db);
      const { rss, heapTotal, heapUsed } = process.memoryUsage();
      return reply.code(isConnected ? 200 : 503).send({
        status: isConnected ? 'ok' : 'degraded',
        timestamp: now(),
        uptime: process.uptime(),
        memory: { rss, heapTotal, heapUsed },
        database: isConnected ? 'connected' : 'disconnected',
        queue: ingest.stats(),
        deliveries: deliveriesOf(metrics),
        ingest: {
          ...metrics.totals(),
          lastFlush: metrics.lastFlush(),
          ...(mayReadMetrics(request, config.metricsToken) ? { sources: sourcesOf(metrics) } : {}),
        },
      });
    },
  );

  app.get(
    '/ready',
    {
      config: { isFrequent: true },
      schema: {
        tags,
        summary: 'Whether to send requests here',
        response: { 200: ReadyBody, 503: ReadyBody },
      },
    },
    async (_request, reply) => {
      const ready = !isDraining() && (await isDatabaseReachable(db));
      return reply.code(ready ? 200 : 503).send({ ready });
    },
  );
};

function sourcesOf(metrics: Metrics) {
  return [...metrics.bySource()].map(([id, counts]) => ({ id, ...counts }));
}

/** As they were when the worker looked last: whoever asks, however often, costs the database nothing. */
function deliveriesOf(metrics: Metrics) {
  const { waiting, oldestWaitingMs: oldestAgeMs, deadOfLastDay, ...rest } = metrics.deliveries();
  const { delivered, failed, lookedAt } = rest;
  return { waiting, oldestAgeMs, deadOfLastDay, delivered, failed, lookedAt };
}

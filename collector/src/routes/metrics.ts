import { createHash, timingSafeEqual } from 'node:crypto';
import { ApiError } from '../errors';
import type { AddRoutes, Request } from './context';

/**
 * For Prometheus, with a token of its own: the port is public, a proxy in front makes every address look like this
 * machine's, and a workspace's secret key must not tell about the others.
 */
export const addMetricsRoutes: AddRoutes = (app, { metrics, config }) => {
  app.get(
    '/metrics',
    {
      config: { isFrequent: true },
      schema: {
        tags: ['health'],
        summary: 'Metrics for Prometheus',
        description: 'With `Authorization: Bearer` and THROUGHLINE_METRICS_TOKEN; without that setting, 404.',
        security: [{ metricsToken: [] }],
        produces: ['text/plain'],
      },
    },
    async (request, reply) => {
      if (config.metricsToken === undefined)
        throw new ApiError('not_found', 'Metrics are off here: set THROUGHLINE_METRICS_TOKEN.');
      if (!mayReadMetrics(request, config.metricsToken)) throw new ApiError('unauthorized');
      return reply.type(metrics.contentType).send(await metrics.render());
    },
  );
};

/** Compared by hash: in a time that does not depend on how much of it is right. */
export function mayReadMetrics(request: Request, token: string | undefined): boolean {
  const [, given] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (given === undefined || token === undefined) return false;
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(token));
}

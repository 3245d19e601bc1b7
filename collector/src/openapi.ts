import type { RouteOptions } from 'fastify';
import { ErrorBody } from './schema';

/** What the OpenAPI document says beside the routes, which describe themselves. */
export const openApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'Throughline',
    version: '0.1.0',
    description:
      'Events in by write key (Segment-compatible, with a verdict per event; 200 means committed), and profiles, ' +
      'timelines and audiences out by secret key.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  components: {
    securitySchemes: {
      secretKey: { type: 'http' as const, scheme: 'bearer', description: 'A secret key: sk_…' },
      writeKey: {
        type: 'http' as const,
        scheme: 'basic',
        description: 'A write key (pk_…) as user name, no password.',
      },
      metricsToken: { type: 'http' as const, scheme: 'bearer', description: 'THROUGHLINE_METRICS_TOKEN' },
      writeKeyQuery: { type: 'apiKey' as const, name: 'writeKey', in: 'query' as const },
    },
  },
  security: [{ secretKey: [] }],
};

/** Every documented route may answer an error, and all errors have one shape. */
export function describeErrors({ schema }: RouteOptions): void {
  if (schema === undefined || (schema as { hide?: boolean }).hide === true) return;
  schema.response = { '4xx': ErrorBody, '5xx': ErrorBody, ...(schema.response as object | undefined) };
}

import Fastify, { type FastifyBaseLogger, type FastifyRequest } from 'fastify';
import type { LogLevel } from './config';

/**
 * JSON lines on stdout. Made by Fastify, so that there is the one pino that Fastify brings. Of a request only method
 * and path are written: a query may hold a key or a ticket, and an address is personal data.
 */
export function createLogger(level: LogLevel): FastifyBaseLogger {
  const serializers = {
    req: ({ method, url }: FastifyRequest) => ({ method, path: url.split('?', 1)[0] ?? '' }),
  };
  return Fastify({ logger: { level, serializers } }).log;
}

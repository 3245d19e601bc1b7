import Fastify, { type FastifyBaseLogger } from 'fastify';
import type { LogLevel } from './config';

/** JSON lines on stdout. Made by Fastify, so that there is the one pino that Fastify brings. */
export function createLogger(level: LogLevel): FastifyBaseLogger {
  return Fastify({ logger: { level } }).log;
}

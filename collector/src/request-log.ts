import { type FastifyReply, type FastifyRequest, LogController } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Is called thousands of times, by pages or by a watchman: an answer that is well is worth a line at debug only. */
    isFrequent?: true;
  }
}

/**
 * A line for each answer, when it is over. There is none for a request that has only begun, nor at info for one that
 * brought events and was well: that would be as many bytes of log as of events, and `/metrics` counts them.
 */
export class RequestLog extends LogController {
  override incomingRequest(): void {
    // The line at its end says all that could be said here.
  }

  override requestCompleted(
    error: Error | null | undefined,
    { method, url, routeOptions }: FastifyRequest,
    { log, statusCode, elapsedTime }: FastifyReply,
  ): void {
    const { isFrequent } = routeOptions.config;
    // Of the address only the path: a query may hold a key or a ticket.
    const seen = { method, path: url.split('?', 1)[0], status: statusCode, ms: Math.round(elapsedTime) };
    if (error) log.error({ ...seen, err: error }, 'The answer could not be sent.');
    else if (isFrequent && statusCode < 400) log.debug(seen, 'Answered.');
    else log.info(seen, 'Answered.');
  }
}

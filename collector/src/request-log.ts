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
    request: FastifyRequest,
    { log, statusCode, elapsedTime }: FastifyReply,
  ): void {
    const { isFrequent } = request.routeOptions.config;
    const seen = describeAnswer(request, { status: statusCode, ms: Math.round(elapsedTime) });
    if (error) log.error({ ...seen, err: error }, 'The answer could not be sent.');
    else if (isFrequent && statusCode < 400) log.debug(seen, ANSWERED);
    else log.info(seen, ANSWERED);
  }
}

/** The line of an answer to an address that cannot be decoded, of which Fastify says nothing. */
export function logUnroutable(request: FastifyRequest, status: number): void {
  request.log.info(describeAnswer(request, { status, ms: 0 }), ANSWERED);
}

const ANSWERED = 'Answered.';

/** Of the address only the path: a query may hold a key or a ticket. */
function describeAnswer({ method, url }: FastifyRequest, answer: { status: number; ms: number }) {
  return { method, path: url.split('?', 1)[0], ...answer };
}

import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

export interface LongRequests {
  /** Lets this request's body take as long as it takes; whoever calls it bounds it in another way. */
  readonly allow: (request: IncomingMessage) => void;
}

/**
 * Node bounds how long any request may take to arrive (`requestTimeout`), against senders that trickle, and knows no
 * exception. It tells `clientError` before it hangs up, and hangs up only if nobody listens; Fastify listens, and
 * hangs up. So this stands in front of that listener and passes everything on but the timeouts of allowed requests.
 */
export function allowLongRequests(server: Server): LongRequests {
  const allowed = new WeakSet<Socket>();
  const listeners = server.listeners('clientError') as ((error: Error, socket: Socket) => void)[];
  server.removeAllListeners('clientError');
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && allowed.has(socket as Socket)) return;
    for (const listener of listeners) listener.call(server, error, socket as Socket);
  });
  return {
    allow: (request) => {
      allowed.add(request.socket);
      request.once('close', () => allowed.delete(request.socket));
    },
  };
}

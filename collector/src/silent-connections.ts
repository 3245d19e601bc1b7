import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Remembers connections that have not sent a request yet; browsers open some in advance. A closing server waits for
 * them as if a request were on its way.
 *
 * @returns what hangs up on all of them
 */
export function watchSilentConnections(server: Server): () => void {
  const silent = new Set<Socket>();
  server.on('connection', (socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.on('request', ({ socket }) => silent.delete(socket));
  return () => {
    for (const socket of silent) socket.destroy();
  };
}

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allowLongRequests } from '../../src/long-requests';

let server: Server;
let arrived: IncomingMessage[];

/** A server that gives a request little time, though enough to begin on a busy machine, and asks often. */
beforeEach(async () => {
  arrived = [];
  server = createServer({ requestTimeout: 1_000, headersTimeout: 1_000, connectionsCheckingInterval: 10 });
  server.on('clientError', (_error, socket) => socket.end('HTTP/1.1 408 Request Timeout\r\n\r\n'));
  const { allow } = allowLongRequests(server);
  server.on('request', (request, response) => {
    arrived.push(request);
    if (request.url === '/long') allow(request);
    request.on('end', () => response.end('all of it')).resume();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function begin(path: string): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.setEncoding('utf8').write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab`);
  await once(server, 'request');
  return socket;
}

const nextText = async (socket: Socket): Promise<string> => ((await once(socket, 'data')) as [string])[0];

describe('a request whose body takes longer than any may', () => {
  it('is answered 408, unless it is allowed to', async () => {
    const long = await begin('/long');
    const other = await begin('/other');
    expect(await nextText(other)).toContain('408');
    // A third one, begun later, shows that the time of the first was over, too.
    expect(await nextText(await begin('/other'))).toContain('408');
    long.write('cd');
    expect(await nextText(long)).toMatch(/200 OK[^]*all of it/);
  });

  it('is allowed once: the next one on its connection is bounded again', async () => {
    const socket = await begin('/long');
    socket.write('cd');
    expect(await nextText(socket)).toContain('200 OK');
    socket.write('POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab');
    expect(await nextText(socket)).toContain('408');
    expect(arrived.map(({ url }) => url)).toEqual(['/long', '/other']);
  });
});

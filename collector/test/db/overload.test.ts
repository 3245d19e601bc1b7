import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Api, METRICS_TOKEN, openApi } from '../support/api';

const PATIENCE = { timeout: 50_000, interval: 20 };
const MEGABYTE = 1024 * 1024;

describe('many large bodies', () => {
  let api: Api;
  const sockets: Socket[] = [];
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await api.close();
  });

  /** A request whose body is sent by the test. */
  async function announce(bytes: number): Promise<Socket> {
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    await once(socket, 'connect');
    socket.write(
      `POST /v1/batch?writeKey=${api.writeKey} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: ${bytes}\r\n\r\n`,
    );
    return socket;
  }

  const inFlight = async (): Promise<number> => (await api.get('/health')).body.queue.bytesInFlight as number;
  const batchOf = (bytes: number): string => {
    const body = JSON.stringify({ batch: [{ type: 'page', userId: 'ada' }], padding: '' });
    return body.replace('"padding":""', `"padding":"${'x'.repeat(bytes - body.length)}"`);
  };
  const send = (body: string) =>
    api.call('POST', `/v1/batch?writeKey=${api.writeKey}`, {
      headers: { 'content-type': 'text/plain' },
      body,
    });

  it('count while they are read: where they leave no room, the next is refused unread, and small ones pass', async () => {
    api = await openApi({ maxBytesInFlight: 4 * MEGABYTE });
    const large = batchOf(3 * MEGABYTE);
    const slow = await announce(large.length);
    slow.write(large.slice(0, 2 * MEGABYTE));
    await vi.waitFor(async () => expect(await inFlight()).toBeGreaterThan(2 * MEGABYTE), PATIENCE);

    const refused = await send(large);
    expect(refused.status).toBe(503);
    expect(refused.body.error.code).toBe('overloaded');
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await send(batchOf(1000))).body).toMatchObject({ accepted: 1 });

    const metrics = await api.call('GET', '/metrics', {
      headers: { authorization: `Bearer ${METRICS_TOKEN}` },
    });
    expect(metrics.body).toContain('throughline_unserved_total{reason="overloaded"} 1');

    const answer = once(slow, 'data') as Promise<[Buffer]>;
    slow.write(large.slice(2 * MEGABYTE));
    expect((await answer)[0].toString()).toMatch(/^HTTP\/1.1 200 OK[^]*"accepted":1/);
    await vi.waitFor(async () => expect(await inFlight()).toBe(0), PATIENCE);
  });

  it('that are announced and never sent, or broken off, keep nobody out', async () => {
    api = await openApi({ maxBytesInFlight: 4 * MEGABYTE });
    for (let count = 0; count < 20; count += 1) await announce(3 * MEGABYTE);
    const broken = await announce(3 * MEGABYTE);
    broken.write('x'.repeat(2 * MEGABYTE));
    await vi.waitFor(async () => expect(await inFlight()).toBeGreaterThan(2 * MEGABYTE), PATIENCE);
    broken.destroy();
    await vi.waitFor(async () => expect(await inFlight()).toBeLessThan(MEGABYTE), PATIENCE);
    expect((await send(batchOf(300_000))).body).toMatchObject({ accepted: 1 });
  });
});

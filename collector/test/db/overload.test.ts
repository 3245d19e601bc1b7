import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Api, METRICS_TOKEN, openApi } from '../support/api';
import { startCollector } from '../support/collector';
import { createTestDatabase } from '../support/database';
import { holdEvents, readMessageIds } from '../support/stored-events';

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

describe('a flood, while the database is held up and the heap is small', () => {
  const CLIENTS = 150;
  const EVENTS = 10;

  it('is told to come back, and loses nothing that was acknowledged', async () => {
    const database = await createTestDatabase();
    const collector = await startCollector({
      env: { DATABASE_URL: database.url, NODE_OPTIONS: '--max-old-space-size=128' },
    });
    const release = await holdEvents(database.url);
    const acknowledged = new Set<string>();
    let refused = 0;
    let isHeld = true;

    /** Sends one batch again and again until it is acknowledged; each becomes some 15,000 objects in memory. */
    const send = async (): Promise<void> => {
      const ids = Array.from({ length: EVENTS }, () => randomUUID());
      const list = Array.from({ length: 1500 }, () => ({}));
      const batch = ids.map((messageId) => ({
        ...{ type: 'track', event: 'Flood', userId: `user ${messageId}`, messageId },
        properties: { list },
      }));
      const body = JSON.stringify({ batch });
      for (;;) {
        const response = await fetch(`${collector.url}/v1/batch?writeKey=${collector.writeKey}`, {
          method: 'POST',
          body,
        });
        const answer = (await response.json()) as { error?: { code: string } };
        if (response.status === 200) {
          for (const id of ids) acknowledged.add(id);
          return;
        }
        expect(response.status).toBe(503);
        expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
        if (isHeld && answer.error?.code === 'overloaded') refused += 1;
      }
    };
    const health = async () =>
      (await (await fetch(`${collector.url}/health`)).json()) as {
        memory: { rss: number };
        queue: { bytesInFlight: number; maxBytes: number };
      };

    const flood = Promise.all(Array.from({ length: CLIENTS }, send));
    let highest = 0;
    await vi.waitFor(async () => {
      const { memory, queue } = await health();
      highest = Math.max(highest, memory.rss);
      expect(queue.bytesInFlight).toBeLessThanOrEqual(queue.maxBytes);
      expect(refused).toBeGreaterThan(2 * CLIENTS);
    }, PATIENCE);
    isHeld = false;
    expect(acknowledged.size).toBe(0);
    expect(highest).toBeLessThan(400 * MEGABYTE);

    await release();
    await flood;
    const stored = await readMessageIds(database.url);
    expect(acknowledged.size).toBe(CLIENTS * EVENTS);
    expect(stored).toEqual([...acknowledged].sort());
    expect(await collector.stop()).toBe(0);
    await database.close();
  });
});

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request as send } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCollector, type StartedCollector } from '../support/collector';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { holdEvents, readMessageIds } from '../support/stored-events';

const PATIENCE = { timeout: 30_000, interval: 20 };

let database: TestDatabase;
let collector: StartedCollector;

beforeEach(async () => {
  database = await createTestDatabase();
  collector = await startCollector({ env: { DATABASE_URL: database.url } });
});
afterEach(async () => {
  await collector.stop();
  await database.close();
});

interface Heard {
  readonly status: number;
  readonly connection: string | undefined;
  readonly retryAfter: string | undefined;
}

/** One event over one of the agent's connections. Rejects where there is no answer. */
function track(messageId: string, agent: Agent): Promise<Heard> {
  const body = JSON.stringify({ userId: 'ada', event: 'Sent', messageId });
  const url = `${collector.url}/v1/track?writeKey=${collector.writeKey}`;
  return new Promise((resolve, reject) => {
    const request = send(url, { method: 'POST', agent, headers: { 'content-length': body.length } });
    request.on('error', reject);
    request.on('response', (response) => {
      const { connection, 'retry-after': retryAfter } = response.headers;
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode!, connection, retryAfter }));
    });
    request.end(body);
  });
}

describe('SIGTERM', () => {
  it('under load ends with 0, and everything that was acknowledged is stored, once', async () => {
    const agent = new Agent({ keepAlive: true });
    const acknowledged: string[] = [];
    const heard: Heard[] = [];
    /** Sends one after the other until nobody listens any more. */
    const load = async (): Promise<void> => {
      for (;;) {
        const messageId = randomUUID();
        const answer = await track(messageId, agent).catch(() => null);
        if (answer === null) return;
        heard.push(answer);
        if (answer.status === 200) acknowledged.push(messageId);
      }
    };
    const senders = Array.from({ length: 32 }, load);
    await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(300), PATIENCE);
    collector.kill('SIGTERM');
    expect(await collector.ended).toBe(0);
    await Promise.all(senders);
    agent.destroy();

    const stored = await readMessageIds(database.url);
    expect(new Set(stored).size).toBe(stored.length);
    expect(acknowledged.filter((id) => !stored.includes(id))).toEqual([]);
    // Nobody heard anything but "stored" or "come again".
    expect(heard.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
    for (const { connection, retryAfter } of heard.filter(({ status }) => status === 503)) {
      expect(connection).toBe('close');
      expect(retryAfter).toMatch(/^\d+$/);
    }
  });

  it('waits for a request that is on its way, however slow, and closes its connection after the answer', async () => {
    const { hostname, port } = new URL(collector.url);
    const socket = connect(Number(port), hostname);
    const body = JSON.stringify({ userId: 'ada', event: 'Slow', messageId: randomUUID() });
    socket.write(
      `POST /v1/track?writeKey=${collector.writeKey} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    socket.write(body.slice(0, 10));
    await vi.waitFor(async () => {
      const health = (await (await fetch(`${collector.url}/health`)).json()) as {
        queue: { bytesInFlight: number };
      };
      expect(health.queue.bytesInFlight).toBeGreaterThan(0);
    }, PATIENCE);
    collector.kill('SIGTERM');
    // The port is closed: it stops.
    await vi.waitFor(() => expect(fetch(`${collector.url}/ready`)).rejects.toThrow('fetch failed'), PATIENCE);
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    socket.write(body.slice(10));
    await once(socket, 'close');
    expect(heard).toMatch(/^HTTP\/1.1 200 OK/);
    expect(heard).toMatch(/^connection: close\r$/im);
    expect(await collector.ended).toBe(0);
    expect(await readMessageIds(database.url)).toHaveLength(1);
  });

  it('a second time ends at once, with 1, though a request has no answer yet', async () => {
    const release = await holdEvents(database.url);
    const agent = new Agent();
    const answer = track(randomUUID(), agent).catch(() => 'none');
    await vi.waitFor(async () => {
      const health = (await (await fetch(`${collector.url}/health`)).json()) as {
        queue: { writing: number };
      };
      expect(health.queue.writing).toBe(1);
    }, PATIENCE);
    let isOver = false;
    void collector.ended.then(() => (isOver = true));
    await vi.waitFor(() => {
      collector.kill('SIGTERM');
      expect(isOver).toBe(true);
    }, PATIENCE);
    expect(await collector.ended).toBe(1);
    expect(await answer).toBe('none');
    await release();
  });
});

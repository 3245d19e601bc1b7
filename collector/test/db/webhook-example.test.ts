/** The example receiver as it is, a collector in a process of its own, and an event that reaches the one by the other. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type StartedCollector } from '../support/collector';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { ROOT } from '../support/documents';

interface Example {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

let database: TestDatabase;
let collector: StartedCollector;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'throughline-receiver-'));
  database = await createTestDatabase();
  collector = await startCollector({
    env: { DATABASE_URL: database.url, THROUGHLINE_WEBHOOK_ALLOW: 'http://127.0.0.1:*' },
  });
});
afterAll(async () => {
  await collector?.stop();
  await database?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function startReceiver(secret: string): Promise<Example> {
  const child: ChildProcess = spawn(process.execPath, [join(ROOT, 'examples', 'webhook', 'receiver.mjs')], {
    env: { PATH: process.env.PATH, PORT: '0', DATA: join(folder, 'received.ndjson'), WEBHOOK_SECRET: secret },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    child.once('close', () => reject(new Error('The receiver did not start.')));
    child.stdout!.on('data', (chunk: Buffer) => {
      const found = /http:\/\/\S+/.exec(chunk.toString());
      if (found) resolve(found[0]);
    });
  });
  return { url, stop: () => (child.kill(), ended) };
}

async function call(method: string, path: string, body?: object) {
  const response = await fetch(collector.url + path, {
    method,
    headers: {
      authorization: `Bearer ${collector.secretKey}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect([path, response.ok], text).toEqual([path, true]);
  return text === '' ? null : JSON.parse(text);
}

interface Counts {
  readonly deliveries: number;
  readonly changes: number;
  readonly members: readonly string[];
}

async function countsOf({ url }: Example, changes: number): Promise<Counts> {
  for (;;) {
    const counts = (await (await fetch(url)).json()) as Counts;
    if (counts.changes >= changes) return counts;
    // Asked again, not waited for: how long it takes decides nothing.
    await wait(50);
  }
}

describe('the example of a receiver', () => {
  it('gets an event’s change of members, once, also when it is sent again after a restart', async () => {
    const { key } = await call('POST', '/v1/audiences', {
      name: 'Big spenders',
      rule: { event: 'Order Completed', agg: 'sum', of: 'revenue', gte: 100 },
    });
    const { id, secret } = await call('POST', '/v1/destinations', {
      ...{ name: 'Receiver', url: 'http://127.0.0.1:9', audiences: [key], state: 'paused' },
    });
    const first = await startReceiver(secret);
    await call('PATCH', `/v1/destinations/${id}`, { url: first.url, state: 'active' });
    expect(await call('POST', `/v1/destinations/${id}/test`)).toMatchObject({
      isDelivered: true,
      status: 200,
    });
    const order = (userId: string) => ({
      ...{ type: 'track', event: 'Order Completed', userId },
      properties: { order_id: userId, revenue: 120, currency: 'USD' },
    });
    await call('POST', `/v1/batch?writeKey=${collector.writeKey}`, { batch: [order('ada')] });
    const one = await countsOf(first, 1);
    const { id: ada } = await call('GET', '/v1/profiles/user:ada');
    expect(one).toEqual({ deliveries: 1, changes: 1, members: [`${key} ${ada}`] });
    await first.stop();
    const second = await startReceiver(secret);
    expect(await countsOf(second, 1)).toEqual(one);
    await call('PATCH', `/v1/destinations/${id}`, { url: second.url });
    await call('POST', `/v1/batch?writeKey=${collector.writeKey}`, { batch: [order('bob')] });
    expect(await countsOf(second, 2)).toMatchObject({ deliveries: 2, changes: 2 });
    await second.stop();
  });

  it('takes nothing that is not signed, or was recorded', async () => {
    const receiver = await startReceiver(`whsec_${Buffer.alloc(32).toString('base64')}`);
    const post = async (headers: Record<string, string>) =>
      (await fetch(receiver.url, { method: 'POST', headers, body: '{}' })).status;
    expect(await post({})).toBe(401);
    const old = { 'webhook-id': 'x', 'webhook-timestamp': '1614265330', 'webhook-signature': 'v1,AAAA' };
    expect(await post(old)).toBe(401);
    const now = String(Math.floor(Date.now() / 1000));
    expect(await post({ ...old, 'webhook-timestamp': now })).toBe(401);
    await receiver.stop();
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type StartedCollector } from '../support/collector';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { openProxy, type Proxy } from '../support/proxy';

let database: TestDatabase;
let proxy: Proxy;
let collector: StartedCollector;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await openProxy(database.url);
  collector = await startCollector({ env: { DATABASE_URL: proxy.url } });
});
afterAll(async () => {
  proxy?.setSilent(false);
  proxy?.setDown(false);
  await collector?.stop();
  await proxy?.close();
  await database?.close();
});

async function post(path: string, body: object) {
  const response = await fetch(collector.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${collector.secretKey!}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const asked = { decision: 'offer', userId: 'ada', context: { total: 50 }, timeLimitMs: 300 };
const FALLEN_BACK = { case: { key: 'default', index: 1 }, payload: 'plain', isDefault: true, reasons: [] };

/** As often as it takes: the first ones after a change may still meet the connection from before. */
async function decideUntil(isThere: (body: Record<string, unknown>) => boolean) {
  for (;;) {
    const answer = await post('/v1/decide', asked);
    if (answer.status === 200 && isThere(answer.body)) return answer.body;
  }
}

describe('while the database is away, a decision', () => {
  beforeAll(async () => {
    const cases = [
      { key: 'large', when: { trait: '$context.total', gte: 10 }, then: 'fancy' },
      { then: 'plain' },
    ];
    for (const [key, name] of Object.entries({ offer: 'Offer', other: 'Other' }))
      expect((await post('/v1/decisions', { key, name, cases })).status).toBe(201);
    await decideUntil(({ payload }) => payload === 'fancy');
  });

  it('answers its default, and its cases again when the database is back', async () => {
    proxy.setDown(true);
    for (let time = 0; time < 3; time += 1) {
      const { status, body } = await post('/v1/decide', asked);
      expect([status, body]).toMatchObject([200, { ...FALLEN_BACK, defaultReason: expect.any(String) }]);
      expect(['unavailable', 'time_limit']).toContain(body['defaultReason']);
    }
    proxy.setDown(false);
    expect(await decideUntil(({ isDefault }) => isDefault === false)).toMatchObject({ payload: 'fancy' });
  });

  it('answers 503 where nobody has asked before, so that its default is not known', async () => {
    proxy.setDown(true);
    const { status, body } = await post('/v1/decide', { ...asked, decision: 'other' });
    expect([status, body]).toMatchObject([503, { error: { code: 'unavailable' } }]);
    proxy.setDown(false);
    await decideUntil(({ isDefault }) => isDefault === false);
  });

  it('does not wait for a machine that vanished without a word', async () => {
    proxy.setSilent(true);
    for (let time = 0; time < 12; time += 1)
      expect(await post('/v1/decide', asked)).toMatchObject({
        status: 200,
        body: { ...FALLEN_BACK, defaultReason: 'time_limit' },
      });
    // What was silent is never heard again; new connections are.
    proxy.setSilent(false);
    proxy.cutAll();
    expect(await decideUntil(({ isDefault }) => isDefault === false)).toMatchObject({ payload: 'fancy' });
  });
});

import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Api, METRICS_TOKEN, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const post = (path: string, body: unknown) => api.call('POST', path, { body });

/** What was created; the test ends where it was refused. */
async function create(path: string, body: object): Promise<Record<string, unknown>> {
  const { status, body: answer } = await post(path, body);
  expect([path, status, status === 201 ? '' : answer]).toEqual([path, 201, '']);
  return answer as Record<string, unknown>;
}

/** However slow the machine is, unless the body says otherwise. */
const decide = async (body: object): Promise<Answer['body']> => {
  const answer = await post('/v1/decide', { timeLimitMs: 5_000, ...body });
  expect([answer.status, answer.status === 200 ? '' : answer.body]).toEqual([200, '']);
  return answer.body;
};

const buys = (who: object, revenue: number) => ({
  type: 'track',
  event: 'Order Completed',
  properties: { revenue, currency: 'USD' },
  ...who,
});

const IS_VIP = { audience: 'vip' };
const IS_LARGE = { trait: '$context.cart.total', gte: 150 };
const CHECKOUT = {
  name: 'Checkout',
  key: 'checkout',
  cases: [
    { key: 'premium', when: { all: [IS_VIP, IS_LARGE] }, then: { page: 'premium', gift: true } },
    { key: 'loyalty', when: IS_VIP, then: { page: 'loyalty' } },
    { key: 'acquisition', when: IS_LARGE, then: { page: 'acquisition' } },
    { key: 'control', then: { page: 'plain' } },
  ],
};

beforeAll(async () => {
  await create('/v1/audiences', {
    ...{ name: 'VIP', key: 'vip' },
    rule: { event: 'Order Completed', agg: 'sum', of: 'revenue', within: '365d', gte: 200 },
  });
  await create('/v1/decisions', CHECKOUT);
});

describe('a decision', () => {
  it('has four answers: a VIP or not, with a large cart or not', async () => {
    await api.batch([
      buys({ userId: 'vip' }, 250),
      { type: 'identify', userId: 'new', traits: { email: 'new@example.com' } },
    ]);
    const seen = [];
    for (const userId of ['vip', 'new'])
      for (const total of [180, 20])
        seen.push((await decide({ decision: 'checkout', userId, context: { cart: { total } } })).case.key);
    expect(seen).toEqual(['premium', 'loyalty', 'acquisition', 'control']);
  });

  it('says which version answered, which case, why, for whom, and which audiences it looked at', async () => {
    await api.batch([buys({ userId: 'why' }, 250)]);
    const { profileId, tookMs, ...answer } = await decide({
      ...{ decision: 'checkout', userId: 'why', context: { cart: { total: 150 } } },
    });
    expect(profileId).toBe((await api.get('/v1/profiles/user:why')).body.id);
    expect(tookMs).toBeGreaterThan(0);
    expect(answer).toEqual({
      ...{ decision: 'checkout', version: 1, case: { key: 'premium', index: 0 } },
      payload: { page: 'premium', gift: true },
      ...{ isDefault: false, defaultReason: null },
      reasons: [
        {
          ...{ case: 'premium', path: 'cases[0].when.all[0]', holds: true, value: null },
          text: 'the profile is in the audience “vip”',
        },
        {
          ...{ case: 'premium', path: 'cases[0].when.all[1]', holds: true, value: 150 },
          text: '“cart.total” of the context is at least 150',
        },
      ],
      audiences: [{ key: 'vip', isMember: true, isFresh: true }],
    });
  });

  it('sees a purchase that was acknowledged just before, though nobody has looked at the members yet', async () => {
    const who = { userId: 'just now' };
    await api.batch([{ type: 'page', ...who }]);
    const context = { cart: { total: 10 } };
    expect((await decide({ decision: 'checkout', ...who, context })).case.key).toBe('control');
    expect((await api.batch([buys(who, 200)])).body).toMatchObject({ accepted: 1 });
    expect(await decide({ decision: 'checkout', ...who, context })).toMatchObject({
      case: { key: 'loyalty' },
      audiences: [{ key: 'vip', isMember: true, isFresh: true }],
    });
    expect((await api.get('/v1/profiles/user:just now')).body.audiences).toEqual([]);
    await api.worker.tick();
    expect((await api.get('/v1/profiles/user:just now')).body.audiences).toMatchObject([{ key: 'vip' }]);
    expect(await decide({ decision: 'checkout', ...who, context })).toMatchObject({
      case: { key: 'loyalty' },
      audiences: [{ key: 'vip', isMember: true, isFresh: false }],
    });
  });

  it('sees what leads through one audience to another', async () => {
    await create('/v1/audiences', {
      ...{ name: 'Quiet VIP', key: 'quiet-vip' },
      rule: { all: [IS_VIP, { not: { event: '$page' } }] },
    });
    await create('/v1/decisions', {
      ...{ name: 'Quiet', key: 'quiet' },
      cases: [{ when: { audience: 'quiet-vip' }, then: 1 }, { then: 0 }],
    });
    await api.batch([buys({ userId: 'quiet' }, 10)]);
    await api.worker.tick();
    expect(await decide({ decision: 'quiet', userId: 'quiet' })).toMatchObject({ payload: 0 });
    // Only the first audience is told of it; the second reads the first.
    await api.batch([buys({ userId: 'quiet' }, 300)]);
    expect(await decide({ decision: 'quiet', userId: 'quiet' })).toMatchObject({
      payload: 1,
      audiences: [
        { key: 'vip', isMember: true, isFresh: true },
        { key: 'quiet-vip', isMember: true, isFresh: true },
      ],
    });
  });

  it('sees that time has passed: a check that is due is not waited for', async () => {
    await create('/v1/audiences', {
      ...{ name: 'Active', key: 'active' },
      rule: { event: '$page', within: '15m' },
    });
    await create('/v1/decisions', {
      ...{ name: 'Welcome back', key: 'welcome-back' },
      cases: [{ when: { audience: 'active' }, then: 'go on' }, { then: 'welcome back' }],
    });
    await api.batch([{ type: 'page', userId: 'away' }]);
    await api.worker.tick();
    expect((await decide({ decision: 'welcome-back', userId: 'away' })).payload).toBe('go on');
    const before = api.clock.now;
    api.clock.now = new Date(before.getTime() + 15 * 60_000);
    expect((await decide({ decision: 'welcome-back', userId: 'away' })).payload).toBe('welcome back');
    api.clock.now = before;
  });

  it('knows who signed in on a device, and an email’s user', async () => {
    await api.batch([
      buys({ anonymousId: 'device' }, 150),
      { type: 'identify', userId: 'joined', anonymousId: 'device', traits: { email: 'Joined@Example.com' } },
      buys({ userId: 'joined' }, 100),
    ]);
    const { id } = (await api.get('/v1/profiles/user:joined')).body;
    for (const who of [
      { userId: 'joined' },
      { anonymousId: 'device' },
      { email: ' joined@example.COM ' },
      { profileId: 'anonymous:device' },
      { profileId: id },
      { userId: 'joined', anonymousId: 'somebody else’s' },
    ]) {
      const answer = await decide({ decision: 'checkout', ...who });
      expect([who, answer.profileId, answer.case.key]).toEqual([who, id, 'loyalty']);
    }
  });

  it('about somebody who was never seen is made as if nothing were known, and so may be what is for strangers', async () => {
    await create('/v1/decisions', {
      ...{ name: 'Strangers', key: 'strangers' },
      cases: [
        {
          key: 'stranger',
          when: {
            all: [
              { not: IS_VIP },
              { trait: '$orders', lte: 0 },
              { trait: '$revenue', eq: 0 },
              { trait: '$first_seen', exists: false },
              { trait: 'plan', neq: 'pro' },
              { bucket: [0, 100] },
            ],
          },
          then: 'hello',
        },
        { then: 'welcome back' },
      ],
    });
    for (const who of [{ userId: 'nobody' }, { anonymousId: 'undefined' }, {}]) {
      expect(await decide({ decision: 'strangers', ...who })).toMatchObject({
        ...{ payload: 'hello', profileId: null, defaultReason: null, audiences: [] },
      });
      expect(await decide({ decision: 'checkout', ...who })).toMatchObject({
        ...{ case: { key: 'control' }, isDefault: true, defaultReason: 'no_profile' },
      });
    }
    expect((await api.call('GET', '/v1/profiles/user:nobody')).status).toBe(404);
  });

  it('says that nothing matched where somebody is known', async () => {
    await api.batch([{ type: 'page', userId: 'known' }]);
    expect(await decide({ decision: 'checkout', userId: 'known' })).toMatchObject({
      ...{ isDefault: true, defaultReason: 'nothing_matched' },
      reasons: [
        { case: 'premium', holds: false },
        { case: 'premium', holds: false, value: null },
        { case: 'loyalty', holds: false },
        { case: 'acquisition', holds: false },
      ],
    });
  });

  it('is counted by what led to it', async () => {
    await decide({ decision: 'checkout', context: { cart: { total: 500 } } });
    const { body } = await api.call('GET', '/metrics', {
      headers: { authorization: `Bearer ${METRICS_TOKEN}` },
    });
    expect(body).toMatch(/^throughline_decisions_total\{outcome="case"\} [1-9]/m);
    expect(body).toMatch(/^throughline_decisions_total\{outcome="no_profile"\} [1-9]/m);
  });

  it('is about nobody who was erased', async () => {
    await api.batch([buys({ userId: 'gone' }, 500)]);
    expect((await decide({ decision: 'checkout', userId: 'gone' })).case.key).toBe('loyalty');
    await post('/v1/regulations', { type: 'delete', ids: ['user:gone'] });
    await api.worker.tick();
    expect(await decide({ decision: 'checkout', userId: 'gone' })).toMatchObject({
      ...{ case: { key: 'control' }, defaultReason: 'no_profile', audiences: [] },
    });
  });
});

describe('the time that a decision may take', () => {
  it('is kept: the default answers while the database is held up, and nothing goes on running', async () => {
    await api.batch([buys({ userId: 'waiting' }, 500)]);
    await decide({ decision: 'checkout', userId: 'waiting' });
    await api.db.transaction().execute(async (transaction) => {
      await sql`lock table profile_part in access exclusive mode`.execute(transaction);
      const asked = { decision: 'checkout', userId: 'waiting', timeLimitMs: 20 };
      expect(await decide(asked)).toMatchObject({
        ...{ case: { key: 'control' }, payload: { page: 'plain' }, isDefault: true },
        ...{ defaultReason: 'time_limit', profileId: null, reasons: [] },
      });
      for (;;) {
        const { rows } = await sql<{ count: number }>`
          select count(*) as count from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`.execute(transaction);
        if (rows[0]!.count === 0) break;
      }
    });
    expect((await decide({ decision: 'checkout', userId: 'waiting' })).case.key).toBe('loyalty');
  });

  it.each([0, 4, 5001, 1.5, 'long'])('cannot be %s', async (timeLimitMs) => {
    expect((await post('/v1/decide', { decision: 'checkout', timeLimitMs })).status).toBe(400);
  });
});

describe('a page', () => {
  const ask = (body: object, headers: Record<string, string> = {}) =>
    api.call('POST', `/v1/decide?writeKey=${api.writeKey}`, {
      headers: { 'content-type': 'text/plain', origin: 'https://shop.example', ...headers },
      body: { timeLimitMs: 5_000, ...body },
    });

  beforeAll(async () => {
    await create('/v1/decisions', { ...CHECKOUT, key: 'open', public: true });
    await api.batch([
      buys({ userId: 'in a page' }, 300),
      { type: 'identify', userId: 'in a page', anonymousId: 'its-device' },
    ]);
  });

  it('gets case and payload of a decision that is open to pages, and nothing of the profile', async () => {
    const { status, body, headers } = await ask({ decision: 'open', anonymousId: 'its-device' });
    expect([status, body]).toEqual([
      200,
      {
        ...{ decision: 'open', version: 1, case: { key: 'loyalty', index: 1 }, payload: { page: 'loyalty' } },
      },
    ]);
    expect(headers.get('access-control-allow-origin')).toBe('*');
  });

  it('asks for its own anonymous ID only: who can guess an email is told nothing of its owner', async () => {
    for (const who of [{ userId: 'in a page' }, { email: 'a@example.com' }, { profileId: 'user:in a page' }])
      expect((await ask({ decision: 'open', ...who })).status).toBe(400);
  });

  it('is told nothing of a decision that is not open', async () => {
    const { status, body } = await ask({ decision: 'checkout', anonymousId: 'its-device' });
    expect([status, body.error.code]).toEqual([404, 'not_found']);
  });

  it('may not use a secret key, and is told what is wrong by an answer that it can read', async () => {
    const answer = await ask(
      { decision: 'open', anonymousId: 'its-device' },
      { authorization: `Bearer ${api.secretKey}` },
    );
    expect([answer.status, answer.body.error.code]).toEqual([403, 'forbidden_origin']);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect((await ask({ decision: 'open', anonymousId: 'its-device', surprise: 1 })).status).toBe(400);
  });
});

describe('the context', () => {
  beforeAll(async () => {
    await create('/v1/decisions', {
      ...{ name: 'Echo', key: 'echo' },
      cases: [
        { key: 'is-text', when: { trait: '$context.x', eq: '1' }, then: 'text' },
        { key: 'is-number', when: { trait: '$context.x', eq: 1 }, then: 'number' },
        { key: 'deep', when: { trait: '$context.list.-1.a', has: 'b' }, then: 'deep' },
        { key: 'polluted', when: { trait: '$context.__proto__.admin', exists: true }, then: 'polluted' },
        { key: 'recent', when: { trait: '$context.at', after: '1h' }, then: 'recent' },
        { then: 'nothing' },
      ],
    });
  });

  it.each([
    [{ x: 1 }, 'number'],
    [{ x: '1' }, 'text'],
    [{ x: [1] }, 'nothing'],
    [{ x: null }, 'nothing'],
    [{ list: [{}, { a: ['c', 'b'] }] }, 'deep'],
    [{ at: '2026-06-15T11:30:00Z' }, 'recent'],
    [{ at: '2026-02-30T11:30:00Z' }, 'nothing'],
    [{ "'; drop table event; --": '\u0000' }, 'nothing'],
    [{ x: '\ud800' }, 'nothing'],
  ])('%j is read as it is, and never as another type', async (context, payload) => {
    expect((await decide({ decision: 'echo', context })).payload).toBe(payload);
  });

  const send = (body: string) =>
    api.call('POST', '/v1/decide', {
      headers: { authorization: `Bearer ${api.secretKey}`, 'content-type': 'application/json' },
      body,
    });

  it('cannot reach the prototype of anything', async () => {
    const hostile = '{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}}}';
    const { status, body } = await send(`{"decision":"echo","timeLimitMs":5000,"context":${hostile}}`);
    expect([status, body.payload]).toEqual([200, 'nothing']);
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });

  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  it.each([
    ['too deep', `{"decision":"echo","context":{"x":${nested(40)}}}`, 400],
    ['a bomb', `{"decision":"echo","context":{"x":${nested(8_000)}}}`, 400],
    ['too large', `{"decision":"echo","context":{"x":"${'a'.repeat(17_000)}"}}`, 400],
    ['much too large', `{"decision":"echo","context":{"x":"${'a'.repeat(100_000)}"}}`, 413],
    ['a list', '{"decision":"echo","context":[]}', 400],
    ['a text', '{"decision":"echo","context":"x"}', 400],
    ['no JSON', '{"decision":"echo",', 400],
    ['beyond a double', '{"decision":"echo","context":{"x":1e999}}', 200],
    ['without a decision', '{"context":{}}', 400],
    ['another type of user', '{"decision":"echo","userId":{"a":1}}', 400],
    ['a user with NUL', '{"decision":"echo","userId":"a\\u0000b"}', 400],
    ['an unknown decision', '{"decision":"never"}', 404],
    ['a field that nobody knows', '{"decision":"echo","userID":"ada"}', 400],
  ])('that is %s is answered, not suffered', async (_what, body, status) => {
    const answer = await send(body);
    expect([answer.status, answer.status === status ? '' : answer.body]).toEqual([status, '']);
  });
});

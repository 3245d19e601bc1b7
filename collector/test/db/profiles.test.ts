import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const at = (minute: number) =>
  new Date(Date.parse('2026-06-15T10:00:00.000Z') + minute * 60_000).toISOString();

describe('somebody who browses, signs in and buys', () => {
  const userId = 'kim';
  const email = 'Kim@Example.COM ';
  const anonymousId = randomUUID();

  beforeAll(async () => {
    await api.batch([
      { type: 'page', name: 'Home', anonymousId, timestamp: at(0) },
      { type: 'track', event: 'Product Added', anonymousId, timestamp: at(1) },
      {
        type: 'identify',
        userId,
        anonymousId,
        traits: { email, plan: 'free', city: 'Bern' },
        timestamp: at(2),
      },
      { type: 'track', event: 'Order Completed', userId, properties: { revenue: 59.99 }, timestamp: at(3) },
      { type: 'identify', userId, traits: { plan: 'pro', city: null }, timestamp: at(4) },
    ]);
    await api.batch([{ type: 'page', anonymousId: 'passer-by', timestamp: at(5) }]);
  });

  it('is one profile, with the history from before the sign-in', async () => {
    const { body } = await api.get(`/v1/profiles/user:${userId}`);
    expect(body).toMatchObject({
      userId,
      email: 'kim@example.com',
      anonymousId,
      traits: { email, plan: 'pro' },
      events: 5,
      pages: 1,
      orders: 1,
      revenue: { USD: '59.99' },
      firstSeenAt: at(0),
      lastSeenAt: at(4),
      audiences: [],
    });
    expect(body.traits).not.toHaveProperty('city');
    const intervals = [{ from: null, to: null }];
    expect(body.identifiers).toEqual([
      { kind: 'user', value: userId, intervals },
      { kind: 'email', value: 'kim@example.com', intervals },
      { kind: 'anonymous', value: anonymousId, intervals },
    ]);
  });

  it('is found under each identifier and under the ID', async () => {
    const { body } = await api.get(`/v1/profiles/user:${userId}`);
    for (const reference of [
      body.id,
      body.id.toUpperCase(),
      'email: KIM@example.com',
      `anonymous:${anonymousId}`,
    ]) {
      expect((await api.get(`/v1/profiles/${encodeURIComponent(reference)}`)).body.id).toBe(body.id);
    }
  });

  it('has a timeline, newest first, that says by which identifier each event is there', async () => {
    const { body } = await api.get(`/v1/profiles/user:${userId}/timeline`);
    expect(
      body.data.map((event: { type: string; via: { kind: string } }) => [event.type, event.via.kind]),
    ).toEqual([
      ['identify', 'user'],
      ['track', 'user'],
      ['identify', 'user'],
      ['track', 'anonymous'],
      ['page', 'anonymous'],
    ]);
    expect(body.data[4]).toMatchObject({ event: 'Home', occurredAt: at(0), source: { name: 'Website' } });
    expect(body.data[0]).not.toHaveProperty('context');
  });

  it('has a timeline that can be narrowed', async () => {
    const of = async (query: string) =>
      (await api.get(`/v1/profiles/user:${userId}/timeline?${query}`)).body.data.length as number;
    expect(await of('type=track')).toBe(2);
    expect(await of('event=Order%20Completed')).toBe(1);
    expect(await of(`from=${at(2)}`)).toBe(3);
    expect(await of(`to=${at(2)}`)).toBe(2);
    expect(await of(`from=${at(9)}`)).toBe(0);
  });

  it('has a timeline in pages that neither repeat nor miss an event', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await api.get(
        `/v1/profiles/user:${userId}/timeline?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...page.body.data.map((event: { messageId: string }) => event.messageId));
      cursor = page.body.nextCursor;
    }
    expect(new Set(seen).size).toBe(5);
    expect(seen).toHaveLength(5);
  });

  it('is not who passed by', async () => {
    const { body } = await api.get('/v1/profiles/anonymous:passer-by');
    expect(body).toMatchObject({ userId: null, email: null, anonymousId: 'passer-by', events: 1 });
  });

  it('is found by the beginning of an identifier, in any case of an email', async () => {
    const find = async (search: string) =>
      (await api.get(`/v1/profiles?search=${encodeURIComponent(search)}`)).body.data.map(
        (profile: { userId: string | null }) => profile.userId,
      );
    expect(await find('KIM@ex')).toEqual([userId]);
    expect(await find(anonymousId.slice(0, 8))).toEqual([userId]);
    expect(await find('nobody')).toEqual([]);
    expect(await find('%')).toEqual([]);
  });
});

describe('the list of profiles', () => {
  it('begins with who was seen last, and pages through all of them once', async () => {
    const ids = Array.from({ length: 7 }, (_, index) => `listed-${index}`);
    await api.batch(ids.map((userId, index) => ({ type: 'page', userId, timestamp: at(30 + (index % 3)) })));
    const seen: { userId: string; lastSeenAt: string }[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await api.get(
        `/v1/profiles?search=listed-&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...page.body.data);
      cursor = page.body.nextCursor;
    }
    expect(seen.map(({ userId }) => userId).sort()).toEqual(ids);
    const times = seen.map(({ lastSeenAt }) => lastSeenAt);
    expect(times).toEqual([...times].sort().reverse());
  });
});

describe('what is asked wrongly', () => {
  it.each([
    ['/v1/profiles/user:nobody', 404],
    [`/v1/profiles/${randomUUID()}`, 404],
    ['/v1/profiles/not-an-id', 404],
    ['/v1/profiles/user:nobody/timeline', 404],
    ['/v1/profiles?limit=0', 400],
    ['/v1/profiles?limit=1001', 400],
    ['/v1/profiles?limit=x', 400],
    ['/v1/profiles?cursor=x', 400],
    ['/v1/profiles?unknown=1', 400],
    ['/v1/profiles/user:kim/timeline?from=yesterday', 400],
    ['/v1/profiles/user:kim/timeline?type=purchase', 400],
    ['/v1/profiles/user:%E0%A4%A', 400],
    ['/nowhere', 404],
  ])('%s answers %i, as JSON', async (path, status) => {
    const answer = await api.get(path);
    expect(answer.status).toBe(status);
    expect(answer.body.error.message).toEqual(expect.any(String));
  });

  it('in JSON that is none says so, as ingest does', async () => {
    const headers = { authorization: `Bearer ${api.secretKey}`, 'content-type': 'application/json' };
    for (const body of ['{bad', '']) {
      const answer = await api.call('POST', '/v1/audiences', { headers, body });
      expect([answer.status, answer.body.error.code]).toEqual([400, 'invalid_json']);
    }
  });

  it('says every fault and where it is', async () => {
    const { body } = await api.get('/v1/profiles?limit=0&unknown=1');
    expect(body.error.detail).toHaveLength(2);
    expect(body.error.detail).toContainEqual({ path: 'querystring.limit', message: 'must be >= 1' });
  });
});

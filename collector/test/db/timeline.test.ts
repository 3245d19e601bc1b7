import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';
import { startCollector } from '../support/collector';
import { createTestDatabase } from '../support/database';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const at = (minute: number) =>
  new Date(Date.parse('2026-06-15T10:00:00.000Z') + minute * 60_000).toISOString();

const ORDERS = ['newest', 'oldest'];

interface Page {
  readonly ids: string[];
  readonly next: string | null;
}

async function read(reference: string, query = ''): Promise<Page> {
  const { status, body } = await api.get(`/v1/profiles/${reference}/timeline?${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return { ids: body.data.map((event: { messageId: string }) => event.messageId), next: body.nextCursor };
}

/** A user's page views, one a minute, with IDs `<user>-0` and so on. */
const views = (userId: string, minutes: readonly number[]) =>
  minutes.map((minute) => ({
    type: 'page',
    userId,
    messageId: `${userId}-${minute}`,
    timestamp: at(minute),
  }));

describe('a timeline', () => {
  const source = async () => (await api.get('/v1/profiles/user:mia/timeline')).body.data[0].source.id;

  beforeAll(async () => {
    await api.batch([
      {
        type: 'page',
        name: 'Home',
        userId: 'mia',
        messageId: 'home',
        timestamp: at(0),
        context: { sessionId: 's1' },
      },
      {
        type: 'track',
        event: 'A, b',
        userId: 'mia',
        messageId: 'comma',
        timestamp: at(1),
        context: { sessionId: 's1' },
      },
      {
        type: 'track',
        event: 'Bought',
        userId: 'mia',
        messageId: 'bought',
        timestamp: at(2),
        context: { sessionId: 7 },
      },
      { type: 'identify', userId: 'mia', messageId: 'told', timestamp: at(3), traits: { plan: 'pro' } },
    ]);
  });

  it('is read newest first, or oldest first', async () => {
    expect((await read('user:mia')).ids).toEqual(['told', 'bought', 'comma', 'home']);
    expect((await read('user:mia', 'order=oldest')).ids).toEqual(['home', 'comma', 'bought', 'told']);
  });

  it.each([
    ['type=track', ['bought', 'comma']],
    ['type=track&type=identify', ['told', 'bought', 'comma']],
    ['notType=track', ['told', 'home']],
    ['event=A%2C%20b&event=Home', ['comma', 'home']],
    ['notEvent=Bought&notEvent=Home', ['told', 'comma']],
    ['type=track&notEvent=Bought', ['comma']],
    ['session=s1', ['comma', 'home']],
    ['session=7', ['bought']],
    ['session=', ['told']],
    [`from=${at(1)}&to=${at(3)}`, ['bought', 'comma']],
    [`source=${randomUUID()}`, []],
  ])('asked by %s shows what passes, and nothing else', async (query, ids) => {
    expect((await read('user:mia', query)).ids).toEqual(ids);
  });

  it('is narrowed to sources', async () => {
    const { ids } = await read('user:mia', `source=${randomUUID()}&source=${await source()}`);
    expect(ids).toHaveLength(4);
  });

  it('brings the context when asked to', async () => {
    const { body } = await api.get('/v1/profiles/user:mia/timeline?include=context&order=oldest');
    expect(body.data[0].context).toMatchObject({ sessionId: 's1' });
  });

  it.each(['order=random', 'type=', 'event=', 'source=x', 'notType=purchase', 'include=all'])(
    'asked by %s is a fault that is named',
    async (query) => {
      const { status, body } = await api.get(`/v1/profiles/user:mia/timeline?${query}`);
      expect([status, body.error.code, body.error.detail.length > 0]).toEqual([400, 'invalid_request', true]);
    },
  );
});

describe('pages of a timeline', () => {
  it.each(ORDERS)('repeat nothing, and leave nothing out, as events arrive: %s first', async (order) => {
    const userId = `busy-${order}`;
    await api.batch(views(userId, [10, 12, 14, 16, 18, 20]));
    const before = new Set((await read(`user:${userId}`)).ids);
    const seen: string[] = [];
    let query = `limit=2&order=${order}`;
    for (let minute = 9; ; minute += 2) {
      const { ids, next } = await read(`user:${userId}`, query);
      seen.push(...ids);
      if (next === null) break;
      query = `limit=2&order=${order}&cursor=${next}`;
      // On both sides of where the reader stands.
      await api.batch(views(userId, [minute, 30 - minute, 13]));
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((id) => before.has(id)).sort()).toEqual([...before].sort());
    const times = seen.map((id) => Number(id.split('-').at(-1)));
    const sorted = [...times].sort((a, b) => a - b);
    expect(times).toEqual(order === 'oldest' ? sorted : sorted.reverse());
  });

  it('go on by a token that only the same profile, order and filters take', async () => {
    await api.batch([...views('tok', [0, 1, 2, 3]), ...views('other', [0, 1, 2])]);
    const { next } = await read('user:tok', 'limit=2');
    expect((await read('user:tok', `limit=1&cursor=${next}`)).ids).toEqual(['tok-1']);
    expect((await read('user:tok', `include=context&cursor=${next}`)).ids).toEqual(['tok-1', 'tok-0']);
    for (const path of [
      `user:other/timeline?cursor=${next}`,
      `user:tok/timeline?order=oldest&cursor=${next}`,
      `user:tok/timeline?type=page&cursor=${next}`,
      `user:tok/timeline?from=${at(0)}&cursor=${next}`,
      `user:tok/timeline?session=&cursor=${next}`,
    ]) {
      const { status, body } = await api.get(`/v1/profiles/${path}`);
      expect([path, status, body.error.code]).toEqual([path, 400, 'invalid_cursor']);
      expect(body.error.message).toMatch(/belongs to another list/);
    }
    for (const cursor of ['x', next!.slice(0, -1), `${next!.startsWith('A') ? 'B' : 'A'}${next!.slice(1)}`]) {
      const { status, body } = await api.get(`/v1/profiles/user:tok/timeline?cursor=${cursor}`);
      expect([status, body.error.code]).toEqual([400, 'invalid_cursor']);
      expect(body.error.message).toMatch(/not given out here/);
    }
  });

  it('go on over what the profile owns now, when a claim moves history to it or away', async () => {
    await api.batch(views('ann', [10, 20, 30]));
    const device = { type: 'page', anonymousId: 'ann-phone' };
    await api.batch([
      { ...device, messageId: 'phone-15', timestamp: at(15) },
      { ...device, messageId: 'phone-25', timestamp: at(25) },
    ]);
    const first = await read('user:ann', 'limit=2');
    expect(first.ids).toEqual(['ann-30', 'ann-20']);
    await api.batch([
      { type: 'identify', userId: 'ann', anonymousId: 'ann-phone', messageId: 'in', timestamp: at(40) },
    ]);
    // What moved behind the reader's place comes; what moved in front of it is on the first page, anew.
    const rest = await read('user:ann', `cursor=${first.next}`);
    expect(rest).toEqual({ ids: ['phone-15', 'ann-10'], next: null });
  });

  it('of a profile that was joined to another one meanwhile end with a clear answer', async () => {
    const device = { type: 'page', anonymousId: 'tab' };
    await api.batch(
      [1, 2, 3].map((minute) => ({ ...device, messageId: `tab-${minute}`, timestamp: at(minute) })),
    );
    const { next } = await read('anonymous:tab', 'limit=1');
    await api.batch([{ type: 'identify', userId: 'tess', anonymousId: 'tab', timestamp: at(4) }]);
    const path = `/v1/profiles/anonymous:tab/timeline`;
    const { status, headers, body } = await api.get(`${path}?limit=1&cursor=${next}`);
    const moved = status === 400 ? body : (await api.get(headers.get('location')!)).body;
    expect(moved.error.code).toBe('invalid_cursor');
    expect(moved.error.message).toMatch(/joined to another one/);
  });

  it('go on at another collector of the same database, and after a restart', async () => {
    const database = await createTestDatabase();
    const env = { DATABASE_URL: database.url };
    const one = await startCollector({ env });
    const secret = { authorization: `Bearer ${one.secretKey}` };
    const get = async (url: string) =>
      (await (await fetch(url, { headers: secret })).json()) as { nextCursor: string; data: unknown[] };
    const batch = JSON.stringify({
      batch: [1, 2, 3].map((n) => ({ type: 'page', userId: 'kim', messageId: `kim-${n}` })),
    });
    await fetch(`${one.url}/v1/batch?writeKey=${one.writeKey}`, { method: 'POST', body: batch });
    const path = '/v1/profiles/user:kim/timeline?limit=1';
    const { nextCursor } = await get(one.url + path);
    await one.stop();
    const two = await startCollector({ env: { ...env, THROUGHLINE_SECRET_KEY: one.secretKey! } });
    const page = await get(`${two.url}${path}&cursor=${nextCursor}`);
    await two.stop();
    await database.close();
    expect(page.data).toHaveLength(1);
  });
});

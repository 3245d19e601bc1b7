import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inWorkspace } from '../../src/db/connect';
import { findProfiles, ListTooSlow } from '../../src/db/profile-list';
import { type Api, openApi } from '../support/api';
import { addWorkspace } from '../support/workspaces';

const at = (minute: number) =>
  new Date(Date.parse('2026-06-15T10:00:00.000Z') + minute * 60_000).toISOString();

let api: Api;

/** Each seen at another minute, with orders, revenue, pages and traits that differ in other ways. */
const PEOPLE = [
  { userId: 'list-a', minute: 50, spent: [10.5], pages: 3, traits: { plan: 'pro', age: 30 } },
  { userId: 'list-b', minute: 40, spent: [200], pages: 1, traits: { plan: 'free', age: 40 } },
  { userId: 'list-c', minute: 30, spent: [], pages: 2, traits: { plan: 'pro', $once: { found: 'ad' } } },
  { userId: 'list-d', minute: 20, spent: [9.75, 0.75], pages: 0, traits: { $once: { plan: 'pro' } } },
  { userId: 'list-e', minute: 10, spent: [10.5], pages: 1, traits: { plan: null, $once: { plan: 'pro' } } },
];

beforeAll(async () => {
  api = await openApi();
  await api.batch(
    PEOPLE.flatMap(({ userId, minute, spent, pages, traits }) => [
      { type: 'identify', userId, traits, timestamp: at(minute - 5) },
      ...spent.map((revenue) => ({
        ...{ type: 'track', event: 'Order Completed', userId, timestamp: at(minute - 4) },
        properties: { revenue },
      })),
      ...Array.from({ length: pages }, (_, page) => ({
        ...{ type: 'page', userId, timestamp: at(minute - 3) },
        context: {
          page: { url: `https://shop.test/${userId}/${page}`, referrer: 'https://search.test/' },
          campaign: { source: userId === 'list-a' ? 'news' : 'ads' },
        },
      })),
      { type: 'track', event: 'Clicked', userId, anonymousId: `device-${userId}`, timestamp: at(minute) },
    ]),
  );
});
afterAll(() => api.close());

const query = (parameters: Readonly<Record<string, unknown>>) =>
  new URLSearchParams(
    Object.entries(parameters).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ).toString();
const list = async (parameters: Readonly<Record<string, unknown>>) =>
  (await api.get(`/v1/profiles?${query(parameters)}`)).body;
const idsOf = ({ data }: { data: { userId: string }[] }) =>
  data.map(({ userId }) => userId.slice(-1)).join('');

/** All pages of a list, two profiles each. */
async function walk(parameters: Readonly<Record<string, unknown>>): Promise<string> {
  let seen = '';
  let cursor: string | null = null;
  do {
    const page: { data: { userId: string }[]; nextCursor: string | null } = await list({
      ...{ limit: 2, ...parameters },
      ...(cursor === null ? {} : { cursor }),
    });
    seen += idsOf(page);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return seen;
}

describe('a list of profiles', () => {
  it.each([
    ['lastSeenAt', 'abcde'],
    ['firstSeenAt', 'abcde'],
    ['orders', 'd(abe)c'],
    ['revenue', 'b(ade)c'],
    ['events', 'a(bcde)'],
  ])('is sorted by %s in both directions, page by page, none twice or missing', async (sort, order) => {
    for (const search of [{ search: 'list-' }, {}]) {
      const down = await walk({ ...search, sort });
      const up = await walk({ ...search, sort, order: 'asc' });
      expect([...up].reverse().join('')).toBe(down);
      expect([...down].sort().join('')).toBe('abcde');
      let from = 0;
      for (const group of order.match(/\(\w+\)|\w/g)!) {
        const letters = group.replaceAll(/[()]/g, '');
        expect([...down.slice(from, from + letters.length)].sort().join('')).toBe(letters);
        from += letters.length;
      }
    }
  });

  it.each([
    [{ trait: 'plan', eq: 'pro' }, 'acd'],
    [{ trait: 'plan', exists: false }, 'e'],
    [{ trait: 'found', eq: 'ad' }, 'c'],
    [{ all: [{ trait: 'age', gte: 30 }, { not: { trait: 'plan', eq: 'free' } }] }, 'a'],
    [{ trait: '$revenue', gt: 10.49 }, 'abde'],
    [
      {
        any: [
          { trait: '$orders', eq: 0 },
          { trait: '$pages', gte: 3 },
        ],
      },
      'ac',
    ],
    [{ trait: '$last_page', prefix: 'https://shop.test/list-b' }, 'b'],
    [{ trait: '$last_page', exists: false }, 'd'],
    [{ trait: '$first_campaign.source', eq: 'news' }, 'a'],
    [{ trait: '$first_referrer', exists: true }, 'abce'],
    [{ trait: '$user_id', suffix: '-e' }, 'e'],
    [{ trait: '$last_seen', before: at(25) }, 'de'],
  ])('narrowed by %j has %s, and says how many', async (filter, expected) => {
    expect(await walk({ filter })).toBe(expected);
    expect(await list({ filter, limit: 1 })).toMatchObject({ estimatedTotal: expected.length });
    expect(await walk({ filter, search: 'list-', order: 'asc' })).toBe([...expected].reverse().join(''));
  });

  it('says about how many there are in all, and of those that were searched for', async () => {
    expect(await list({ limit: 1 })).toMatchObject({ estimatedTotal: 5 });
    expect(await list({ limit: 1, search: 'list-a' })).toMatchObject({ estimatedTotal: 1 });
    expect(await list({ limit: 1, search: 'nobody' })).toEqual({
      data: [],
      nextCursor: null,
      estimatedTotal: 0,
    });
    expect(await list({ search: 'nobody', sort: 'orders' })).toEqual({
      ...{ data: [], nextCursor: null, estimatedTotal: 0 },
    });
  });

  it('takes a cursor only for the list that gave it out', async () => {
    const { nextCursor: cursor } = await list({ limit: 1, sort: 'orders' });
    expect((await list({ limit: 2, sort: 'orders', cursor })).data).toHaveLength(2);
    for (const other of [
      {},
      { sort: 'events' },
      { sort: 'orders', order: 'asc' },
      { sort: 'orders', search: 'list-' },
      { sort: 'orders', filter: { trait: 'plan', eq: 'pro' } },
    ]) {
      const { error } = await list({ limit: 1, cursor, ...other });
      expect(error).toMatchObject({ code: 'invalid_cursor' });
      expect(error.message).toContain('another list');
    }
  });

  it('takes no cursor that was made up', async () => {
    const real = JSON.parse(
      Buffer.from((await list({ limit: 1, sort: 'orders' })).nextCursor as string, 'base64url').toString(),
    ) as unknown[];
    for (const parts of [
      ['NaN', real[1], real[2]],
      ["1'; drop table event", real[1], real[2]],
      [real[0], 'x', real[2]],
      [1, real[1], real[2]],
      { length: 3 },
    ]) {
      const cursor = Buffer.from(JSON.stringify(parts)).toString('base64url');
      expect((await list({ sort: 'orders', cursor })).error).toMatchObject({ code: 'invalid_cursor' });
    }
  });

  it.each([
    ['no JSON', '{"trait"', 'invalid_rule'],
    ['no rule', '[]', 'invalid_rule'],
    ['an unknown built-in trait', '{"trait":"$nothing","eq":1}', 'invalid_rule'],
    ['about events', '{"not":{"event":"Clicked"}}', 'invalid_rule'],
  ])('refuses a filter that is %s', async (_, filter, code) => {
    const answer = await api.get(`/v1/profiles?${query({ filter })}`);
    expect([answer.status, answer.body.error.code]).toEqual([400, code]);
    expect(answer.body.error.detail).not.toEqual([]);
  });

  it('refuses an order that it does not know', async () => {
    expect((await list({ sort: 'traits' })).error.code).toBe('invalid_request');
    expect((await list({ order: 'up' })).error.code).toBe('invalid_request');
  });

  it('counts nobody of another workspace', async () => {
    const other = await addWorkspace(api);
    await api.call('POST', `/v1/batch?writeKey=${other.writeKey}`, {
      headers: { 'content-type': 'text/plain' },
      body: { batch: [{ type: 'page', userId: 'list-z' }] },
    });
    expect(await walk({ sort: 'events' })).toHaveLength(PEOPLE.length);
    expect(await list({ limit: 1 })).toMatchObject({ estimatedTotal: 5 });
  });

  it('that takes too long is given up by the clock, and says so', async () => {
    const holder = await api.pool.connect();
    await holder.query('begin; lock table profile_part in access exclusive mode');
    const waiting = inWorkspace(api.db, api.workspaceId, (transaction) =>
      findProfiles(transaction, api.workspaceId, {
        ...{ search: null, filter: null, sort: 'orders', order: 'desc', limit: 10, after: null },
        ...{ now: api.clock.now, timeoutMs: 50 },
      }),
    );
    await expect(waiting).rejects.toThrow(ListTooSlow);
    await holder.query('rollback');
    holder.release();
  });
});

it('a person of several identifiers is one line of the list, wherever they were seen last', async () => {
  const anonymousId = randomUUID();
  await api.batch([
    { type: 'page', anonymousId, timestamp: at(55) },
    { type: 'identify', userId: 'list-a', anonymousId, timestamp: at(56) },
    { type: 'page', anonymousId, timestamp: at(57) },
  ]);
  const found = await list({ search: anonymousId.slice(0, 10), sort: 'events' });
  expect(found.data).toMatchObject([{ userId: 'list-a', lastSeenAt: at(57) }]);
  expect(await walk({})).toBe('abcde');
  expect(await walk({ order: 'asc' })).toBe('edcba');
});

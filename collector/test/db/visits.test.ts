import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeWorkspace } from '../../src/db/connect';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const at = (minute: number) =>
  new Date(Date.parse('2026-06-15T10:00:00.000Z') + minute * 60_000).toISOString();
const profile = async (reference: string) => (await api.get(`/v1/profiles/${reference}`)).body;

/** A page call as the SDK makes it. */
const page = (anonymousId: string, minute: number, { path = '/', search = '', referrer = '' } = {}) => ({
  type: 'page',
  anonymousId,
  timestamp: at(minute),
  context: {
    page: { path, search, url: `https://shop.test${path}${search}`, title: `Page ${path}`, referrer },
    campaign: search === '' ? undefined : { source: search.slice(1), name: 'May' },
  },
});
const identify = (userId: string, anonymousId: string, minute: number) => ({
  ...{ type: 'identify', userId, anonymousId, timestamp: at(minute) },
});

describe('a profile', () => {
  it('says which page was last, and which campaign and site came first, whatever arrives late', async () => {
    await api.batch([
      page('v1', 5, { path: '/b', search: '?second', referrer: 'https://shop.test/' }),
      { type: 'track', event: 'Clicked', anonymousId: 'v1', timestamp: at(9) },
    ]);
    expect(await profile('anonymous:v1')).toMatchObject({
      lastPage: { url: 'https://shop.test/b?second', path: '/b', title: 'Page /b', name: null, at: at(5) },
      firstCampaign: { source: 'second', name: 'May', medium: null, term: null, content: null, at: at(5) },
      firstReferrer: null,
    });
    await api.batch([
      page('v1', 1, { path: '/a', search: '?first', referrer: 'https://search.test/?q=mugs' }),
      page('v1', 7, { path: '/c', referrer: 'https://news.test/' }),
    ]);
    expect(await profile('anonymous:v1')).toMatchObject({
      lastPage: { path: '/c', at: at(7) },
      firstCampaign: { source: 'first', at: at(1) },
      firstReferrer: { url: 'https://search.test/?q=mugs', at: at(1) },
    });
  });

  it('has none of them where no event said so', async () => {
    await api.batch([{ type: 'track', event: 'Clicked', userId: 'server-side', properties: { url: 'x' } }]);
    expect(await profile('user:server-side')).toMatchObject({
      lastPage: null,
      firstCampaign: null,
      firstReferrer: null,
    });
  });

  it('keeps the beginning of a long address, and a page that says nothing of itself', async () => {
    const long = `https://shop.test/?${'x'.repeat(5_000)}`;
    await api.batch([
      { type: 'page', userId: 'long', timestamp: at(1), properties: { url: long, title: '😀'.repeat(300) } },
    ]);
    const { lastPage } = await profile('user:long');
    expect(lastPage.url).toBe(long.slice(0, 500));
    expect(lastPage.title).toBe('😀'.repeat(100));
    await api.batch([{ type: 'page', userId: 'long', timestamp: at(2), name: 'Bare' }]);
    expect((await profile('user:long')).lastPage).toEqual({
      ...{ url: null, path: null, title: null, name: 'Bare', at: at(2) },
    });
  });
});

describe('on a browser of two people', () => {
  beforeAll(async () => {
    await api.batch([
      page('shared', 1, { path: '/before', search: '?ad', referrer: 'https://search.test/' }),
      identify('ann', 'shared', 2),
      page('shared', 3, { path: '/ann' }),
      page('shared', 20, { path: '/bob', search: '?mail', referrer: 'https://mail.test/' }),
      { type: 'track', event: 'Clicked', anonymousId: 'shared', timestamp: at(21) },
    ]);
  });

  it('all is the first one’s, until it is known that somebody else signed in', async () => {
    expect(await profile('user:ann')).toMatchObject({
      lastPage: { path: '/bob' },
      firstCampaign: { source: 'ad' },
    });
  });

  it('a late sign-in takes along what came after it, and leaves the other one what was before', async () => {
    await api.batch([identify('bob', 'shared', 10)]);
    expect(await profile('user:bob')).toMatchObject({
      lastPage: { path: '/bob', at: at(20) },
      firstCampaign: { source: 'mail', at: at(20) },
      firstReferrer: { url: 'https://mail.test/' },
    });
    expect(await profile('user:ann')).toMatchObject({
      lastPage: { path: '/ann', at: at(3) },
      firstCampaign: { source: 'ad', at: at(1) },
      firstReferrer: { url: 'https://search.test/' },
    });
  });

  it('a late first sign-in takes the beginning', async () => {
    await api.batch([identify('zoe', 'shared', 1.5)]);
    expect(await profile('user:zoe')).toMatchObject({
      lastPage: { path: '/before' },
      firstCampaign: { source: 'ad' },
      firstReferrer: { url: 'https://search.test/' },
    });
    expect(await profile('user:ann')).toMatchObject({
      lastPage: { path: '/ann' },
      firstCampaign: null,
      firstReferrer: null,
    });
  });
});

it('what retention has dropped stays known where it was, and history that moves takes its own along', async () => {
  await api.batch([
    page('kept', 1, { path: '/old', search: '?old', referrer: 'https://old.test/' }),
    identify('cat', 'kept', 2),
    page('kept', 30, { path: '/new', search: '?new', referrer: 'https://new.test/' }),
  ]);
  await changeWorkspace(api.db, api.workspaceId, (transaction) =>
    sql`delete from event where workspace_id = ${api.workspaceId} and anonymous_id = 'kept'
        and occurred_at < ${new Date(at(3))}`.execute(transaction),
  );
  await api.batch([identify('dan', 'kept', 20)]);
  expect(await profile('user:dan')).toMatchObject({
    lastPage: { path: '/new' },
    firstCampaign: { source: 'new' },
    firstReferrer: { url: 'https://new.test/' },
  });
  expect(await profile('user:cat')).toMatchObject({
    firstCampaign: { source: 'old' },
    firstReferrer: { url: 'https://old.test/' },
  });
});

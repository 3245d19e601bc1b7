/** docs/migrating.md: its code is run as it stands, in a page with our script, and everything arrives. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Api, openApi, REAL_CLOCK } from '../support/api';
import { openChromium } from '../support/shared-chromium';
import { blocksOf, readDocument } from '../support/documents';
import { openSite } from '../support/site';
import { openWire, type Wire } from '../support/wire';

const PATIENCE = { timeout: 60_000, interval: 50 };
const blocks = blocksOf(readDocument('docs/migrating.md')).filter(({ info }) => info.startsWith('js run '));

let api: Api;
let wire: Wire;
let browser: Browser;
beforeAll(async () => {
  api = await openApi({ clock: REAL_CLOCK });
  wire = await openWire(api.url);
  browser = await openChromium();
});
afterAll(async () => {
  await browser?.close();
  await wire?.close();
  await api?.close();
});

const SENT: Readonly<Record<string, readonly string[]>> = {
  segment: ['identify', 'track', 'page', 'group', 'alias', 'track'],
  posthog: ['track', 'page', 'identify', 'identify', 'group', 'alias'],
  ga4: ['page', 'identify', 'track', 'track'],
};

it('there is code for each that one may come from', () => {
  expect(blocks.map(({ info }) => info.split(' ')[2])).toEqual(Object.keys(SENT));
});

it.each(blocks)('$info: every call arrives and is taken', async ({ info, text }) => {
  const before = wire.requests.length;
  const site = await openSite({
    page: `<!doctype html><title>Shop</title><script src="${wire.url}/sdk.js" data-write-key="${api.writeKey}"></script>`,
  });
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(site.url);
  await page.addScriptTag({ content: `{${text}}` });
  await page.goto('about:blank');
  const sent = () => wire.requests.slice(before).filter(({ method }) => method === 'POST');
  const types = () =>
    sent().flatMap(({ body }) => (body!['batch'] as Array<{ type: string }>).map(({ type }) => type));
  await vi.waitFor(() => expect(types()).toEqual(SENT[info.split(' ')[2]!]), PATIENCE);
  expect(sent().map(({ status }) => status)).toEqual(sent().map(() => 200));
  expect(problems).toEqual([]);
  await page.close();
  await site.close();
});

it('nothing of it was refused, and an order counts', async () => {
  expect((await api.get('/v1/rejected')).body.data).toEqual([]);
  const { body } = await api.get('/v1/profiles/user:ada');
  expect(body).toMatchObject({ orders: 1, revenue: { EUR: '19.9' }, traits: { plan: 'pro' } });
});

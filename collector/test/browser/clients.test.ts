/** The published browser clients of others, as they are, in pages of another origin: nothing is lost or doubled. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Api, openApi, REAL_CLOCK } from '../support/api';
import { bundleCode } from '../support/bundle';
import { openChromium } from '../support/shared-chromium';
import { clientCode } from '../support/client-code';
import { countStored, keptOf, readStored } from '../support/stored';
import { FAULTS, openWire, type Wire } from '../support/wire';

const PATIENCE = { timeout: 60_000, interval: 50 };

let api: Api;
let wire: Wire;
let browser: Browser;
let context: BrowserContext;
let site: Server;
/** What the page runs, and what went wrong in it. */
let script = '';
let problems: string[] = [];
/** Where the page's requests went besides the collector and its own site. */
let elsewhere: string[] = [];

beforeAll(async () => {
  api = await openApi({ clock: REAL_CLOCK });
  browser = await openChromium();
  site = createServer(({ url }, response) => {
    if (url === '/client.js') response.setHeader('content-type', 'text/javascript').end(script);
    else
      response
        .setHeader('content-type', 'text/html')
        .end('<!doctype html><title>Shop</title><script src="/client.js"></script>');
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await browser?.close();
  site?.closeAllConnections();
  site?.close();
  await api?.close();
});

beforeEach(async () => {
  wire = await openWire(api.url);
  context = await browser.newContext({ locale: 'de-DE' });
  [problems, elsewhere] = [[], []];
});
afterEach(async () => {
  await context.close();
  await wire.close();
});

const siteUrl = (): string => `http://127.0.0.1:${(site.address() as AddressInfo).port}`;

/** Opens a page with what the README says, plus a line of the test's; `analytics` is the client. */
async function openPage(name: string, change: (code: string) => string = (code) => code): Promise<Page> {
  const code = change(clientCode(name, { url: wire.url, writeKey: api.writeKey }));
  script = await bundleCode(`${code}\nwindow.analytics = analytics;`, 'iife');
  const page = await context.newPage();
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('request', (asked) => {
    const { origin } = new URL(asked.url());
    if (origin !== siteUrl() && origin !== wire.url) elsewhere.push(asked.url());
  });
  await page.goto(`${siteUrl()}/mugs?utm_source=letter`);
  return page;
}

/** Runs in the page; `analytics` is the client. */
const run = (page: Page, code: string): Promise<unknown> => page.evaluate(`(async () => { ${code} })()`);

const more = { context: { campaign: { name: 'spring' } }, integrations: { All: false, Ledger: true } };

interface Visit {
  readonly userId: string;
  readonly library: string;
  /** RudderStack's browser client has no screens. */
  readonly hasScreens: boolean;
}

/** The same visit with either client: before signing in, signing in, and after. */
function visit({ userId, hasScreens }: Visit): string {
  const screen = `await analytics.screen('Shop', 'Mug', { size: 2 }, more);`;
  return `
    const more = ${JSON.stringify(more)};
    await analytics.page('Shop', 'Mugs', { aisle: 3 }, more);
    await analytics.track('Order Completed', { order_id: 'of-${userId}', revenue: 9.5 }, more);
    await analytics.identify('${userId}', { email: '${userId}@x.test', plan: 'pro' }, more);
    ${hasScreens ? screen : ''}
    await analytics.group('acme', { seats: 3 }, more);
    await analytics.alias('${userId}', '${userId}-before', more);`;
}

function expectedOf({ userId, library, hasScreens }: Visit) {
  const page = { path: '/mugs', search: '?utm_source=letter' };
  const { context: given, integrations } = more;
  const context = { ...given, integrations, locale: 'de-DE', library: { name: library }, page };
  const screen = { context, userId, name: 'Mug', properties: { category: 'Shop', size: 2 } };
  return {
    page: { context, userId: null, name: 'Mugs', properties: { category: 'Shop', aisle: 3, ...page } },
    track: { context, userId: null, properties: { order_id: `of-${userId}`, revenue: 9.5 } },
    identify: { context, userId, traits: { email: `${userId}@x.test`, plan: 'pro' } },
    ...(hasScreens ? { screen } : {}),
    group: { context, userId, groupId: 'acme', traits: { seats: 3 } },
    alias: { context, userId, previousId: `${userId}-before` },
  };
}

/** Every event of the visit arrived in full, as one person's, and nothing went anywhere else. */
async function expectVisited(visited: Visit): Promise<void> {
  const expected: Readonly<Record<string, object>> = expectedOf(visited);
  const types = Object.keys(expected);
  await vi.waitFor(() => expect(wire.events()).toHaveLength(types.length), PATIENCE);
  const sent = wire.events();
  const stored = await readStored(api, sent);
  expect(Object.keys(stored).sort()).toEqual([...types].sort());
  expect(stored).toMatchObject(expected);
  for (const event of sent) expect(stored[event['type'] as string]).toMatchObject(keptOf(event));

  const { body } = await api.get(`/v1/profiles/user:${visited.userId}`);
  expect(body).toMatchObject({
    traits: { email: `${visited.userId}@x.test`, plan: 'pro' },
    events: types.length,
    pages: 1,
    orders: 1,
    revenue: { USD: '9.5' },
  });
  const values = body.identifiers.map(({ value }: { value: string }) => value);
  expect(values).toEqual(expect.arrayContaining([stored['page']!.anonymousId, `${visited.userId}-before`]));
  expect([problems, elsewhere]).toEqual([[], []]);
}

const pathsOf = (method: string): string[] =>
  wire.requests.filter((request) => request.method === method).map(({ path }) => path.split('?', 1)[0]!);

/** Each is answered 503 once, and nothing is lost or doubled. */
async function expectOneDelivery(before: number): Promise<void> {
  const answers = () => wire.requests.filter(({ method }) => method === 'POST').map(({ status }) => status);
  await vi.waitFor(() => expect(answers()).toEqual([503, 200]), PATIENCE);
  expect(new Set(wire.events().map(({ messageId }) => messageId)).size).toBe(1);
  expect(await countStored(api)).toBe(before + 1);
}

describe('@segment/analytics-next', () => {
  const library = 'analytics.js';
  const withOptions = (options: string) => (code: string) =>
    code.replace(/\}\);\s*$/, `}, { integrations: { 'Segment.io': ${options} } });`);
  const batching = withOptions(`{ deliveryStrategy: { strategy: 'batching', config: { size: 6 } } }`);

  it.each([
    ['served settings', '@segment/analytics-next'],
    ['inline settings', '@segment/analytics-next inline'],
  ])('brings every call with all its fields, one by one, by %s', async (settings, name) => {
    const visited = { userId: `ada-${settings.slice(0, 6)}`, library, hasScreens: true };
    await run(await openPage(name), visit(visited));
    await expectVisited(visited);
    expect(wire.events()[0]!.messageId).toMatch(/^ajs-next-\d+-/);
    expect(pathsOf('POST')).toEqual(['/v1/p', '/v1/t', '/v1/i', '/v1/s', '/v1/g', '/v1/a']);
    expect(pathsOf('GET')).toHaveLength(settings === 'served settings' ? 1 : 0);
  });

  it.each([
    ['served settings', '@segment/analytics-next'],
    ['inline settings', '@segment/analytics-next inline'],
  ])('brings them in batches, by %s', async (settings, name) => {
    const visited = { userId: `eve-${settings.slice(0, 6)}`, library, hasScreens: true };
    await run(await openPage(name, batching), visit(visited));
    await expectVisited(visited);
    expect(pathsOf('POST')).toEqual(['/v1/b']);
  });

  it.each(FAULTS)('delivers once when it must be answered 503: %s', async (fault) => {
    const before = await countStored(api);
    const page = await openPage('@segment/analytics-next');
    await run(page, 'await analytics');
    wire.breakNext(fault);
    await run(page, `await analytics.track('Counted')`);
    await expectOneDelivery(before);
  });

  it.each(FAULTS)('delivers a batch once when it must be answered 503: %s', async (fault) => {
    const before = await countStored(api);
    const one = withOptions(`{ deliveryStrategy: { strategy: 'batching', config: { size: 1 } } }`);
    const page = await openPage('@segment/analytics-next', one);
    await run(page, 'await analytics');
    wire.breakNext(fault);
    await run(page, `await analytics.track('Counted')`);
    await expectOneDelivery(before);
  });

  it('is told by a 404 that its key is not known', async () => {
    const page = await openPage('@segment/analytics-next', (code) =>
      code.replace(api.writeKey, 'pk_unknown'),
    );
    const told = await run(page, 'return analytics.then(() => null, (error) => error.message)');
    expect(JSON.parse(told as string)).toMatchObject({ error: { code: 'not_found' } });
  });

  it('may send its own metrics', async () => {
    const page = await openPage('@segment/analytics-next inline', (code) =>
      withOptions(`{ apiHost: '${new URL(wire.url).host}/v1', protocol: 'http' }`)(
        code.replace('sampleRate: 0', 'sampleRate: 1, flushTimer: 100'),
      ),
    );
    await run(page, `await analytics.track('Counted')`);
    await vi.waitFor(
      () => expect(wire.requests).toContainEqual(expect.objectContaining({ path: '/v1/m', status: 204 })),
      PATIENCE,
    );
    expect([problems, elsewhere]).toEqual([[], []]);
  });
});

describe('@rudderstack/analytics-js', () => {
  const library = 'RudderLabs JavaScript SDK';
  const name = '@rudderstack/analytics-js';
  const withOptions = (options: string) => (code: string) =>
    code.replace('{ configUrl:', `{ ${options}, configUrl:`);

  it('brings every call with all its fields, and headers of its own', async () => {
    const visited = { userId: 'grace', library, hasScreens: false };
    await run(await openPage(name), visit(visited));
    await expectVisited(visited);
    expect(pathsOf('POST').sort()).toEqual([
      '/v1/alias',
      '/v1/group',
      '/v1/identify',
      '/v1/page',
      '/v1/track',
    ]);
    for (const { method, headers } of wire.requests.filter(({ method }) => method === 'POST')) {
      expect([method, headers]).toMatchObject([
        'POST',
        { anonymousid: expect.any(String), sentat: expect.any(String), authorization: expect.any(String) },
      ]);
    }
    const asked = wire.requests.find(({ method, path }) => method === 'OPTIONS' && path === '/v1/track');
    expect(asked!.headers['access-control-request-headers']).toContain('anonymousid');
  });

  it('brings them in batches', async () => {
    const visited = { userId: 'joan', library, hasScreens: false };
    const page = await openPage(name, withOptions('queueOptions: { batch: { enabled: true, maxItems: 5 } }'));
    await run(page, visit(visited));
    await expectVisited(visited);
    expect(pathsOf('POST')).toEqual(['/v1/batch']);
  });

  it('brings them by a beacon as the page goes away', async () => {
    const visited = { userId: 'mary', library, hasScreens: false };
    const page = await openPage(name, withOptions('useBeacon: true'));
    await run(page, 'await new Promise((resolve) => analytics.ready(resolve))');
    await run(page, visit(visited));
    await page.goto('about:blank');
    await expectVisited(visited);
    expect(pathsOf('POST')).toEqual(['/beacon/v1/batch']);
  });

  it.each(FAULTS)('delivers once when it must be answered 503: %s', async (fault) => {
    const before = await countStored(api);
    const page = await openPage(name);
    wire.breakNext(fault);
    await run(page, `analytics.track('Counted')`);
    await expectOneDelivery(before);
  });
});

/** What the SDK promises, in a real browser: events are counted on the wire of a server on another origin. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { launchChromium, launchChromiumProfile } from '../support/chromium';

interface WireEvent {
  readonly type: string;
  readonly messageId: string;
  readonly event?: string;
  readonly anonymousId: string;
  readonly userId?: string;
  readonly timestamp: string;
  readonly properties?: Record<string, unknown>;
  readonly context: { readonly page: { readonly path: string } };
}

interface WireRequest {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly url: string;
  readonly contentType: string | undefined;
  readonly events: readonly WireEvent[];
}

interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: string;
}

const SDK = join(import.meta.dirname, '../../../sdk');
const PATIENCE = { timeout: 60_000, interval: 50 };

let browser: Browser;
let context: BrowserContext;
let script: string;
/** As the SDK's README gives it. */
let stub: string;
let site: Server;
let collector: Server;
let build: string;

/** Every request that reached the collector, whatever it was answered. */
let wire: WireRequest[] = [];
let latencyMs = 0;
let reply: (request: WireRequest) => Reply = acceptAll;
/** Answers that wait for their latency, so that none outlives its test. */
const pending = new Set<NodeJS.Timeout>();

function acceptAll({ events }: WireRequest): Reply {
  return { status: 200, body: JSON.stringify({ accepted: events.length, duplicates: 0, rejected: [] }) };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function collect(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/sdk.js')
    return void response.setHeader('content-type', 'text/javascript').end(script);
  const { batch } = JSON.parse(await readBody(request)) as { batch: WireEvent[] };
  const recorded = {
    at: performance.now(),
    url: request.url ?? '',
    contentType: request.headers['content-type'],
    events: batch,
  };
  wire.push(recorded);
  const { status, headers, body } = reply(recorded);
  const timer = setTimeout(() => {
    pending.delete(timer);
    response.writeHead(status, {
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'retry-after',
      'content-type': 'application/json',
      ...headers,
    });
    response.end(body);
  }, latencyMs);
  pending.add(timer);
}

function pageHtml(url: URL): string {
  const early = url.searchParams.get('early');
  const auto = url.searchParams.has('auto') ? ' data-auto-page' : '';
  const tag = `<script ${early ? 'async ' : ''}src="${origin(collector)}/sdk.js" data-write-key="pk_test"${auto}></script>`;
  return `<!doctype html><title>${url.pathname}</title>${early ? `<script>${stub}${early}</script>` : ''}${tag}<p>shop`;
}

function serveSite(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', origin(site));
  if (url.pathname === '/favicon.ico') return void response.writeHead(204).end();
  if (url.searchParams.has('csp')) {
    const policy = `default-src 'none'; script-src ${origin(collector)}; connect-src ${origin(collector)}`;
    response.setHeader('content-security-policy', policy);
  }
  response.setHeader('content-type', 'text/html').end(pageHtml(url));
}

function origin(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function listen(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

beforeAll(async () => {
  build = await mkdtemp(join(tmpdir(), 'throughline-sdk-'));
  const tsup = join(SDK, '../node_modules/tsup/dist/cli-default.js');
  const env = { ...process.env, THROUGHLINE_BUILD: 'fast' };
  await promisify(execFile)(process.execPath, [tsup, '--out-dir', build], { cwd: SDK, env });
  script = await readFile(join(build, 'sdk.js'), 'utf8');
  [, stub = ''] = /<script>\n(.*?)<\/script>/s.exec(await readFile(join(SDK, 'README.md'), 'utf8')) ?? [];
  site = await listen(serveSite);
  collector = await listen((request, response) => void collect(request, response));
  browser = await launchChromium({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
});

afterAll(async () => {
  await browser?.close();
  for (const server of [site, collector]) {
    server?.closeAllConnections();
    server?.close();
  }
  await rm(build, { recursive: true, force: true });
});

beforeEach(async () => {
  wire = [];
  latencyMs = 0;
  reply = acceptAll;
  context = await browser.newContext();
});

afterEach(async () => {
  await context.close();
  pending.forEach(clearTimeout);
  pending.clear();
});

async function openPage(path = '/', where = context): Promise<Page> {
  const page = await where.newPage();
  await page.goto(origin(site) + path);
  return page;
}

/** Runs in the page; `throughline` is the tracker. */
function run(page: Page, code: string): Promise<unknown> {
  return page.evaluate(code);
}

function trackMany(count: number, bytes = 10): string {
  // Whoever runs it must not wait for the last one's receipt.
  return `for (let n = 0; n < ${count}; n += 1) void throughline.track('Counted', { n, pad: 'x'.repeat(${bytes}) });`;
}

/** How often each counted event was on the wire, by its number. */
function copies(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { properties } of wire.flatMap(({ events }) => events)) {
    const number = String(properties?.n);
    counts[number] = (counts[number] ?? 0) + 1;
  }
  return counts;
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, n) => String(n));
}

async function allArrive(count: number): Promise<void> {
  await vi.waitFor(() => expect(new Set(Object.keys(copies()))).toEqual(new Set(numbers(count))), PATIENCE);
}

/** Nothing is left to send, as this page sees it. */
async function settled(page: Page): Promise<void> {
  await run(page, 'throughline.flush()');
}

for (const bytes of [300, 5_000]) {
  for (const latency of [0, 200]) {
    test(`30 events of ${bytes} B survive a navigation in the same tick, with ${latency} ms of latency`, async () => {
      latencyMs = latency;
      const page = await openPage();
      await run(page, `${trackMany(30, bytes)} location.href = '/next'`);
      await page.waitForURL('**/next');
      await allArrive(30);
    });
  }
}

test('10 events arrive without a revisit when the tab is closed at once', async () => {
  latencyMs = 200;
  const page = await openPage();
  await run(page, trackMany(10));
  await page.close();
  await allArrive(10);
  expect(Object.values(copies())).toEqual(numbers(10).map(() => 1));
});

test('what was tracked offline arrives at the next visit, with no new call', async () => {
  const page = await openPage();
  await context.setOffline(true);
  await run(page, trackMany(10));
  await page.close();
  await context.setOffline(false);
  expect(wire).toEqual([]);
  await settled(await openPage('/later'));
  await allArrive(10);
  expect(Object.values(copies())).toEqual(numbers(10).map(() => 1));
});

test('what was tracked offline arrives when the connection is back', async () => {
  const page = await openPage();
  await context.setOffline(true);
  await run(page, `${trackMany(10)} throughline.flush()`);
  expect(wire).toEqual([]);
  await context.setOffline(false);
  await allArrive(10);
});

test('three tabs over one stored queue put each event on the wire once', async () => {
  const first = await openPage();
  await context.setOffline(true);
  await run(first, trackMany(50));
  await first.close();
  await context.setOffline(false);
  latencyMs = 100;
  const tabs = await Promise.all([openPage('/a'), openPage('/b'), openPage('/c')]);
  await Promise.all(tabs.map(settled));
  await allArrive(50);
  await Promise.all(tabs.map(settled));
  expect(Object.values(copies())).toEqual(numbers(50).map(() => 1));
});

test('a tab that closes while another one sends leaves nothing and doubles nothing', async () => {
  const other = await openPage('/other');
  const closing = await openPage('/closing');
  latencyMs = 200;
  await run(other, `throughline.track('Counted', { n: 'other' }); void throughline.flush()`);
  await vi.waitFor(() => expect(wire).toHaveLength(1), PATIENCE);
  await run(closing, trackMany(10));
  await closing.close();
  await allArrivesOnce(10, other);
});

async function allArrivesOnce(count: number, witness: Page): Promise<void> {
  await vi.waitFor(
    () => expect(Object.keys(copies()).filter((key) => key !== 'other')).toHaveLength(count),
    PATIENCE,
  );
  await settled(witness);
  expect(new Set(Object.values(copies()))).toEqual(new Set([1]));
}

test('503 with Retry-After: no request from any tab inside the window, then everything', async () => {
  reply = (request) =>
    wire.length === 1 ? { status: 503, headers: { 'retry-after': '3' }, body: '{}' } : acceptAll(request);
  const page = await openPage();
  await run(page, `${trackMany(5)} throughline.flush()`);
  expect(wire).toHaveLength(1);
  await page.reload();
  const other = await openPage('/other');
  await run(other, `throughline.track('Counted', { n: 5 }); throughline.flush()`);
  await other.close();
  await allArrive(6);
  expect(wire[1]!.at - wire[0]!.at).toBeGreaterThanOrEqual(3_000);
});

test('a renderer that crashes loses nothing', async () => {
  const page = await openPage();
  await context.setOffline(true);
  await run(page, trackMany(10));
  const crashed = page.waitForEvent('crash');
  page.goto('chrome://crash').catch(() => undefined);
  await crashed;
  await page.close();
  await context.setOffline(false);
  await settled(await openPage('/later'));
  await allArrive(10);
});

test('a killed browser loses nothing that IndexedDB has completed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-profile-'));
  try {
    const before = await launchChromiumProfile(folder);
    const page = await openPage('/', before);
    await before.setOffline(true);
    await run(page, trackMany(10));
    await page.waitForFunction(() => !Object.keys(localStorage).some((key) => key.includes('.event.')));
    const session = await before.newCDPSession(page);
    const gone = new Promise<void>((resolve) => before.once('close', () => resolve()));
    session.send('Browser.crash').catch(() => undefined);
    await gone;
    const after = await launchChromiumProfile(folder);
    await openPage('/later', after);
    await allArrive(10);
    await after.close();
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});

test('a cheerful page of a proxy deletes nothing', async () => {
  reply = (request) =>
    wire.length === 1
      ? { status: 200, headers: { 'content-type': 'text/html' }, body: '<p>Sign in to this network' }
      : acceptAll(request);
  const page = await openPage();
  await run(page, `${trackMany(5)} throughline.flush()`);
  await vi.waitFor(() => expect(Object.values(copies())).toEqual([2, 2, 2, 2, 2]), PATIENCE);
});

test('a refused key stops sending and keeps everything for a page that has a good one', async () => {
  reply = () => ({ status: 401, body: '{"error":{"code":"unauthorized","message":"no such key"}}' });
  const page = await openPage();
  await run(page, `${trackMany(5)} throughline.flush()`);
  await run(page, `throughline.track('Counted', { n: 5 }); throughline.flush()`);
  expect(wire).toHaveLength(1);
  reply = acceptAll;
  await page.reload();
  await allArrive(6);
});

test.each([
  [
    'localStorage throws',
    `Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })`,
  ],
  ['IndexedDB hangs', `indexedDB.open = () => ({})`],
  ['IndexedDB throws', `indexedDB.open = () => { throw new Error('no'); }`],
  ['Web Locks are missing', `Object.defineProperty(navigator, 'locks', { value: undefined })`],
  [
    'nothing can be stored',
    `Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } });
     Object.defineProperty(window, 'indexedDB', { value: undefined });
     Object.defineProperty(document, 'cookie', { get() { throw new Error('no'); }, set() { throw new Error('no'); } })`,
  ],
])('everything arrives while the page lives where %s', async (_, sabotage) => {
  await context.addInitScript(sabotage);
  const page = await openPage();
  await run(page, trackMany(30));
  await allArrive(30);
  await settled(page);
  expect(new Set(Object.values(copies()))).toEqual(new Set([1]));
});

test('a page from the back/forward cache goes on where it was, and is viewed again', async () => {
  const page = await openPage('/?auto');
  await run(page, `window.marker = true; throughline.track('Counted', { n: 0 }); throughline.flush()`);
  await page.goto(`${origin(site)}/next`);
  // No page is loaded on the way back, so there is nothing that goBack() could wait for.
  await run(page, 'void setTimeout(() => history.back())');
  await page.waitForFunction(() => 'marker' in window);
  await run(page, `throughline.track('Counted', { n: 1 })`);
  await vi.waitFor(() => expect(copies()).toEqual({ undefined: 2, 0: 1, 1: 1 }), PATIENCE);
});

test('what JSON cannot carry is replaced, and the page never sees an error', async () => {
  const page = await openPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => errors.push(message.text()));
  await run(
    page,
    `const cycle = { n: 0 }; cycle.self = cycle;
     const revoked = Proxy.revocable({}, {}); revoked.revoke();
     throughline.track('Counted', {
       ...cycle, cycle, revoked: revoked.proxy, big: 10n, node: document.body, call: () => 1, half: 'a\\ud800',
       get broken() { return 1 }, endless: new Proxy({}, { ownKeys() { throw new Error('no') } }),
       json: { toJSON() { throw new Error('no') } }, at: new Date(0), huge: 'y'.repeat(1e6),
     });
     throughline.track('Counted', Object.create({}, { n: { value: 1, enumerable: true }, get: { get() { throw 1 }, enumerable: true } }));
     throughline.track('Counted', { n: 2, sparse: new Array(1e9), huge: 'y'.repeat(1e6) });
     throughline.track(Symbol('x'), revoked.proxy);
     throughline.identify(document, revoked.proxy, revoked.proxy);
     throughline.page({}, {}, {}, {});
     throughline.flush()`,
  );
  const [first, second, third] = wire.flatMap(({ events }) => events);
  expect(first!.properties).toMatchObject({
    n: 0,
    cycle: { n: 0, self: '[cut]' },
    revoked: '[cut]',
    big: '10',
    node: '[cut]',
    call: '[cut]',
    half: 'a\ufffd',
    broken: 1,
    endless: '[cut]',
    json: '[cut]',
    at: '1970-01-01T00:00:00.000Z',
  });
  expect(second!.properties).toEqual({ n: 1, get: '[cut]' });
  expect(third!.properties).toMatchObject({ n: 2, huge: '[cut]' });
  expect(errors).toEqual([]);
});

test('calls made before the script is there are done in order, with the time they were made', async () => {
  const early = `throughline.identify('u1');throughline.track('Counted',{n:0});throughline.early=Date.now()`;
  const before = Date.now();
  const page = await openPage(`/?auto&early=${encodeURIComponent(early)}`);
  await vi.waitFor(() => expect(wire.flatMap(({ events }) => events)).toHaveLength(3), PATIENCE);
  const events = wire.flatMap(({ events }) => events);
  expect(events.map(({ type }) => type)).toEqual(['page', 'identify', 'track']);
  const track = events[2]!;
  expect(track.userId).toBe('u1');
  expect(Date.parse(track.timestamp)).toBeGreaterThanOrEqual(before);
  expect(await run(page, 'typeof throughline.track + typeof throughline.push')).toBe('functionundefined');
});

test('page views follow the History API: path and query count, fragments and repetitions do not', async () => {
  const page = await openPage('/shop?auto');
  await run(
    page,
    `new Promise((done) => {
       history.pushState({}, '', '/cart?auto'); document.title = 'Cart';
       setTimeout(() => {
         history.replaceState({}, '', '/cart?auto#top');
         history.pushState({}, '', '/cart?auto#end');
         history.pushState({}, '', '/elsewhere'); history.replaceState({}, '', '/pay');
         throughline.track('Paid');
         throughline.flush().then(done);
       }, 5);
     })`,
  );
  const seen = wire.flatMap(({ events }) => events).map(({ type, context: { page } }) => [type, page.path]);
  expect(seen).toEqual([
    ['page', '/shop'],
    ['page', '/cart'],
    ['page', '/pay'],
    ['track', '/pay'],
  ]);
  const titles = wire.flatMap(({ events }) => events).map(({ properties }) => properties?.title);
  expect(titles.slice(0, 2)).toEqual(['/shop', 'Cart']);
});

test('a strict content security policy is enough, and requests need no preflight', async () => {
  const page = await context.newPage();
  const noise: string[] = [];
  page.on('console', (message) => noise.push(message.text()));
  await page.goto(`${origin(site)}/?csp&auto`);
  await vi.waitFor(() => expect(wire).toHaveLength(1), PATIENCE);
  expect(wire[0]).toMatchObject({
    url: '/v1/batch?writeKey=pk_test',
    contentType: 'text/plain;charset=UTF-8',
  });
  expect(noise).toEqual([]);
});

test('the anonymous ID is kept in cookie and localStorage, and each repairs the other', async () => {
  const page = await openPage();
  const id = await run(page, 'throughline.anonymousId()');
  await run(page, 'localStorage.clear()');
  await page.reload();
  expect(await run(page, 'throughline.anonymousId()')).toBe(id);
  await context.clearCookies();
  await page.reload();
  expect(await run(page, 'throughline.anonymousId()')).toBe(id);
  const [cookie] = await context.cookies();
  expect(cookie).toMatchObject({
    name: 'throughline_id',
    value: id,
    path: '/',
    sameSite: 'Lax',
    httpOnly: false,
  });
  await run(page, 'throughline.reset()');
  expect(await run(page, 'throughline.anonymousId()')).not.toBe(id);
});

/** The examples as they are: built, opened in Chromium, clicked through; what they record arrives, once. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openChromium } from '../support/shared-chromium';
import { startCollector, type StartedCollector } from '../support/collector';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { ROOT } from '../support/documents';
import { readAs, storedOf, visitExample } from '../support/example-visit';
import { openSite, type Site } from '../support/site';

const EXAMPLES = join(ROOT, 'examples');

/** Named to keep pictures of what people see, e.g. THROUGHLINE_TEST_SCREENSHOTS=shots */
const SHOTS = process.env['THROUGHLINE_TEST_SCREENSHOTS'];

async function keepPicture(page: Page, name: string): Promise<void> {
  if (SHOTS === undefined) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

let database: TestDatabase;
let collector: StartedCollector;
let browser: Browser;

beforeAll(async () => {
  database = await createTestDatabase();
  [collector, browser] = await Promise.all([
    startCollector({ env: { DATABASE_URL: database.url } }),
    openChromium(),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await collector?.stop();
  await database?.close();
});

/** A page as it is: a script tag, and no build. */
function serveHtml(name: string): Promise<Site> {
  const page = readFileSync(join(EXAMPLES, name, 'index.html'), 'utf8')
    .replace('http://127.0.0.1:3000', collector.url)
    .replace('pk_…', collector.writeKey);
  return openSite({ page });
}

/** Built as for development, where React's StrictMode does everything twice. */
async function serveApp(name: string): Promise<Site> {
  const outDir = mkdtempSync(join(tmpdir(), 'throughline-example-'));
  await build({
    root: join(EXAMPLES, name),
    mode: 'development',
    logLevel: 'error',
    define: {
      'process.env.NODE_ENV': '"development"',
      'import.meta.env.VITE_COLLECTOR': JSON.stringify(collector.url),
      'import.meta.env.VITE_WRITE_KEY': JSON.stringify(collector.writeKey),
    },
    build: { outDir, minify: false, emptyOutDir: true },
  });
  const site = await openSite({ folder: outDir });
  return { ...site, close: () => (rmSync(outDir, { recursive: true }), site.close()) };
}

describe.each([
  { name: 'html', serve: () => serveHtml('html'), pages: ['page'] },
  { name: 'react', serve: () => serveApp('react'), pages: ['page', 'page'] },
  { name: 'vue', serve: () => serveApp('vue'), pages: ['page All mugs', 'page A mug'] },
])('examples/$name', ({ serve, pages }) => {
  it('records what somebody does, once each, as theirs', async () => {
    const site = await serve();
    await visitExample({
      collector,
      browser,
      url: site.url,
      hasPages: pages.length > 1,
      expected: [...pages, 'track Product Added', 'identify'],
    });
    await site.close();
  });
});

describe('examples/consent', () => {
  let site: Site;
  beforeAll(async () => {
    site = await serveHtml('consent');
  });
  afterAll(() => site?.close());

  /** What is on the device of the visitor, besides what they chose. */
  const readDevice = async (page: Page) => {
    const stored = await page.evaluate(async () => {
      const whenDone = <T>(request: IDBRequest<T>) =>
        new Promise<T>((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error!);
        });
      const names = [];
      for (const { name } of await indexedDB.databases()) {
        const database = await whenDone(indexedDB.open(name!));
        const events = database.transaction('events').objectStore('events');
        names.push(...(await whenDone(events.getAllKeys())).map((key) => `${name}.${String(key)}`));
        database.close();
      }
      return [...names, ...Object.keys(localStorage)];
    });
    const cookies = await page.context().cookies();
    return [...stored, ...cookies.map(({ name }) => name)].filter((name) => name.startsWith('throughline'));
  };

  const hasFocus = (element: Locator) => element.evaluate((one) => one === document.activeElement);

  it('keeps and sends nothing before a yes, counts from the beginning after it, and wipes all with a no', async () => {
    const visitor = await browser.newContext();
    const page = await visitor.newPage();
    const sent: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/v1/')) sent.push(request.url());
    });
    await page.goto(site.url);
    await page.getByRole('button', { name: 'Add to cart' }).click();
    expect([await readDevice(page), sent]).toEqual([[], []]);

    await page.reload();
    const yes = page.getByRole('button', { name: 'Agree' });
    await page.keyboard.press('Tab');
    expect(await hasFocus(yes)).toBe(true);
    await page.getByRole('button', { name: 'Add to cart' }).click();
    await yes.press('Enter');
    await page.getByRole('status').getByText('Your visits are counted.').waitFor();
    const id = await page.evaluate('throughline.anonymousId()');
    await page.evaluate('throughline.flush()');
    expect(await storedOf(collector, String(id))).toEqual(['page', 'track Product Added']);

    await page.reload();
    expect(await yes.isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Privacy choices' }).press('Enter');
    expect(await hasFocus(page.getByRole('heading', { name: 'May we count' }))).toBe(true);
    await page.keyboard.press('Escape');
    expect(await yes.isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Privacy choices' }).press('Enter');
    await page.getByRole('button', { name: 'Decline' }).press('Enter');
    await page.getByRole('status').getByText('not counted').waitFor();
    await expect.poll(() => readDevice(page), { timeout: 30_000 }).toEqual([]);
    sent.length = 0;
    await page.getByRole('button', { name: 'Add to cart' }).click();
    await page.reload();
    expect([await readDevice(page), sent]).toEqual([[], []]);
    await visitor.close();
  });

  it.each(['light', 'dark'] as const)(
    'stands on a phone, %s, and leaves the page to be read',
    async (colorScheme) => {
      const visitor = await browser.newContext({ viewport: { width: 375, height: 700 }, colorScheme });
      const page = await visitor.newPage();
      await page.goto(site.url);
      await page.getByRole('button', { name: 'Agree' }).waitFor();
      await keepPicture(page, `consent-375-${colorScheme}`);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(375);
      // Its own scrolling brings what is last in the page above the banner.
      await page.getByRole('button', { name: 'Privacy choices' }).click();
      await visitor.close();
    },
  );
});

describe('examples/node', () => {
  const run = (args: readonly string[]) => {
    const child = spawn(process.execPath, args, {
      cwd: join(EXAMPLES, 'node'),
      env: {
        PATH: process.env.PATH,
        COLLECTOR: collector.url,
        WRITE_KEY: collector.writeKey,
        EVENTS_DIR: mkdtempSync(join(tmpdir(), 'throughline-events-')),
        PORT: '0',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return { child, ended: new Promise((resolve) => child.once('close', resolve)) };
  };

  it('a server takes orders and records them, and what waits is sent before it stops', async () => {
    const { child, ended } = run(['server.mjs']);
    const line = await new Promise<string>((resolve) =>
      child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())),
    );
    const [, port] = /"port":(\d+)/.exec(line)!;
    const orders = await Promise.all(
      ['grace', 'grace'].map((user) =>
        fetch(`http://127.0.0.1:${port}/orders?user=${user}`, { method: 'POST' }),
      ),
    );
    expect(orders.map(({ status }) => status)).toEqual([201, 201]);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(await readAs(collector, '/v1/profiles/user:grace')).toMatchObject({
      orders: 2,
      revenue: { EUR: '85' },
    });
  });

  it('a function has been heard when it returns', async () => {
    const call = `import('./function.mjs').then(({ handler }) => handler({ userId: 'alan', plan: 'pro' }))`;
    const { ended } = run(['--eval', `${call}.then(() => process.exit(0))`]);
    expect(await ended).toBe(0);
    expect(await readAs(collector, '/v1/profiles/user:alan')).toMatchObject({
      events: 2,
      traits: { plan: 'pro' },
    });
  });
});

/** The script tag, as sites put it into their pages: policies, several of them, and calls before it has come. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Page } from 'playwright-core';
import { openSite, type Site } from '../support/hosts';
import { countStored } from '../support/stored';

/** As the SDK's README gives it. */
const readme = readFileSync(join(import.meta.dirname, '../../../sdk/README.md'), 'utf8');
const [, stub = ''] = /<script>\n(.*?)<\/script>/s.exec(readme) ?? [];

const PATIENCE = { timeout: 60_000, interval: 50 };

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

describe.each(['sdk.js', 'sdk-full.js'] as const)('%s', (script) => {
  const tag = (attributes?: string): string => site.tag(attributes).replace('sdk.js', script);

  /** Opens a page and writes down whatever appears on its console. */
  async function openNoted(path = '/'): Promise<{ page: Page; noise: string[] }> {
    const page = await site.context().newPage();
    const noise: string[] = [];
    page.on('console', (message) => noise.push(message.text()));
    page.on('pageerror', (error) => noise.push(error.message));
    await page.goto(site.origin() + path);
    return { page, noise };
  }

  test('under a strict policy with Trusted Types the tag alone is enough, without a word on the console', async () => {
    const collector = site.collector();
    const policy =
      `default-src 'none'; script-src ${collector}; connect-src ${collector}; ` +
      `require-trusted-types-for 'script'; trusted-types 'none'`;
    await site.begin(() => ({
      html: `<!doctype html><title>x</title>${tag('async data-auto-page data-server-cookie data-hash-routes')}`,
      headers: { 'content-security-policy': policy },
    }));
    const { page, noise } = await openNoted();
    await site.events(1);
    await page.evaluate(`throughline.identify('u1', { plan: 'pro' }); throughline.track('Seen'); throughline.reset();
    throughline.page(); location.hash = '/route'; throughline.flush()`);
    // Only the full one has hash routes.
    await site.events(script === 'sdk.js' ? 4 : 5);
    expect(noise).toEqual([]);
  });

  test('by the address of its bytes it is loaded with integrity, and refused where they are others', async () => {
    const { data } = (await site.api.call('GET', '/sdk.json', { headers: {} })).body as {
      data: { name: string; path: string; integrity: string }[];
    };
    const { path, integrity } = data.find(({ name }) => name === script)!;
    const tag = (hash: string, global: string) =>
      `<script src="${site.collector()}${path}" integrity="${hash}" crossorigin="anonymous"
      data-write-key="${site.api.writeKey}" data-auto-page data-global="${global}"></script>`;
    const other = `sha384-${'A'.repeat(64)}`;
    await site.begin(() => ({ html: `<!doctype html>${tag(integrity, 'good')}${tag(other, 'bad')}` }));
    const { page } = await openNoted();
    expect(await page.evaluate('typeof good + typeof bad')).toBe('objectundefined');
    await site.events(1);
  });

  test('several trackers on a page keep to themselves', async () => {
    await site.begin(() => ({
      html: `<!doctype html>${tag('data-auto-page')}${tag('data-global="shop" data-namespace="shop"')}
      ${tag('data-global="shop" data-namespace="again"')}`,
    }));
    const { page, noise } = await openNoted();
    await page.evaluate(
      `throughline.identify('u1'); shop.track('Seen'); Promise.all([throughline.flush(), shop.flush()])`,
    );
    const events = await site.events(3);
    const ofShop = events.find(({ type }) => type === 'track')!;
    const ofSite = events.filter(({ type }) => type !== 'track');
    expect(ofSite.map(({ type }) => type).sort()).toEqual(['identify', 'page']);
    expect(ofSite[0]!.anonymousId).toBe(ofSite[1]!.anonymousId);
    expect(ofShop.anonymousId).not.toBe(ofSite[0]!.anonymousId);
    expect(ofShop.userId).toBeUndefined();
    const names = (await site.context().cookies()).map(({ name }) => name).sort();
    expect(names).toEqual(['shop_id', 'throughline_id']);
    expect(noise).toEqual([]);
  });

  test('attributes are options, and those that are none are nobody’s', async () => {
    await site.begin(() => ({
      html: `<!doctype html>${tag(
        'data-auto-page="false" data-flush-at="2" data-flush-after-ms="60000" data-namespace="n" data-nscript="x" data-cfasync="false"',
      )}`,
    }));
    const { page, noise } = await openNoted();
    await page.evaluate(`throughline.track('One'); throughline.track('Two')`);
    expect((await site.events(2)).map(({ event }) => event)).toEqual(['One', 'Two']);
    expect(noise).toEqual([]);
  });

  test('whatever is called before the script is there is done once it is, in order, and its promises are kept', async () => {
    const before = Date.now();
    const early = `
    throughline.on('sent', ({ messageId }) => (window.sent = [...(window.sent ?? []), messageId]));
    throughline.use((event) => ({ ...event, properties: { ...event.properties, masked: true } }));
    throughline.identify('u1', { plan: 'pro' });
    throughline.track('Early', { n: 1 }).then((receipt) => (window.receipt = receipt));
    window.calledAt = Date.now();`;
    await site.begin(() => ({
      html: `<!doctype html><script>${stub}</script><script>${early}</script>${tag('data-auto-page')}`,
    }));
    const { page, noise } = await openNoted();
    await page.evaluate('throughline.flush()');
    const events = await site.events(3);
    expect(events.map(({ type }) => type)).toEqual(['page', 'identify', 'track']);
    expect(events[2]).toMatchObject({ event: 'Early', userId: 'u1', properties: { n: 1, masked: true } });
    const at = Date.parse(events[2]!.timestamp);
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Number(await page.evaluate('calledAt')));
    await page.waitForFunction('window.receipt && window.sent?.length === 3');
    expect(await page.evaluate('receipt.messageId')).toBe(
      (events[2] as unknown as { messageId: string }).messageId,
    );
    expect(noise).toEqual([]);
  });

  test('a stub of another name waits for the tracker of that name', async () => {
    const named = stub.replaceAll('throughline', 'shop');
    await site.begin(() => ({
      html: `<!doctype html><script>${named} shop.track('Early')</script>${tag('async data-global="shop"')}`,
    }));
    const { page } = await openNoted();
    expect((await site.events(1))[0]).toMatchObject({ event: 'Early' });
    await page.waitForFunction(() => !('push' in (window as unknown as { shop: object }).shop));
  });
});

test('two trackers of one key share the visitor; each event of both is stored, once, also of a page that is left', async () => {
  const again = site.tag('data-global="again" data-hash-routes').replace('sdk.js', 'sdk-full.js');
  await site.begin(({ pathname }) => ({
    html: `<!doctype html>${site.tag('data-auto-page')}${site.tag('data-auto-page')}${pathname === '/next' ? '' : again}`,
  }));
  const before = await countStored(site.api);
  const page = await site.open(site.origin());
  const track = (count: number, bytes: number) =>
    `for (let n = 0; n < ${count}; n += 1) for (const tracker of [throughline, again])
       void tracker.track('Counted', { n, pad: 'x'.repeat(${bytes}) });`;
  await page.evaluate(`${track(30, 10)} Promise.all([throughline.flush(), again.flush()])`);
  const events = await site.events(61);
  expect(new Set(events.map(({ messageId }) => messageId)).size).toBe(events.length);
  expect(events.filter(({ type }) => type === 'page')).toHaveLength(1);
  expect(new Set(events.map(({ anonymousId }) => anonymousId)).size).toBe(1);
  expect(new Set(events.map(({ context }) => context.sessionId)).size).toBe(1);

  // More than the browser lets all requests of a page outlive it with: what is left is the next page's.
  await page.evaluate(`void (() => { ${track(10, 8_000)} location.href = '/next' })()`);
  await page.waitForURL('**/next');
  await vi.waitFor(async () => expect(await countStored(site.api)).toBe(before + 61 + 20 + 1), PATIENCE);
});

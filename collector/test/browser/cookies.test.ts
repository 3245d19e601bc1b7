/** Where the anonymous ID is kept, on real host names: one cookie for a whole site, and none of it beyond. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Page } from 'playwright-core';
import { openSite, type Site } from '../support/hosts';

let site: Site;
beforeAll(async () => {
  site = await openSite({ script: 'sdk-full.js' });
});
afterAll(() => site?.close());

const answer = (attributes: string, host?: string) => () => ({
  html: `<!doctype html><title>page</title>${site.tag(attributes, host)}`,
});
beforeEach(() => site.begin(answer('')));

const idOn = (page: Page) => page.evaluate('throughline.anonymousId()');
const cookiesOf = async () =>
  (await site.context().cookies()).map(({ name, domain, value }) => ({ name, domain, value }));

test.each([
  ['www.example.test', 'shop.eu.example.test', 'example.test'],
  ['example.test', 'www.example.test', 'example.test'],
  ['www.example.co.uk', 'example.co.uk', 'example.co.uk'],
  ['a.project.github.io', 'project.github.io', 'project.github.io'],
])('%s and %s know a visitor by one cookie of %s, and nothing else is left', async (one, other, domain) => {
  const id = await idOn(await site.open(site.origin(one)));
  expect(await cookiesOf()).toEqual([{ name: 'throughline_id', domain: `.${domain}`, value: id }]);
  expect(await idOn(await site.open(site.origin(other)))).toBe(id);
  expect(await cookiesOf()).toHaveLength(1);
});

test.each([
  ['a.example.co.uk', 'b.other.co.uk'],
  ['mine.github.io', 'yours.github.io'],
  ['www.example.test', 'www.other.test'],
])('%s and %s are strangers', async (one, other) => {
  const ids = [
    await idOn(await site.open(site.origin(one))),
    await idOn(await site.open(site.origin(other))),
  ];
  expect(ids[0]).not.toBe(ids[1]);
});

test.each(['127.0.0.1', 'localhost'])('on %s the cookie is that host’s', async (host) => {
  const page = await site.open(site.origin(host));
  expect(await cookiesOf()).toEqual([{ name: 'throughline_id', domain: host, value: await idOn(page) }]);
});

test('a page that says its domain has it', async () => {
  await site.begin(answer('data-cookie-domain="shop.example.test" data-namespace="mine"'));
  const page = await site.open(site.origin('a.shop.example.test'));
  expect(await cookiesOf()).toEqual([
    { name: 'mine_id', domain: '.shop.example.test', value: await idOn(page) },
  ]);
});

test('the visitor who is reset on one host is another one on all of them', async () => {
  const first = await site.open(site.origin('www.example.test'));
  const before = await idOn(first);
  await first.evaluate('throughline.reset()');
  const after = await idOn(first);
  expect(after).not.toBe(before);
  expect(await idOn(await site.open(site.origin('app.example.test')))).toBe(after);
});

test('the collector of the site sets the cookie, which outlives those of scripts and stays as it is', async () => {
  await site.begin(answer('data-server-cookie', 'collect.example.test'));
  const page = await site.open(site.origin('www.example.test'));
  const id = await idOn(page);
  const served = async () => {
    const [cookie, ...others] = await site.context().cookies();
    expect(others).toEqual([]);
    // A script asks for a year, the collector for 400 days.
    expect(cookie!.expires - Date.now() / 1000).toBeGreaterThan(365 * 86_400 + 86_400);
    return cookie;
  };
  const cookie = await vi.waitFor(served, { timeout: 30_000 });
  expect(cookie).toMatchObject({
    name: 'throughline_id',
    domain: '.example.test',
    value: id,
    httpOnly: false,
  });
  await page.evaluate('localStorage.clear()');
  await page.reload();
  expect(await idOn(page)).toBe(id);
  await served();
  expect(await idOn(await site.open(site.origin('app.example.test')))).toBe(id);
});

test('a collector of another site sets none, and the page goes on with its own', async () => {
  await site.begin(answer('data-server-cookie', 'collect.other.test'));
  const page = await site.open(site.origin('www.example.test'));
  await vi.waitFor(() => expect(asked()).toContain(403), { timeout: 30_000 });
  const [cookie, ...others] = await site.context().cookies();
  expect(others).toEqual([]);
  expect(cookie).toMatchObject({ domain: '.example.test', value: await idOn(page) });
  expect(cookie!.expires - Date.now() / 1000).toBeLessThanOrEqual(365 * 86_400);
});

const asked = () =>
  site.wire.requests.filter(({ path }) => path.startsWith('/v1/cookie')).map(({ status }) => status);

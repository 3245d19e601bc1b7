/** What a page sees of the small script, in a real browser. What becomes of its events is in delivery.test.ts. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openSite, type Site } from '../support/hosts';

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

beforeEach(() =>
  site.begin(({ pathname, searchParams }) => ({
    html: `<!doctype html><title>${pathname}</title>${site.tag(searchParams.has('auto') ? 'data-auto-page' : '')}`,
  })),
);

test('what JSON cannot carry is replaced, and the page never sees an error', async () => {
  const page = await site.open(site.origin());
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => errors.push(message.text()));
  await page.evaluate(
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
     throughline.page({}, {}, {}, {});`,
  );
  const [first, second, third] = await site.flushed(page);
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

test('page views follow the History API: path and query count, fragments and repetitions do not', async () => {
  const page = await site.open(`${site.origin()}/shop?auto`);
  await page.evaluate(
    `new Promise((done) => {
       history.pushState({}, '', '/cart?auto'); document.title = 'Cart';
       setTimeout(() => {
         history.replaceState({}, '', '/cart?auto#top');
         history.pushState({}, '', '/cart?auto#end');
         history.pushState({}, '', '/elsewhere'); history.replaceState({}, '', '/pay');
         throughline.track('Paid');
         done();
       }, 5);
     })`,
  );
  const events = await site.flushed(page);
  expect(events.map(({ type, context }) => [type, context.page.path])).toEqual([
    ['page', '/shop'],
    ['page', '/cart'],
    ['page', '/pay'],
    ['track', '/pay'],
  ]);
  expect(events.slice(0, 2).map(({ properties }) => properties?.title)).toEqual(['/shop', 'Cart']);
});

test('requests need no preflight, which would not outlive the page', async () => {
  const before = site.wire.requests.length;
  await site.flushed(await site.open(`${site.origin()}?auto`));
  const asked = site.wire.requests.slice(before).filter(({ path }) => path.startsWith('/v1'));
  expect(asked.map(({ method, path, headers }) => [method, path, headers['content-type']])).toEqual([
    ['POST', `/v1/batch?writeKey=${site.api.writeKey}`, 'text/plain;charset=UTF-8'],
  ]);
});

test('the anonymous ID is kept in cookie and localStorage, and each repairs the other', async () => {
  const page = await site.open(site.origin());
  const id = await page.evaluate('throughline.anonymousId()');
  await page.evaluate('localStorage.clear()');
  await page.reload();
  expect(await page.evaluate('throughline.anonymousId()')).toBe(id);
  await site.context().clearCookies();
  await page.reload();
  expect(await page.evaluate('throughline.anonymousId()')).toBe(id);
  const [cookie] = await site.context().cookies();
  expect(cookie).toMatchObject({
    name: 'throughline_id',
    value: id,
    path: '/',
    sameSite: 'Lax',
    httpOnly: false,
  });
  await page.evaluate('throughline.reset()');
  expect(await page.evaluate('throughline.anonymousId()')).not.toBe(id);
});

test('in its call an event is written to storage once, after three reads and no cookie; then it leaves in bulk', async () => {
  const page = await site.open(site.origin());
  // The first call of a page also begins the session.
  await page.evaluate(`throughline.track('First')`);
  await site.flushed(page);
  const counts = await page.evaluate(`(async () => {
    const counts = {};
    const watch = (owner, name, label = name) => {
      const real = owner[name];
      owner[name] = function (...given) {
        counts[label] = (counts[label] ?? 0) + 1;
        return real.apply(this, given);
      };
    };
    for (const name of ['getItem', 'setItem', 'removeItem']) watch(Storage.prototype, name);
    for (const name of ['put', 'delete']) watch(IDBObjectStore.prototype, name);
    watch(IDBDatabase.prototype, 'transaction');
    Object.defineProperty(document, 'cookie', { get: () => (counts.cookie = 1, ''), set: () => (counts.cookie = 1) });
    for (let n = 0; n < 10; n += 1) throughline.track('Counted', { n });
    const atOnce = { ...counts };
    await throughline.flush();
    return { atOnce, after: counts };
  })()`);
  const { atOnce, after } = counts as Record<'atOnce' | 'after', Record<string, number>>;
  expect(atOnce).toEqual({ getItem: 30, setItem: 10 });
  expect(after).toMatchObject({ put: 10, delete: 10 });
  expect(after).not.toHaveProperty('cookie');
  // From the journal, and from it once more; the request's own.
  expect(after.removeItem).toBeLessThanOrEqual(22);
  // Stored, looked through, and settled, whatever their number.
  expect(after.transaction).toBeLessThanOrEqual(5);
});

test('the time zone is asked where it costs least: the first use of Intl takes a page tens of milliseconds', async () => {
  const page = await site.open(site.origin());
  const fromIntl = await page.evaluate('Intl.DateTimeFormat().resolvedOptions().timeZone');
  const browsers = [
    [`{ Now: { timeZoneId: () => 'Asia/Tokyo' } }`, 'Asia/Tokyo'],
    ['undefined', fromIntl],
    ['{}', fromIntl],
  ] as const;
  for (const [temporal, timezone] of browsers) {
    await page.reload();
    await page.evaluate(`globalThis.Temporal = ${temporal}; throughline.track('Counted');`);
    const events = await site.flushed(page);
    expect(events.at(-1)).toMatchObject({ context: { timezone } });
  }
});

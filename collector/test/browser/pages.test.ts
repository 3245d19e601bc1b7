/** What the SDK calls a page, in a real browser: navigation in all its forms, and how somebody came. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { openUnwatched } from '../support/chromium';
import { openSite, type SentEvent, type Site } from '../support/hosts';
import { isKeptOnTheWayBack } from '../support/way-back';

let site: Site;
beforeAll(async () => {
  site = await openSite({ script: 'sdk-full.js' });
});
afterAll(() => site?.close());

const html = (url: URL, attributes = 'data-auto-page') =>
  `<!doctype html><title>${url.pathname}</title>${site.tag(attributes)}<p>page`;

beforeEach(() => site.begin((url) => ({ html: html(url) })));

const paths = (events: readonly SentEvent[]) => events.map(({ type, context }) => [type, context.page.path]);

/** Not as they arrived: what a page sends as it is left may come behind what the next one sends. */
const asTheyHappened = (events: readonly SentEvent[]) =>
  events.toSorted((one, other) => Date.parse(one.timestamp) - Date.parse(other.timestamp));

/** Runs in the page, and lets a tick pass after each step, as a visitor does. */
const steps = (...code: readonly string[]) =>
  `(async () => { for (const step of [${code.map((step) => `() => { ${step} }`).join(', ')}]) {
    step(); await new Promise((done) => setTimeout(done, 5)); } })()`;

test('each navigation is one view, by whichever of the two APIs the page makes it', async () => {
  const page = await site.open(`${site.origin()}/a`);
  await page.evaluate(
    steps(
      `history.pushState({}, '', '/b')`,
      `history.replaceState({}, '', '/c')`,
      `History.prototype.pushState.call(history, {}, '', '/behind-the-wrapper')`,
      `navigation.addEventListener('navigate', (event) => event.canIntercept && event.intercept())`,
      `navigation.navigate('/by-navigation')`,
      `document.body.innerHTML = '<a href="/by-link">link</a>'; document.querySelector('a').click()`,
    ),
  );
  expect(paths(await site.flushed(page))).toEqual([
    ['page', '/a'],
    ['page', '/b'],
    ['page', '/c'],
    ['page', '/behind-the-wrapper'],
    ['page', '/by-navigation'],
    ['page', '/by-link'],
  ]);
  await page.goBack();
  expect(paths(await site.flushed(page)).at(-1)).toEqual(['page', '/by-navigation']);
  expect(await site.events(7)).toHaveLength(7);
});

test('a page that has something else by the name of navigation is viewed like any other', async () => {
  await site.begin((url) => ({
    html: `<nav id="navigation"></nav><script>var navigation = 1</script>${html(url)}`,
  }));
  const page = await site.open(`${site.origin()}/a`);
  await page.evaluate(steps(`history.pushState({}, '', '/b')`));
  expect(paths(await site.flushed(page))).toEqual([
    ['page', '/a'],
    ['page', '/b'],
  ]);
});

test('fragments are no pages, and never sent', async () => {
  const page = await site.open(`${site.origin()}/a#access_token=secret`);
  await page.evaluate(steps(`location.hash = '/route'`, `location.hash = '!/other'`));
  const events = await site.flushed(page);
  expect(paths(events)).toEqual([['page', '/a']]);
  expect(JSON.stringify(events)).not.toMatch(/secret|route|other/);
});

test('with hash routes, fragments that name a route are pages, and others still are not', async () => {
  await site.begin((url) => ({ html: html(url, 'data-auto-page data-hash-routes') }));
  const page = await site.open(`${site.origin()}/app?x=1#/cart`);
  await page.evaluate(
    steps(`location.hash = '!/pay?step=2'`, `location.hash = 'top'`, `location.hash = 'id_token=secret'`),
  );
  const events = await site.flushed(page);
  expect(paths(events)).toEqual([
    ['page', '/app#/cart'],
    ['page', '/app#!/pay?step=2'],
    ['page', '/app'],
  ]);
  expect(events[1]!.properties).toMatchObject({
    url: `${site.origin()}/app?x=1#!/pay?step=2`,
    search: '?x=1',
  });
  expect(JSON.stringify(events)).not.toContain('secret');
});

test('the referrer of the first view is the browser’s, and of each later one the page before', async () => {
  const page = await site.open(`${site.origin('search.test')}/find`);
  await page.evaluate(`location.href = ${JSON.stringify(`${site.origin()}/a?q=1`)}`);
  await site.events(2);
  await page.evaluate(
    steps(
      `history.pushState({}, '', '/b#part')`,
      `throughline.track('Seen')`,
      `history.pushState({}, '', '/c')`,
      `throughline.page('By hand')`,
    ),
  );
  const events = (await site.flushed(page)).slice(1);
  expect(events.map(({ context: { page } }) => page.referrer)).toEqual([
    `${site.origin('search.test')}/`,
    `${site.origin()}/a?q=1`,
    `${site.origin()}/a?q=1`,
    `${site.origin()}/b`,
    `${site.origin()}/b`,
  ]);
  expect(events.at(-1)!.properties).toMatchObject({ name: 'By hand', referrer: `${site.origin()}/b` });
});

test('a single-page app that views its pages by hand has the same referrers', async () => {
  await site.begin((url) => ({ html: html(url, '') }));
  const page = await site.open(`${site.origin()}/a`);
  await page.evaluate(
    steps(
      `throughline.page()`,
      `history.pushState({}, '', '/b')`,
      `throughline.page()`,
      `throughline.page()`,
    ),
  );
  const referrers = (await site.flushed(page)).map(({ context }) => context.page.referrer);
  expect(referrers).toEqual(['', `${site.origin()}/a`, `${site.origin()}/a`]);
});

test('a page rendered in advance is viewed when it is opened, and never if it is not', async () => {
  let isToGo = false;
  const script = `
    const tell = (what) => fetch('/' + what + location.pathname);
    tell(document.prerendering ? 'rendered' : 'loaded');
    document.addEventListener('prerenderingchange', () => tell('opened'));
    const wait = async () => {
      if (await (await fetch('/to-go')).text()) location.href = '/advance';
      else setTimeout(wait, 50);
    };
    if (location.pathname === '/a') wait();`;
  const rules = `{"prerender": [{"source": "list", "urls": ["/advance", "/unopened"]}]}`;
  await site.begin((url) => ({
    html:
      url.pathname === '/to-go'
        ? `${isToGo ? 'go' : ''}`
        : `${html(url)}<script type="speculationrules">${rules}</script><script>${script}</script>`,
  }));
  const close = openUnwatched(`${site.origin()}/a`);
  const happened = (paths: readonly string[]) =>
    vi.waitFor(
      () => expect(site.requests().map(({ path }) => path)).toEqual(expect.arrayContaining([...paths])),
      { timeout: 60_000 },
    );
  try {
    await happened(['/rendered/advance', '/rendered/unopened']);
    expect(paths(await site.events(1))).toEqual([['page', '/a']]);
    isToGo = true;
    await happened(['/opened/advance']);
    expect(paths(asTheyHappened(await site.events(2)))).toEqual([
      ['page', '/a'],
      ['page', '/advance'],
    ]);
  } finally {
    await close();
  }
});

test('a page out of the back/forward cache is viewed again, with the referrer that it had', async () => {
  const page = await site.open(`${site.origin()}/a`);
  let loads = 0;
  do {
    loads += 1;
    await page.evaluate(`window.marker = true; throughline.flush()`);
    await page.goto(`${site.origin()}/next`);
  } while (!(await isKeptOnTheWayBack(page)));
  const events = asTheyHappened(await site.events(2 * loads + 1));
  const ways = Array.from({ length: loads }, () => ['/a', '/next']).flat();
  expect(paths(events)).toEqual([...ways, '/a'].map((path) => ['page', path]));
  expect(events.at(-1)!.context.page.referrer).toBe('');
  expect(new Set(events.map(({ context }) => context.sessionId)).size).toBe(1);
});

test('tabs share a session, and a visitor who is reset begins another one', async () => {
  const [a, b] = [await site.open(`${site.origin()}/a`), await site.open(`${site.origin()}/b`)];
  await a.evaluate(`throughline.track('Again')`);
  await site.flushed(a);
  await b.evaluate(`throughline.reset(); throughline.track('Other')`);
  const events = await site.flushed(b);
  const sessions = events.map(({ context }) => context.sessionId);
  expect(sessions).toHaveLength(4);
  expect(new Set(sessions.slice(0, 3)).size).toBe(1);
  expect(sessions[3]).not.toBe(sessions[0]);
  expect(events[3]!.context.firstTouch).toBeUndefined();
});

test('the campaign that first led here and the last one go with every event, also of later pages', async () => {
  const page = await site.open(`${site.origin()}/landing?utm_source=mail&utm_campaign=may&x=1`);
  await page.evaluate(steps(`history.pushState({}, '', '/inside')`, `throughline.track('Seen')`));
  await site.flushed(page);
  await page.goto(`${site.origin()}/ad?gclid=Ab1`);
  await page.goto(`${site.origin()}/plain`);
  await page.evaluate(`throughline.track('Bought')`);
  const events = asTheyHappened(await site.flushed(page));
  const mail = { path: '/landing', referrer: '', campaign: { source: 'mail', name: 'may' } };
  const ad = { path: '/ad', referrer: '', campaign: { gclid: 'Ab1' } };
  expect(events[0]!.context).toMatchObject({ campaign: mail.campaign, firstTouch: mail, lastTouch: mail });
  expect(events[2]!.context).toMatchObject({ firstTouch: mail, lastTouch: mail });
  expect(events[2]!.context.campaign).toBeUndefined();
  expect(events.at(-1)!.context).toMatchObject({ firstTouch: mail, lastTouch: ad });
  expect(events.at(-1)!.context.firstTouch!.at).toBe(events[0]!.context.firstTouch!.at);
  const profile = await site.api.get(`/v1/profiles/anonymous:${events[0]!.anonymousId}`);
  expect(profile.body.firstCampaign).toMatchObject({ source: 'mail', name: 'may' });
});

test('an address of any length costs no event', async () => {
  const page = await site.open(`${site.origin()}/a?utm_source=${'x'.repeat(6_000)}&${'y'.repeat(6_000)}`);
  const [event] = await site.flushed(page);
  expect(event!.context.page.url).toHaveLength(2_000);
  expect(JSON.stringify(event).length).toBeLessThan(20_000);
});

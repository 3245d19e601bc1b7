/** The web-vitals and experiments scripts in a real browser, beside the SDK's own, as pages use them. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type EntrySite, openEntrySite } from '../support/entry-site';
import { isKeptOnTheWayBack } from '../support/way-back';

let site: EntrySite;

beforeAll(async () => {
  site = await openEntrySite();
});
afterAll(() => site?.close());
afterEach(async () => {
  const problems = [...site.problems];
  await site.forget();
  expect(problems).toEqual([]);
});

const sdk = (how = 'async'): string =>
  `<script ${how} src="${site.collectorUrl}/sdk.js" data-write-key="pk_test"></script>`;
const vitals = (more = ''): string =>
  `<script async src="${site.collectorUrl}/web-vitals.js"${more}></script>`;
const experiments = (how = 'async'): string =>
  `<script ${how} src="${site.collectorUrl}/experiments.js" data-experiments='[{"key": "checkout", "variants": ["control", "blue"]}]'></script>`;

test('each web vital arrives once, as the page is left, and an app’s navigation changes nothing about whose it is', async () => {
  site.pages.set('/next', '<p>Next');
  const page = await site.open(`${vitals()}${sdk()}<h1>Mugs</h1>`, { path: '/mugs' });
  await page.waitForFunction('window.throughline?.user && performance.getEntriesByType("paint").length > 1');
  await page.evaluate('history.pushState(null, "", "/cart")');
  await page.goto(`${site.url}/next`);
  const events = await site.expectArrived(4);
  expect(events.map(({ event, properties }) => `${event} ${String(properties.metric)}`).sort()).toEqual([
    'Web Vital CLS',
    'Web Vital FCP',
    'Web Vital LCP',
    'Web Vital TTFB',
  ]);
  for (const { properties, context } of events) {
    expect(context.page.path).toBe('/mugs');
    expect(properties).toMatchObject({ rating: expect.any(String), navigation_type: 'navigate' });
    expect(properties.value).toBeGreaterThanOrEqual(0);
  }
});

test('a return from the back/forward cache is measured anew', async () => {
  site.pages.set('/next', '<p>Next');
  const page = await site.open(`${sdk()}${vitals(' data-metrics="LCP"')}<h1>Mugs</h1>`, { path: '/mugs' });
  let loads = 0;
  do {
    loads += 1;
    await page.waitForFunction(
      'window.throughline?.user && performance.getEntriesByType("paint").length > 1',
    );
    await page.evaluate('void (window.marker = true)');
    await page.goto(`${site.url}/next`);
  } while (!(await isKeptOnTheWayBack(page)));
  // The library measures after the next two frames.
  await page.evaluate(
    'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))',
  );
  await page.goto(`${site.url}/next`);
  const events = await site.expectArrived(loads + 1);
  expect(events.every(({ properties }) => properties.metric === 'LCP')).toBe(true);
  const kinds = events.map(({ properties }) => properties.navigation_type);
  const navigated = Array.from({ length: loads }, () => 'navigate');
  expect(kinds.toSorted()).toEqual(['back-forward-cache', ...navigated]);
});

test('a visitor has one variant on all pages, known before the first paint, and one exposure', async () => {
  const html = `${sdk('')}${experiments('')}<script>document.documentElement.className = throughlineExperiments.variant('checkout');</script><h1>Shop</h1>`;
  const context = await site.newContext();
  const page = await site.open(html, { context });
  const variant = await page.evaluate('document.documentElement.className');
  expect(['control', 'blue']).toContain(variant);
  const later = await site.open(html, { path: '/later', context });
  expect(await later.evaluate('document.documentElement.className')).toBe(variant);
  expect(
    await later.evaluate(
      'throughlineExperiments.assign({ key: "checkout", variants: ["control", "blue"] }, throughline.anonymousId())',
    ),
  ).toBe(variant);
  await later.evaluate('throughline.track("End"), throughline.flush()');
  const events = await site.expectArrived(2);
  expect(events.map(({ event, properties }) => [event, properties])).toEqual([
    ['Experiment Viewed', { experiment_id: 'checkout', variation_id: variant, unit: 'anonymous' }],
    ['End', undefined],
  ]);
});

test('asynchronous scripts do what waits once both are there, whichever comes first', async () => {
  const html = `<script>window.throughlineExperiments = [(tests) => { window.shown = tests.variant('checkout'); }];</script>${experiments()}`;
  const page = await site.open(html);
  await page.waitForFunction('Symbol.for("throughline.experiments") in window');
  expect(await page.evaluate('window.shown')).toBeUndefined();
  await page.evaluate((src) => {
    const script = Object.assign(document.createElement('script'), { src });
    script.dataset.writeKey = 'pk_late';
    document.body.append(script);
  }, `${site.collectorUrl}/sdk.js`);
  await page.waitForFunction('window.shown');
  const [event] = await site.expectArrived(1);
  expect(event).toMatchObject({ event: 'Experiment Viewed', writeKey: 'pk_late' });
});

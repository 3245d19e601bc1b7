/** The autocapture script in a real browser, beside the SDK's own, as pages use them. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type EntrySite, openEntrySite } from '../support/entry-site';

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

const sdk = (more = ''): string =>
  `<script async src="${site.collectorUrl}/sdk.js" data-write-key="pk_test"${more}></script>`;
/** Without what depends on how long a test takes, unless a test wants it. */
const autocapture = (more = ' data-engagement="false"'): string =>
  `<script async src="${site.collectorUrl}/autocapture.js"${more}></script>`;
const names = (events: readonly { readonly event?: string }[]) => events.map(({ event }) => event);

test('an outbound link that is clicked arrives though the page is left by it', async () => {
  // The same server by another name.
  const elsewhere = site.url.replace('127.0.0.1', 'localhost');
  site.pages.set('/shoes', '<p>Elsewhere');
  const page = await site.open(`${sdk()}${autocapture()}<a href="${elsewhere}/shoes?q=secret">Shoes</a>`);
  await page.getByText('Shoes').click();
  await page.waitForURL(`${elsewhere}/**`);
  const [event] = await site.expectArrived(1);
  expect(event).toMatchObject({
    event: 'Outbound Link Clicked',
    properties: { tag: 'a', text: 'Shoes', href: `${elsewhere}/shoes`, host: 'localhost' },
    context: { page: { path: '/' } },
  });
});

test('a form arrives that takes the visitor to the next page, without what was written', async () => {
  site.pages.set('/next', '<p>Thanks');
  const page = await site.open(
    `${sdk()}${autocapture()}<form action="/next"><input name="name" value="secret-name"><input type="password" name="p" value="secret-word" data-tl-value><input name="size" value="xl" data-tl-value><button>Send</button></form>`,
  );
  await page.getByText('Send').click();
  await page.waitForURL('**/next?**');
  const events = await site.expectArrived(2);
  expect(names(events)).toEqual(['Element Clicked', 'Form Submitted']);
  expect(events[1]!.properties).toEqual({ action: `${site.url}/next`, fields: { size: 'xl' } });
  expect(JSON.stringify(events.map(({ properties }) => properties))).not.toContain('secret');
});

test('a download, a button inside a component and a drawing on it are told apart', async () => {
  const page = await site.open(`${sdk()}${autocapture()}
    <a href="/terms.pdf">Terms</a>
    <my-cart><template shadowrootmode="open"><form id="inner"><button>Add <slot></slot>
      <svg width="20" height="20"><rect id="icon" width="20" height="20"/></svg></button></form></template>Mug</my-cart>`);
  await page.evaluate(() => addEventListener('submit', (event) => event.preventDefault()));
  await page.evaluate(() =>
    document
      .querySelector('my-cart')!
      .shadowRoot!.addEventListener('submit', (event) => event.preventDefault()),
  );
  await page.getByText('Terms').click({ modifiers: ['ControlOrMeta'] });
  await page.locator('#icon').click();
  const events = await site.expectArrived(3);
  expect(events.map(({ event, properties }) => [event, properties])).toEqual([
    ['File Downloaded', expect.objectContaining({ text: 'Terms', file: 'terms.pdf', extension: 'pdf' })],
    ['Element Clicked', { tag: 'button', text: 'Add Mug' }],
    ['Form Submitted', { id: 'inner' }],
  ]);
});

test('a label and the box in it, which it clicks in turn, are one click', async () => {
  const page = await site.open(
    `${sdk()}${autocapture()}<label data-tl-event="Gift Wrapped">Gift <input type="checkbox"></label>`,
  );
  await page.getByText('Gift').click();
  await page.locator('input').click();
  await page.evaluate('throughline.flush()');
  expect(names(await site.expectArrived(2))).toEqual(['Gift Wrapped', 'Gift Wrapped']);
});

test('how far a page was seen and how long it was used arrive as it is left', async () => {
  site.pages.set('/next', '<p>Next');
  const page = await site.open(`${sdk()}${autocapture('')}<div style="height: 8000px">Long</div>`);
  await page.waitForFunction('window.throughline?.user');
  await page.mouse.wheel(0, 2_000);
  await page.waitForFunction('scrollY > 1900');
  await page.mouse.wheel(0, 9_000);
  await page.waitForFunction('scrollY + innerHeight > 7999');
  // Real time, because the page's own says how long it was used.
  await page.waitForFunction('performance.now() > 1500');
  await page.goto(`${site.url}/next`);
  const events = await site.expectArrived(5);
  expect(events.slice(0, 4).map(({ properties }) => properties.depth)).toEqual([25, 50, 75, 100]);
  expect(events[4]).toMatchObject({ event: 'Page Engaged', properties: { depth: 100 } });
  expect(events[4]!.properties.seconds).toBeGreaterThanOrEqual(1);
});

test('a navigation of an app begins a new page, and the time before it is the old one’s', async () => {
  const page = await site.open(`${sdk()}${autocapture('')}<div style="height: 8000px">Long</div>`);
  await page.waitForFunction('window.throughline?.user');
  await page.evaluate('scrollTo(0, 2000)');
  await site.expectArrived(1);
  await page.waitForFunction('performance.now() > 1500');
  await page.evaluate('history.pushState(null, "", "/second"), scrollTo(0, 0), scrollTo(0, 2100)');
  await page.evaluate('throughline.flush()');
  const events = await site.expectArrived(3);
  const seen = events.map(({ event, context, properties }) => [event, context.page.path, properties.depth]);
  expect(seen).toEqual([
    ['Page Scrolled', '/', 25],
    ['Page Engaged', '/', expect.any(Number)],
    ['Page Scrolled', '/second', 25],
  ]);
});

test('a page out of the back/forward cache goes on, once for each click', async () => {
  site.pages.set('/next', '<p>Next');
  const page = await site.open(`${sdk()}${autocapture()}<button>Go</button>`);
  await page.evaluate('window.marker = true');
  await page.goto(`${site.url}/next`);
  // No page is loaded on the way back, so there is nothing that goBack() could wait for.
  await page.evaluate('void setTimeout(() => history.back())');
  await page.waitForFunction('window.marker');
  await page.getByText('Go').click();
  await page.evaluate('throughline.flush()');
  expect(names(await site.expectArrived(1))).toEqual(['Element Clicked']);
});

test('what happens before the SDK is there arrives with its time, also from a tag that stands there twice', async () => {
  const page = await site.open(`${autocapture()}${autocapture()}<button>Go</button>`);
  await page.waitForFunction('Symbol.for("throughline.autocapture") in window');
  await page.getByText('Go').click();
  const clickedBefore = (await page.evaluate('Date.now()')) as number;
  await page.evaluate((src) => {
    document.body.append(Object.assign(document.createElement('script'), { src }));
    document.body.lastElementChild!.setAttribute('data-write-key', 'pk_late');
  }, `${site.collectorUrl}/sdk.js`);
  const [event] = await site.expectArrived(1);
  expect(event).toMatchObject({ event: 'Element Clicked', writeKey: 'pk_late' });
  expect(Date.parse(event!.timestamp)).toBeLessThanOrEqual(clickedBefore);
});

test('a tag’s attributes are the options, and it can be for several trackers', async () => {
  const page = await site.open(`
    <script>window.calls = []; for (const name of ['one', 'two']) window[name] = { track: (...given) => calls.push([name, ...given]) };</script>
    ${autocapture(' data-tracker="one two" data-clicks="false" data-rage-clicks data-own-domains="a.example b.example" data-engagement="false"')}
    <button>Go</button><a href="https://shop.b.example/">Ours</a><a href="https://other.example/">Other</a>`);
  await page.waitForFunction('Symbol.for("throughline.autocapture") in window');
  await page.evaluate(() => addEventListener('click', (event) => event.preventDefault()));
  await page.getByText('Ours').click();
  await page.getByText('Other').click();
  await page.getByText('Go').click({ clickCount: 3 });
  const calls = (await page.evaluate('calls')) as readonly (readonly string[])[];
  expect(calls.map(([tracker, name]) => `${tracker}: ${name}`)).toEqual([
    'one: Outbound Link Clicked',
    'two: Outbound Link Clicked',
    'one: Rage Clicked',
    'two: Rage Clicked',
  ]);
});

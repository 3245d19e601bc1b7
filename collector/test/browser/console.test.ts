import { text } from 'node:stream/consumers';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startCollector, type StartedCollector } from '../support/collector';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { openChromium } from '../support/shared-chromium';
import { type SignedIn, signIn } from '../support/signed-in';

const ANONYMOUS = '01936c1e-8d5a-7cc0-8e2f-a1b2c3d4e5f6';
const HOSTILE = '<img src="/x" onerror="document.title=\'owned\'">';

let database: TestDatabase;
let collector: StartedCollector;
let browser: Browser;
let signedIn: SignedIn;
let context: BrowserContext;
let page: Page;
/** What the browser complained about, except answers that are no 200: those are the console's own business. */
let complaints: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  collector = await startCollector({ env: { DATABASE_URL: database.url } });
  browser = await openChromium();
  await send(
    { type: 'page', anonymousId: ANONYMOUS, properties: { title: 'Pricing', path: '/pricing' } },
    {
      type: 'identify',
      userId: 'u-ada',
      anonymousId: ANONYMOUS,
      traits: { email: 'ada@example.com', name: 'Ada Lovelace', bio: HOSTILE },
    },
    order('u-ada', { order_id: 'A-1', revenue: 49.95 }),
    order('u-ada', { order_id: 'A-2', revenue: 79.5, note: HOSTILE }),
    { type: 'page', anonymousId: 'passer-by', properties: { path: '/' } },
  );
  signedIn = await signIn(browser, collector);
});

afterAll(async () => {
  await browser?.close();
  await collector?.stop();
  await database?.close();
});

beforeEach(() => openPage({ storageState: signedIn }));
afterEach(() => context.close());

describe('entering', () => {
  test('a link opens the console once; whoever comes later is told how to get another', async () => {
    await openPage({});
    await page.goto(collector.consoleLink);

    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    expect(await page.getByRole('navigation').count()).toBe(0);
  });

  test('a deep link without a session shows nothing of the workspace', async () => {
    await openPage({});
    await page.goto(at('/console/profiles?search=ada'));

    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    expect(await page.content()).not.toContain('ada@example.com');
  });

  test('signing out ends the session, not only the page', async () => {
    const link = await newSession();
    await page.goto(link);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    await page.reload();

    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
  });
});

describe('live', () => {
  beforeEach(async () => {
    await page.goto(at('/console/'));
    await page.getByText('Listening').waitFor();
  });

  test('without events it says how to send one, and no page holds a key', async () => {
    await page.getByRole('heading', { name: 'Waiting for events' }).waitFor();

    expect(await page.getByText('YOUR_WRITE_KEY').count()).toBe(2);
    expect(await page.content()).not.toContain(collector.writeKey.slice(0, 12));
  });

  test('an event appears as it arrives; its properties are only ever text', async () => {
    await send({ type: 'track', userId: 'u-ada', event: 'Clicked', properties: { label: HOSTILE } });
    await eventRow('Clicked').click();

    expect(await page.locator('.event-detail pre').innerText()).toContain(JSON.stringify(HOSTILE));
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.title()).toBe('Live · Throughline');
    await page.getByRole('link', { name: 'u-ada' }).click();
    await page.getByRole('heading', { name: 'ada@example.com' }).waitFor();
  });

  test('paused, it counts what arrives; resumed, it shows it', async () => {
    await page.getByRole('button', { name: 'Pause' }).click();
    await send({ type: 'track', userId: 'u-ada', event: 'Held back' });
    await page.getByText('1 new event').waitFor();
    expect(await eventRow('Held back').count()).toBe(0);

    await page.getByRole('button', { name: 'Resume' }).click();
    await eventRow('Held back').waitFor();
  });
});

describe('profiles', () => {
  test('the list is searched, and the address remembers the search', async () => {
    await page.goto(at('/console/profiles'));
    await page.getByRole('link', { name: 'ada@example.com' }).waitFor();
    expect(await page.locator('tbody tr').count()).toBe(2);
    await page.getByLabel('Search profiles').fill('ada@');
    await page.waitForURL(/search=ada/);
    await page.reload();

    await page.getByRole('link', { name: 'ada@example.com' }).waitFor();
    expect(await page.locator('tbody tr').count()).toBe(1);
    expect(await page.getByLabel('Search profiles').inputValue()).toBe('ada@');
  });

  test('a search that finds nobody says so', async () => {
    await page.goto(at('/console/profiles?search=nobody'));

    await page.getByRole('heading', { name: 'Nobody found' }).waitFor();
  });

  test('the list is sorted and filtered by a trait, and the address remembers both', async () => {
    await page.goto(at('/console/profiles'));
    await page.getByText('2 profiles').waitFor();
    await page.getByLabel('Sort profiles').selectOption('Oldest');
    await page.waitForURL(/sort=firstSeenAt-asc/);
    await page.getByLabel('Filter by a trait').fill('name = Ada Lovelace');
    await page.getByText('1 profile', { exact: true }).waitFor();
    await page.reload();

    await page.getByRole('link', { name: 'ada@example.com' }).waitFor();
    expect(await page.locator('tbody tr').count()).toBe(1);
    expect(await page.getByLabel('Sort profiles').inputValue()).toBe('firstSeenAt-asc');
    await page.getByLabel('Filter by a trait').fill('name = Nobody');
    await page.getByRole('heading', { name: 'Nobody found' }).waitFor();
  });

  test('a profile shows where it came from, what was mended, and since when each trait is known', async () => {
    await send(
      {
        ...{ type: 'page', anonymousId: 'from-mail' },
        context: {
          page: { url: 'https://shop.example/sale', referrer: 'https://mail.example/' },
          campaign: { source: 'mail', name: HOSTILE },
        },
      },
      { type: 'identify', userId: 'eve', anonymousId: 'from-mail', traits: { $once: { found: 'sale' } } },
      order('eve', { revenue: 'free' }),
    );
    await page.goto(at('/console/profiles/user%3Aeve'));
    await page.getByRole('heading', { name: 'eve' }).waitFor();

    const text = await page.locator('main').innerText();
    expect(text).toContain('1 event with an order without a usable amount');
    expect(text).toContain('https://shop.example/sale');
    expect(text).toContain('https://mail.example/');
    expect(text).toContain(`mail · ${HOSTILE}`);
    expect(text).toContain('once only, ');
    expect(await page.locator('main img').count()).toBe(0);
  });

  test('a profile shows who it is, what it spent, and its history from before the sign-in', async () => {
    await page.goto(at('/console/profiles/email%3Aada@example.com'));
    await page.getByRole('heading', { name: 'ada@example.com' }).waitFor();
    await eventRow('Pricing').waitFor();

    const text = await page.locator('main').innerText();
    expect(text).toContain('$129.45');
    expect(text).toContain('u-ada');
    expect(text).toContain(ANONYMOUS);
    expect(text).toContain(HOSTILE);
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.getByTitle(`On this timeline by anonymous ${ANONYMOUS}`).count()).toBeGreaterThan(0);
  });

  test('an event says why it is here', async () => {
    await page.goto(at('/console/profiles/email%3Aada@example.com'));
    await eventRow('Pricing').click();

    await page.getByText(`It was sent under anonymous:${ANONYMOUS}`).waitFor();
    expect(await page.locator('.event-detail').getByText('user:u-ada').count()).toBe(1);
  });

  test('a timeline is narrowed by type and by name', async () => {
    await send({ type: 'track', userId: 'u-ada', event: 'Clicked' });
    await page.goto(at('/console/profiles/user%3Au-ada'));
    await eventRow('Pricing').waitFor();
    await page.getByLabel('Type').selectOption('track');
    await eventRow('Pricing').waitFor({ state: 'detached' });
    await page.getByLabel('Event name').selectOption('Order Completed');
    await eventRow('Clicked').waitFor({ state: 'detached' });

    const names = await page.locator('.event-name').allInnerTexts();
    expect(names).toEqual(['Order Completed', 'Order Completed']);
  });

  test('a timeline is read from its beginning', async () => {
    await page.goto(at('/console/profiles/user%3Au-ada'));
    await eventRow('Pricing').waitFor();
    await page.locator('.filters select').first().selectOption('Oldest first');

    await page.locator('.event').first().locator('.event-name', { hasText: 'Pricing' }).waitFor();
  });

  test('a timeline is narrowed to days, of which the first and the last are within', async () => {
    await send(
      ...[2, 3, 4, 5].map((days) => clicked({ userId: 'u-days', event: `Day ${days}`, at: daysAgo(days) })),
    );
    await page.goto(at('/console/profiles/user%3Au-days'));
    await eventRow('Day 5').waitFor();
    await page.getByLabel('From', { exact: true }).fill(dayOf(daysAgo(4)));
    await eventRow('Day 5').waitFor({ state: 'detached' });
    await page.getByLabel('To', { exact: true }).fill(dayOf(daysAgo(3)));
    await eventRow('Day 2').waitFor({ state: 'detached' });
    expect(await page.locator('.event-name').allInnerTexts()).toEqual(['Day 3', 'Day 4']);

    await page.getByLabel('From', { exact: true }).fill(dayOf(daysAgo(1)));
    await page.getByText('No event matches.').waitFor();
    await page.getByRole('button', { name: 'Show all' }).click();
    await eventRow('Day 5').waitFor();
  });

  test('where a filter has found nothing so far, one can look further back', async () => {
    await send(
      ...Array.from({ length: 51 }, () => clicked({ userId: 'u-far', event: 'Far', at: daysAgo(1) })),
    );
    await send(clicked({ userId: 'u-far', event: 'Farthest', at: daysAgo(2) }));
    // As if the work that a page may cost had ended among events that do not match.
    await page.route('**/timeline?type=track*', async (route) => {
      const answer = await route.fetch();
      const { nextCursor } = (await answer.json()) as { nextCursor: string | null };
      const isFirst = !route.request().url().includes('cursor=');
      await route.fulfill(
        isFirst ? { response: answer, json: { data: [], nextCursor } } : { response: answer },
      );
    });
    await page.goto(at('/console/profiles/user%3Au-far'));
    await eventRow('Far').waitFor();
    await page.getByLabel('Type').selectOption('track');
    await page.getByText('No event matches so far.').waitFor();
    await page.getByRole('button', { name: 'Look further back' }).click();

    await eventRow('Farthest').waitFor();
    expect(await page.locator('.more').count()).toBe(0);
  });

  test('a timeline is shown by session, and a session opens to its events', async () => {
    const visit = (sessionId: string, start: Date) => ({
      userId: 'u-visits',
      context: { sessionId },
      at: start,
    });
    const older = Array.from({ length: 20 }, (_, index) => visit(`older-${index}`, daysAgo(index + 3)));
    await send(
      ...older.map((call) => clicked({ ...call, event: 'Older' })),
      {
        ...{ type: 'page', userId: 'u-visits', timestamp: daysAgo(2) },
        properties: { title: 'Spring sale', path: '/sale' },
        context: { sessionId: 'sale', campaign: { source: 'mail', name: HOSTILE } },
      },
      clicked({ ...visit('sale', new Date(daysAgo(2).getTime() + 250_000)), event: 'Bought' }),
    );
    await page.goto(at('/console/profiles/user%3Au-visits'));
    await page.getByRole('link', { name: 'Sessions' }).click();
    const sale = page.locator('.session-toggle', { hasText: 'Spring sale' });
    await sale.waitFor();
    expect(await sale.innerText()).toContain('4 min 10 s, 2 events');
    expect(await sale.innerText()).toContain(`mail · ${HOSTILE}`);
    expect(await page.locator('.session-toggle').count()).toBe(20);

    await sale.click();
    await page.locator('.session-events .event').nth(1).waitFor();
    expect(await page.locator('.session-events .event-name').allInnerTexts()).toEqual([
      'Spring sale',
      'Bought',
    ]);

    await page.getByRole('button', { name: 'Load more' }).click();
    await page.locator('.session-toggle').nth(20).waitFor();
    await page.reload();
    await sale.waitFor();
  });

  test('an unknown profile and an unknown page each say so, and lead on', async () => {
    await page.goto(at('/console/profiles/00000000-0000-4000-8000-000000000000'));
    await page.getByRole('heading', { name: 'There is no such profile' }).waitFor();
    await page.goto(at('/console/nowhere'));
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  });
});

describe('audiences', () => {
  test('a refused rule names the path of the fault; a good one has members, a file, and can be rebuilt', async () => {
    await page.goto(at('/console/audiences'));
    await page.getByRole('link', { name: 'New audience' }).click();
    await page.getByLabel('Name').fill('Big spenders');
    await page.getByLabel('Rule').fill('{"event":"Order Completed","gte":"100"}');
    await page.getByRole('button', { name: 'Create audience' }).click();
    await page.locator('.problems', { hasText: 'rule.gte' }).waitFor();

    await page.getByRole('button', { name: 'Spent 100 or more in 30 days' }).click();
    await page.getByRole('button', { name: 'Preview' }).click();
    const preview = page.getByRole('region', { name: 'Preview' });
    await preview.getByText('1 profile').waitFor();
    await preview
      .getByText('Profiles where the sum of “revenue” of “Order Completed” in the last 30 days')
      .waitFor();
    await preview.getByRole('link', { name: 'ada@example.com' }).waitFor();
    await page.getByRole('button', { name: 'Create audience' }).click();
    await page.getByRole('heading', { name: 'Big spenders' }).waitFor();
    await page.getByRole('row', { name: /ada@example\.com/ }).waitFor();
    expect(await page.locator('tbody tr').count()).toBe(1);

    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download CSV' }).click(),
    ]);
    const lines = (await text(await file.createReadStream())).trim().split('\r\n');
    expect(file.suggestedFilename()).toBe('big-spenders.csv');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('u-ada,ada@example.com');

    await page.getByRole('button', { name: 'Rebuild' }).click();
    await page.getByRole('status').getByText('Rebuilt: 1 member, 0 entered, 0 left.').waitFor();

    await page.getByRole('button', { name: 'Delete audience' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('status').getByText('“Big spenders” was deleted.').waitFor();
    await page.getByRole('heading', { name: 'Audiences', exact: true }).waitFor();
    // The demo shop has one of its own.
    await page.locator('tbody tr').first().waitFor();
    expect(await page.getByRole('row', { name: /Big spenders/ }).count()).toBe(0);
  });
});

describe('when something fails', () => {
  test.each([
    [500, { error: { code: 'internal', message: 'Something failed here.' } }, 'Something failed here.'],
    [429, { error: { code: 'rate_limited', message: 'Too many requests.' } }, 'Try again in 7 s.'],
    [502, '<html>Bad gateway</html>', 'Something other than the collector answered (HTTP 502).'],
  ])('an answer of %i is put into words, with a way to try again', async (status, body, words) => {
    const isText = typeof body === 'string';
    await page.route('**/v1/profiles?*', (route) =>
      route.fulfill({
        status,
        body: isText ? body : JSON.stringify(body),
        contentType: isText ? 'text/html' : 'application/json',
        headers: { 'retry-after': '7' },
      }),
    );
    await page.goto(at('/console/profiles'));
    await page.getByText(words).waitFor();
    await page.unroute('**/v1/profiles?*');
    await page.getByRole('button', { name: 'Try again' }).click();

    await page.getByRole('link', { name: 'ada@example.com' }).waitFor();
  });

  test('a live stream that is refused for a while is opened again, and the page stays', async () => {
    await page.route('**/v1/{events/live,session}', (route) => route.fulfill({ status: 503, body: '' }));
    await page.goto(at('/console/'));
    await page.getByText('Something other than the collector answered').waitFor();
    await page.unroute('**/v1/{events/live,session}');
    await page.route('**/v1/events/live', (route) => route.fulfill({ status: 503, body: '' }));
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('Connection lost. Trying again').waitFor();
    await page.unroute('**/v1/events/live');

    await page.getByText('Listening').waitFor();
  });

  test('a session that ended meanwhile leads to signing in', async () => {
    await page.goto(at('/console/profiles'));
    await page.getByRole('link', { name: 'ada@example.com' }).waitFor();
    await context.clearCookies();
    await page.getByRole('link', { name: 'ada@example.com' }).click();

    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
  });
});

test('a chosen theme is there before the first paint, and nothing flashes', async () => {
  await page.goto(at('/console/'));
  await page.getByRole('button', { name: 'Change to light' }).click();
  await page.getByRole('button', { name: 'Change to dark' }).click();
  // The page's own code never runs: what is dark now was dark before it.
  await page.route('**/console/assets/*.js', (route) => route.abort());
  await page.reload();

  expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe('dark');
  complaints = [];
});

test.each(['light', 'dark'] as const)('at 375 px no page scrolls sideways (%s)', async (colorScheme) => {
  await openPage({ storageState: signedIn, viewport: { width: 375, height: 760 }, colorScheme });
  const pages = [
    ['', '.sample'],
    ['profiles', 'tbody tr'],
    ['profiles/user%3Au-ada', '.event'],
    ['profiles/user%3Au-ada?view=sessions', '.session-toggle'],
    ['audiences', '.empty, tbody tr'],
    ['audiences/new', 'textarea'],
  ] as const;
  for (const [path, content] of pages) {
    await page.goto(at(`/console/${path}`));
    await page.locator(content).first().waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow, `/console/${path}`).toBeLessThanOrEqual(0);
  }
});

afterEach(() => expect(complaints).toEqual([]));

async function openPage(options: BrowserContextOptions): Promise<void> {
  await context?.close();
  context = await browser.newContext({ viewport: { width: 1280, height: 820 }, ...options });
  page = await context.newPage();
  complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    const isAnswer = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isAnswer) complaints.push(message.text());
  });
}

/** Another session, so that ending it leaves the others. */
async function newSession(): Promise<string> {
  const another = await startCollector({ env: { DATABASE_URL: database.url } });
  await openPage({});
  await page.goto(another.consoleLink);
  await page.getByRole('heading', { name: 'Live' }).waitFor();
  await another.stop();
  return at('/console/');
}

function at(path: string): string {
  return collector.url + path;
}

function eventRow(name: string) {
  return page.locator('.event-toggle', { hasText: name }).first();
}

function order(userId: string, properties: object): object {
  return { type: 'track', userId, event: 'Order Completed', properties: { currency: 'USD', ...properties } };
}

function clicked({ at: timestamp, ...call }: { at: Date; userId: string; event: string }): object {
  return { type: 'track', timestamp, ...call };
}

/** The middle of a day, by the clock that the browser reads too. */
function daysAgo(days: number): Date {
  const noon = new Date();
  noon.setHours(12, 0, 0, 0);
  noon.setDate(noon.getDate() - days);
  return noon;
}

/** As a date field takes it. */
function dayOf(moment: Date): string {
  const parts = [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()];
  return parts.map((part) => String(part).padStart(2, '0')).join('-');
}

async function send(...events: readonly object[]): Promise<void> {
  const answer = await fetch(at(`/v1/batch?writeKey=${collector.writeKey}`), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ batch: events }),
  });
  expect(await answer.json()).toMatchObject({ accepted: events.length, rejected: [] });
}

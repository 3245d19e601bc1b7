/** The console's pages of destinations, with a receiver that does what the test says. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { changeWorkspace, openDatabase } from '../../src/db/connect';
import { startCollector, type StartedCollector } from '../support/collector';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { answer, openReceiver, type Receiver } from '../support/receiver';
import { openChromium } from '../support/shared-chromium';
import { type SignedIn, signIn } from '../support/signed-in';

const HOSTILE = '<img src="/x" onerror="document.title=\'owned\'">';

let database: TestDatabase;
let collector: StartedCollector;
let receiver: Receiver;
let browser: Browser;
let signedIn: SignedIn;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  database = await createTestDatabase();
  receiver = await openReceiver();
  [collector, browser] = await Promise.all([
    startCollector({ env: { DATABASE_URL: database.url, THROUGHLINE_WEBHOOK_ALLOW: 'http://127.0.0.1:*' } }),
    openChromium(),
  ]);
  await post('/v1/batch', { batch: ['ada', 'bob'].map((userId) => ({ type: 'identify', userId })) });
  await post('/v1/audiences', { name: 'Big spenders', ids: ['user:ada', 'user:bob'] });
  signedIn = await signIn(browser, collector);
});
afterAll(async () => {
  await browser?.close();
  await collector?.stop();
  await receiver?.close();
  await database?.close();
});
beforeEach(() => openPage({}));
afterEach(() => context.close());

async function openPage(options: BrowserContextOptions): Promise<void> {
  await context?.close();
  context = await browser.newContext({
    ...{ storageState: signedIn, viewport: { width: 1280, height: 820 } },
    ...options,
  });
  page = await context.newPage();
}

async function post(path: string, body: object) {
  const response = await fetch(collector.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${collector.secretKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect([path, response.ok]).toEqual([path, true]);
  return (await response.json()) as { id: string };
}

const connect = (name: string, more: object = {}) =>
  post('/v1/destinations', { name, url: receiver.url, audiences: ['big-spenders'], ...more });
/** As if the day were over in which it is tried. */
async function giveUp(destinationId: string): Promise<void> {
  const { db, close } = openDatabase(database.url, { max: 1, applicationName: 'throughline-test' });
  const { workspace_id: workspaceId } = await db
    .selectFrom('workspace')
    .select('workspace_id')
    .executeTakeFirstOrThrow();
  for (let given = 0n; given === 0n;) {
    const { numUpdatedRows } = await changeWorkspace(db, workspaceId, (transaction) =>
      transaction
        .updateTable('delivery')
        .set({ state: 'dead', finished_at: new Date() })
        .where('destination_id', '=', destinationId)
        // The attempt is noted a moment after it was received.
        .where('attempts', '>', 0)
        .executeTakeFirst(),
    );
    given = numUpdatedRows;
  }
  await close();
}

const at = (path: string) => `${collector.url}/console/${path}`;

describe('destinations', () => {
  test('one is connected in a form, which says what is wrong; its secret is shown once', async () => {
    await page.goto(at('destinations'));
    await page.getByRole('link', { name: 'New destination' }).click();
    await page.getByLabel('Name').fill('CRM');
    await page.getByLabel('URL').fill('https://10.0.0.1/');
    await page.getByLabel('Big spenders').check();
    await page.getByRole('button', { name: 'Connect' }).click();
    await page.getByText('must be a host of the public internet').waitFor();

    await page.getByLabel('URL').fill(receiver.url);
    await page.getByRole('button', { name: 'Connect' }).click();
    await page.getByText(/^whsec_/).waitFor();
    await page.getByRole('link', { name: 'Go on' }).click();
    await page.getByRole('heading', { name: 'CRM', exact: true }).waitFor();
    expect(await page.content()).not.toContain('whsec_');
    await receiver.has(1);
    expect(receiver.received[0]!.changes.map(({ isBackfill }) => isBackfill)).toEqual([true, true]);
  });

  test('one is edited: what is wrong stands with its field, and an audience that is added sends its members', async () => {
    await post('/v1/audiences', { name: 'Friends', ids: ['user:ada'] });
    const { id } = await connect('Moved', { state: 'paused', backfill: false });
    await page.goto(at(`destinations/${id}`));
    await page.getByRole('link', { name: 'Edit' }).click();
    await page.getByLabel('Big spenders').uncheck();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('#audiences-faults').getByText('fewer than 1').waitFor();
    await page.getByLabel('Friends').check();
    await page.getByLabel('URL').fill('https://10.0.0.1/');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('#url-faults').getByText('must be a host of the public internet').waitFor();
    expect(await page.locator(':focus').getAttribute('name')).toBe('url');

    await page.getByLabel('Name').fill('Moved away');
    await page.getByLabel('URL').fill(`${receiver.url}/elsewhere`);
    await page.getByLabel('Changes in a request').fill('1');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Moved away' }).waitFor();
    await page.getByText(`${receiver.url}/elsewhere`).waitFor();
    await page.getByText('one for each change').waitFor();
    const before = receiver.received.length;
    await page.getByRole('button', { name: 'Resume' }).click();
    await receiver.has(before + 1);
    expect(receiver.received.at(-1)!.changes.map(({ audience, userId }) => [audience, userId])).toEqual([
      ['friends', 'ada'],
    ]);
  });

  test('a test says what the receiver said, and its words are only ever text', async () => {
    const { id } = await connect('Tested', { state: 'paused' });
    receiver.react = answer(200, {}, HOSTILE);
    await page.goto(at(`destinations/${id}`));
    await page.getByRole('button', { name: 'Send a test' }).click();

    await page.getByText('The test arrived: HTTP 200').waitFor();
    expect(await page.getByText(HOSTILE).count()).toBe(1);
    receiver.react = answer(401);
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.getByText('The test was not taken: HTTP 401').waitFor();
    receiver.react = answer(204);
  });

  test('one is paused and resumed, and the log opens to what came back', async () => {
    const { id } = await connect('Followed', { state: 'paused' });
    receiver.react = answer(200, {}, 'thank you');
    await page.goto(at(`destinations/${id}`));
    await page.getByText('Nothing was sent yet.').waitFor();
    const before = receiver.received.length;
    await page.getByRole('button', { name: 'Resume' }).click();
    await receiver.has(before + 1);
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    const row = page.getByRole('button', { name: /delivered members of big-spenders/ });
    // What was received is noted a moment later.
    while ((await row.count()) === 0) {
      await page.getByRole('button', { name: 'Refresh' }).click();
      await page.waitForLoadState('networkidle');
    }
    await row.click();
    await page.getByText('thank you').waitFor();
    receiver.react = answer(204);
  });

  test('a dead letter is sent again', async () => {
    receiver.react = answer(500);
    const before = receiver.received.length;
    const { id } = await connect('Given up');
    await receiver.has(before + 1);
    receiver.react = answer(204);
    await giveUp(id);
    await page.goto(at(`destinations/${id}`));
    await page.getByLabel('Deliveries shown').selectOption('Dead letters');
    await page.getByRole('button', { name: /^dead / }).click();
    await page.getByRole('button', { name: 'Send again', exact: true }).click();

    await page.getByText('1 dead letter sent again.').waitFor();
    await receiver.has(before + 2);
    expect(receiver.received.at(-1)!.id).toBe(receiver.received[before]!.id);
    await page.getByText('No dead letters').waitFor();
  });

  test('a secret is changed: two for a while, then the new one alone', async () => {
    const { id } = await connect('Turned', { state: 'paused' });
    await page.goto(at(`destinations/${id}`));
    await page.getByRole('button', { name: 'Add another one' }).click();
    await page.getByText(/^whsec_/).waitFor();
    await page.getByText('Requests carry a signature of each.').waitFor();
    await page.getByRole('button', { name: 'Delete', exact: true }).first().click();
    await page.getByRole('button', { name: 'Add another one' }).waitFor();
  });

  test('one is deleted when it was asked twice', async () => {
    const { id } = await connect('Short-lived', { state: 'paused' });
    await page.goto(at(`destinations/${id}`));
    await page.getByRole('button', { name: 'Delete destination' }).click();
    await page
      .getByRole('group', { name: 'Delete destination' })
      .getByRole('button', { name: 'Delete' })
      .click();
    await page.getByRole('heading', { name: 'Destinations' }).waitFor();
    expect(await page.getByRole('link', { name: 'Short-lived' }).count()).toBe(0);
    await page.goto(at(`destinations/${id}`));
    await page.getByRole('heading', { name: 'There is no such destination' }).waitFor();
  });

  test.each(['light', 'dark'] as const)(
    'at 375 px no page of them scrolls sideways (%s)',
    async (colorScheme) => {
      const { id } = await connect(`A long name that ${colorScheme} pages must hold`, { state: 'paused' });
      await openPage({ viewport: { width: 375, height: 760 }, colorScheme });
      for (const [path, content] of [
        ['destinations', 'tbody tr'],
        ['destinations/new', 'fieldset input'],
        [`destinations/${id}`, '.log-head'],
        [`destinations/${id}/edit`, 'fieldset input'],
      ] as const) {
        await page.goto(at(path));
        await page.locator(content).first().waitFor();
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect([path, overflow <= 0]).toEqual([path, true]);
        // The last of the places, which do not all fit, and where one is.
        const place = page.getByRole('navigation').locator('[aria-current]');
        const cutOff = await place.evaluate((link) => {
          const places = link.parentElement!.getBoundingClientRect();
          return link.getBoundingClientRect().right - places.right;
        });
        expect(Math.max(0, Math.floor(cutOff))).toBe(0);
      }
    },
  );
});

import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startCollector, type StartedCollector } from '../support/collector';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { openChromium } from '../support/shared-chromium';
import { type SignedIn, signIn } from '../support/signed-in';

const PRO = { trait: 'plan', eq: 'pro' };
const BOUGHT = { event: 'Order Completed', within: '30d' };

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
    identify('u-ada', { plan: 'pro', email: 'ada@example.com' }),
    identify('u-bob', { plan: 'free', email: 'bob@example.com' }),
    identify('u-cat', { plan: 'pro' }),
    { type: 'track', userId: 'u-bob', event: 'Order Completed', properties: { revenue: 10 } },
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
afterEach(() => expect(complaints).toEqual([]));

describe('an audience’s page', () => {
  test('says of each member since when and why, how its size went, and lets in who comes while it is open', async () => {
    const { id } = await create({ name: 'Pro, not bought', rule: { all: [PRO, { not: BOUGHT }] } });
    await open(id);
    await figure('Members').getByText('2', { exact: true }).waitFor();
    await figure('State').getByText('current').waitFor();
    await figure('Kind').getByText('rule').waitFor();
    await page.getByRole('img', { name: /to 2 members/ }).waitFor();

    await page.getByRole('button', { name: 'Show why' }).click();
    const ada = page.getByRole('row', { name: /ada@example\.com/ });
    await ada.getByText('Holds: the trait “plan” is “pro”').waitFor();
    await ada.getByText(/Does not hold: .*“Order Completed”/).waitFor();
    await ada.getByText('by a rebuild').waitFor();

    await page.getByText('live', { exact: true }).waitFor();
    await send(identify('u-dan', { plan: 'pro', email: 'dan@example.com' }));
    const changes = page.getByRole('list', { name: 'Changes, newest first' });
    await changes.getByRole('listitem').filter({ hasText: 'dan@example.com entered' }).waitFor();
    await page.getByRole('row', { name: /dan@example\.com/ }).waitFor();
    await figure('Members').getByText('3', { exact: true }).waitFor();
    await send(identify('u-dan', { plan: null }));
    await changes.getByRole('listitem').filter({ hasText: 'dan@example.com left' }).waitFor();
    await page.getByRole('row', { name: /dan@example\.com/ }).waitFor({ state: 'detached' });
  });

  test('shows that it is being rebuilt, and how far that is, and gives it up when it is told to', async () => {
    const { id } = await create({ name: 'Slow', rule: PRO });
    await open(id);
    const held = await holdRow(id);
    await page.getByRole('button', { name: 'Rebuild' }).click();
    await page.getByRole('progressbar', { name: 'Rebuild' }).waitFor();
    await page.getByText(/about \d+ %/).waitFor();
    await figure('State').getByText('rebuilding').waitFor();
    await page.getByRole('button', { name: 'Cancel rebuild' }).click();
    await page.getByRole('status').getByText('The rebuild was cancelled').waitFor();
    await held.release();
    await page.getByRole('progressbar').waitFor({ state: 'detached' });
    expect(await page.getByRole('row', { name: /u-cat/ }).count()).toBe(1);
  });

  test('says why it could not be rebuilt, and that its members are from before', async () => {
    const { id } = await create({ name: 'Buyers', rule: BOUGHT });
    await change(`update workspace set timezone = 'Mars/Olympus'`);
    await open(id);
    await page.getByRole('button', { name: 'Rebuild' }).click();
    await page
      .getByRole('alert')
      .getByText(/22023.* last good rebuild/)
      .waitFor();
    await figure('State').getByText('rebuild failed').waitFor();
    await page.getByRole('row', { name: /bob@example\.com/ }).waitFor();
    await change(`update workspace set timezone = 'UTC'`);
    await page.getByRole('button', { name: 'Rebuild' }).click();
    await figure('State').getByText('current').waitFor();
    await page.getByText('last good rebuild').waitFor({ state: 'detached' });
  });

  test('leads to the audiences that its rule reads, and to those that read it', async () => {
    const inner = await create({ name: 'Inner', rule: PRO });
    const outer = await create({ name: 'Outer', rule: { all: [{ audience: inner.key }, { not: BOUGHT }] } });
    await open(outer.id);
    await page.getByRole('region', { name: 'Other audiences' }).getByRole('link', { name: 'Inner' }).click();
    await page.getByRole('heading', { name: 'Inner' }).waitFor();
    const readBy = page.getByRole('region', { name: 'Other audiences' });
    await readBy.getByText('Read by, and so not to be deleted').waitFor();
    await readBy.getByRole('link', { name: 'Outer' }).waitFor();
  });
});

describe('an audience that is edited', () => {
  test('says beside its rule what is wrong there, shows what another one would find, and then has its members', async () => {
    const { id } = await create({ name: 'Edited', rule: PRO });
    await open(id);
    await page.getByRole('link', { name: 'Edit' }).click();
    await page.getByRole('heading', { name: 'Edit Edited' }).waitFor();
    const rule = page.getByLabel('Rule');
    expect(JSON.parse(await rule.inputValue())).toEqual(PRO);
    await rule.fill('{"all":[{"trait":"plan","eq":"pro"},{"event":"Order Completed","gte":"1"}]}');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('#rule-faults').getByText('rule.all[1].gte').waitFor();
    expect(await described('rule')).toEqual({ isFocused: true, isInvalid: 'true', by: 'rule-faults' });

    await rule.fill(JSON.stringify(BOUGHT));
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.getByRole('region', { name: 'Preview' }).getByText('1 profile').waitFor();
    await page.getByLabel('Name').fill('Changed');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Changed', exact: true }).waitFor();
    await page.getByRole('row', { name: /bob@example\.com/ }).waitFor();
    expect(await page.getByRole('row', { name: /u-cat/ }).count()).toBe(0);
  });

  test('by its name alone is not rebuilt, and a list has no rule to edit', async () => {
    const ruled = await create({ name: 'Renamed', rule: PRO });
    const { rebuiltAt } = await read(`audiences/${ruled.id}`);
    await page.goto(at(`/console/audiences/${ruled.id}/edit`));
    await page.getByLabel('Name').fill('Renamed again');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Renamed again' }).waitFor();
    expect(await read(`audiences/${ruled.id}`)).toMatchObject({
      name: 'Renamed again',
      rebuiltAt,
      rule: PRO,
    });

    const listed = await create({ name: 'Listed by hand', ids: ['user:u-ada'] });
    await page.goto(at(`/console/audiences/${listed.id}/edit`));
    await page.getByLabel('Name').fill('Listed');
    expect(await page.getByLabel('Rule').count()).toBe(0);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Listed', exact: true }).waitFor();
  });
});

describe('a decision', () => {
  test('is written case by case, each fault beside its field, and is put into another order by keyboard', async () => {
    const { key } = await create({ name: 'Loyal ones', ids: ['user:u-ada'] });
    await page.goto(at('/console/decisions'));
    await page.getByRole('link', { name: 'New decision' }).click();
    await page.getByLabel('Name', { exact: true }).first().fill('Banner');
    await page.getByRole('button', { name: 'Add a case' }).click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('loyal');
    await inCase('Case 1').getByLabel('Rule').fill('{"trait": "plan", "gte": "x"}');
    await inCase('Otherwise').getByLabel('Payload').fill('{ oh');
    await page.getByRole('button', { name: 'Create decision' }).click();
    await inCase('Otherwise').getByText('This is not JSON yet').waitFor();
    await inCase('Otherwise').getByLabel('Payload').fill('{"show": "nothing"}');
    await page.getByRole('button', { name: 'Create decision' }).click();
    await inCase('Case 1').getByText('cases[0].when.gte must be a number').waitFor();
    await inCase('Case 2').getByText('cases[1].when.audience must be').waitFor();
    expect(await described('case-0-when')).toEqual({
      ...{ isFocused: true, isInvalid: 'true', by: 'case-0-when-faults' },
    });

    await inCase('Case 1').getByLabel('Rule').fill('{"trait": "plan", "eq": "pro"}');
    await inCase('Case 2').getByLabel('For the members of').selectOption('Loyal ones');
    await page.getByRole('button', { name: 'Move Case 2 up' }).focus();
    await page.keyboard.press('Enter');
    expect(await inCase('Case 1').getByLabel('Name').inputValue()).toBe('loyal');
    // It is the first one now, and cannot go on upwards.
    await page.getByRole('button', { name: 'Move Case 1 down' }).and(page.locator(':focus')).waitFor();
    await page.getByRole('button', { name: 'Create decision' }).click();
    await page.getByRole('heading', { name: 'Banner', exact: true }).waitFor();
    expect(await read('decisions/banner')).toMatchObject({
      version: 1,
      cases: [
        { key: 'loyal', when: { audience: key }, then: {} },
        { key: 'premium', when: PRO, then: { page: 'premium' } },
        { key: 'control', when: null, then: { show: 'nothing' } },
      ],
    });
  });

  test('is edited as its next version, goes back to an older one, on from there, and away', async () => {
    const cases = [{ key: 'all', then: { show: 1 } }];
    const { id } = await create({ name: 'Versioned', cases, timeLimitMs: 100, record: true }, 'decisions');
    await page.goto(at(`/console/decisions/${id}`));
    await page.getByRole('link', { name: 'Edit', exact: true }).click();
    await page.getByText('This is version 1, which answers now.').waitFor();
    await inCase('Otherwise').getByLabel('Payload').fill('{"show": 2}');
    await page.getByLabel('Pages may ask').check();
    await page.getByRole('button', { name: 'Save as the next version' }).click();
    await page.getByRole('status').getByText('Version 2 answers now.').waitFor();
    await figure('Version').getByText('2', { exact: true }).waitFor();
    expect(await read(`decisions/${id}`)).toMatchObject({
      ...{ version: 2, timeLimitMs: 100, record: true, public: true },
      cases: [{ key: 'all', then: { show: 2 } }],
    });

    await page.getByRole('button', { name: 'Let it answer' }).click();
    await figure('Version').getByText('1', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Edit from it' }).click();
    await page.getByText('This is version 2; version 1 answers now.').waitFor();
    expect(JSON.parse(await inCase('Otherwise').getByLabel('Payload').inputValue())).toEqual({ show: 2 });
    await page.getByRole('button', { name: 'Save as the next version' }).click();
    await figure('Version').getByText('3', { exact: true }).waitFor();

    await page.getByRole('link', { name: 'Edit', exact: true }).click();
    await page.getByText('This is version 3, which answers now.').waitFor();
    await write('PUT', `decisions/${id}`, { cases: [{ then: 'theirs' }] });
    const save = page.getByRole('button', { name: 'Save as the next version' });
    await save.click();
    await page.getByText('Version 4 has been written since version 3. Save again').waitFor();
    expect(await read(`decisions/${id}`)).toMatchObject({ version: 4 });
    await save.click();
    await figure('Version').getByText('5', { exact: true }).waitFor();

    await page.getByRole('button', { name: 'Delete decision' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('heading', { name: 'Decisions', exact: true }).waitFor();
    await page.goto(at(`/console/decisions/${id}/edit`));
    await page.getByRole('heading', { name: 'There is no such decision' }).waitFor();
  });
});

describe('a list', () => {
  test('is made of names, one a line; whoever is unknown is said; one is added and taken off by hand, more from a file', async () => {
    await page.goto(at('/console/audiences/new'));
    await page.getByLabel('Name').fill('Friends');
    await page.getByLabel('Who is listed').check();
    await page.getByLabel('User IDs or emails').fill('u-ada\nnobody@example.com\n');
    await page.getByRole('button', { name: 'Create audience' }).click();
    await page.getByRole('status').getByText('“Friends”: 1 member added; 1 unknown.').waitFor();
    await page.getByRole('heading', { name: 'Friends' }).waitFor();
    await figure('Kind').getByText('list').waitFor();
    await page.getByRole('row', { name: /ada@example\.com.*by hand/ }).waitFor();

    await page.getByLabel('User ID or email', { exact: true }).fill('bob@example.com');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('row', { name: /bob@example\.com/ }).waitFor();
    await page
      .getByRole('row', { name: /ada@example\.com/ })
      .getByRole('button', { name: 'Take off' })
      .click();
    await page.getByRole('row', { name: /ada@example\.com/ }).waitFor({ state: 'detached' });

    await page.getByText('Add many').click();
    await page.getByLabel('From a file').setInputFiles({
      ...{ name: 'friends.csv', mimeType: 'text/csv' },
      buffer: Buffer.from('name,userId\r\nCat,u-cat\r\nX,u-x\r\n'),
    });
    await page.getByRole('button', { name: 'Add all' }).click();
    await page.getByRole('row', { name: /u-cat/ }).waitFor();
    await page.getByText('Nobody is known by these names').waitFor();
    await page.getByText('user:u-x').waitFor();

    await page.getByRole('link', { name: 'Audiences' }).first().click();
    await page.getByRole('row', { name: /Friends.*list.*current.*2/ }).waitFor();
  });
});

describe('a preview', () => {
  test('counts each clause by itself', async () => {
    await page.goto(at('/console/audiences/new'));
    await page.getByLabel('Rule').fill(JSON.stringify({ all: [PRO, BOUGHT] }));
    await page.getByRole('button', { name: 'Preview' }).click();
    const clauses = page.getByRole('list', { name: 'Profiles of each clause' }).getByRole('listitem');
    await clauses.filter({ hasText: /^2 .*“plan”.*rule\.all\[0\]$/ }).waitFor();
    await clauses.filter({ hasText: /^1 .*“Order Completed”.*rule\.all\[1\]$/ }).waitFor();
  });
});

test.each(['light', 'dark'] as const)(
  'at 375 px no page of audiences and decisions scrolls sideways (%s)',
  async (colorScheme) => {
    await openPage({ storageState: signedIn, viewport: { width: 375, height: 760 }, colorScheme });
    const rule = { all: [PRO, { event: 'A name that is long enough to need two lines', lte: 2 }] };
    const ruled = await create({ name: `Ruled ${colorScheme}`, rule });
    const listed = await create({ name: `Listed ${colorScheme}`, ids: ['user:u-ada'] });
    for (const path of ['audiences', `audiences/${ruled.id}`, `audiences/${listed.id}`]) {
      await page.goto(at(`/console/${path}`));
      await page.locator('tbody tr').first().waitFor();
      const why = page.getByRole('button', { name: 'Show why' });
      if ((await why.count()) > 0) {
        await why.click();
        await page.locator('.why').first().waitFor();
      }
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, path).toBeLessThanOrEqual(0);
    }
    const when = { audience: ruled.key };
    const cases = [{ when, then: { text: 'long '.repeat(40) } }, { then: {} }];
    const decision = await create({ name: `A decision that is ${colorScheme}`, cases }, 'decisions');
    for (const [path, content] of [
      [`audiences/${ruled.id}/edit`, 'textarea'],
      ['decisions', 'tbody tr'],
      ['decisions/new', '.case-form'],
      [`decisions/${decision.id}`, 'tbody tr'],
      [`decisions/${decision.id}/edit`, '.case-form'],
    ] as const) {
      await page.goto(at(`/console/${path}`));
      await page.locator(content).first().waitFor();
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, path).toBeLessThanOrEqual(0);
    }
  },
);

/** A figure at the head of the page, by its title. */
const figure = (title: string) =>
  page.locator('.figures > div', { has: page.getByText(title, { exact: true }) });

const inCase = (name: string) => page.getByRole('group', { name, exact: true });

/** How a field says that it is wrong, to who sees and to who listens. */
function described(id: string) {
  return page.locator(`#${id}`).evaluate((field) => ({
    isFocused: document.activeElement === field,
    isInvalid: field.getAttribute('aria-invalid'),
    by: field.getAttribute('aria-describedby'),
  }));
}

const identify = (userId: string, traits: object) => ({ type: 'identify', userId, traits });

async function open(id: string): Promise<void> {
  await page.goto(at(`/console/audiences/${id}`));
  await page.getByRole('heading', { name: 'Members', exact: true }).waitFor();
}

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

function at(path: string): string {
  return collector.url + path;
}

async function read(path: string): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetch(at(`/v1/${path}`), {
    headers: { authorization: `Bearer ${collector.secretKey}` },
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Record<string, unknown>;
}

async function create(
  body: object,
  what = 'audiences',
): Promise<{ readonly id: string; readonly key: string }> {
  const answer = await write('POST', what, body);
  expect(answer.status).toBe(201);
  return (await answer.json()) as { id: string; key: string };
}

function write(method: 'POST' | 'PUT', path: string, body: object): Promise<Response> {
  return fetch(at(`/v1/${path}`), {
    method,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${collector.secretKey}` },
    body: JSON.stringify(body),
  });
}

async function send(...events: readonly object[]): Promise<void> {
  const answer = await fetch(at(`/v1/batch?writeKey=${collector.writeKey}`), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ batch: events }),
  });
  expect(await answer.json()).toMatchObject({ accepted: events.length, rejected: [] });
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client(database.url);
  await client.connect();
  const { rows } = await client.query<{ workspace_id: string }>('select workspace_id from workspace');
  await client.query(`select set_config('throughline.workspace', $1, false)`, [rows[0]!.workspace_id]);
  return client;
}

async function change(statement: string): Promise<void> {
  const client = await connect();
  await client.query(statement);
  await client.end();
}

/** As long as somebody else has its row, its rebuild cannot end. */
async function holdRow(id: string): Promise<{ readonly release: () => Promise<void> }> {
  const client = await connect();
  await client.query('begin');
  await client.query('select from audience where audience_id = $1 for no key update', [id]);
  return { release: () => client.end() };
}

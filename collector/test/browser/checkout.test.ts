import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium';
import { makeDataFolder, startCollector, type StartedCollector } from '../support/collector';

/** Named to keep pictures of what people see, e.g. THROUGHLINE_TEST_SCREENSHOTS=shots */
const SHOTS = process.env['THROUGHLINE_TEST_SCREENSHOTS'];

describe('the checkout simulation of the demo shop', () => {
  const data = makeDataFolder();
  let collector: StartedCollector;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    collector = await startCollector({ env: { THROUGHLINE_DATA_DIR: data.path } });
    browser = await launchChromium();
    page = await browser.newPage();
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(`${collector.url}/demo/`);
    await page.getByRole('link', { name: 'Simulation' }).click();
  });
  afterAll(async () => {
    await browser?.close();
    await collector?.stop();
    data.remove();
  });

  async function picture(target: Page, name: string): Promise<void> {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    for (const colorScheme of ['light', 'dark'] as const) {
      await target.emulateMedia({ colorScheme });
      for (const width of [1280, 375]) {
        await target.setViewportSize({ width, height: 900 });
        await target.screenshot({ path: join(SHOTS, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      }
    }
    await target.setViewportSize({ width: 1280, height: 900 });
  }

  async function run(): Promise<Record<string, unknown>> {
    await page.getByRole('button', { name: 'Run checkout simulation' }).click();
    await page.locator('.steps [data-case], .steps [role=alert]').waitFor();
    const names = await page.locator('.steps h2').allTextContents();
    const answers = await page.locator('.steps pre').allTextContents();
    return Object.fromEntries(names.map((name, index) => [name, JSON.parse(answers[index]!)]));
  }

  it.each([
    { preset: 'VIP, large cart', experience: 'premium', vip: true, highValueSession: true },
    { preset: 'VIP, small cart', experience: 'loyalty', vip: true, highValueSession: false },
    { preset: 'New, large cart', experience: 'acquisition', vip: false, highValueSession: true },
    { preset: 'New, small cart', experience: 'control', vip: false, highValueSession: false },
  ])('of “$preset” ends in $experience', async ({ preset, experience, vip, highValueSession }) => {
    await page.getByRole('button', { name: preset }).click();
    const { Identify, Track, Evaluate, Decision } = await run();
    expect(Identify).toMatchObject({ status: 'accepted' });
    const ordered = { said: ['Order Completed', { revenue: 250 }], status: 'accepted' };
    const started = { said: ['Checkout Started', { category: 'Carry' }], status: 'accepted' };
    expect(Track).toMatchObject(vip ? [ordered, started] : [started]);
    expect(Evaluate).toMatchObject({ vip, highValueSession });
    expect(Decision).toMatchObject({ decision: 'demo-checkout', version: 1, case: { key: experience } });
    expect(await page.locator('.experience').textContent()).toBe(`${experience} checkout`);
  });

  it('takes an email alone, and counts what the category says', async () => {
    await page.getByLabel('Email').fill('only@example.com');
    await page.getByLabel('User ID').fill('');
    await page.getByLabel('Amount').fill('120');
    await page.getByLabel('Category').selectOption('Home');
    await page.getByLabel('They ordered').uncheck();
    expect((await run())['Decision']).toMatchObject({ case: { key: 'acquisition' } });
    const response = await fetch(`${collector.url}/v1/profiles/email:only@example.com`, {
      headers: { authorization: `Bearer ${collector.secretKey}` },
    });
    expect(await response.json()).toMatchObject({ email: 'only@example.com', userId: null });
  });

  it('asks who it is where neither is said', async () => {
    await page.getByLabel('Email').fill('');
    await page.getByRole('button', { name: 'Run checkout simulation' }).click();
    const isValid = await page
      .getByLabel('User ID')
      .evaluate((input: HTMLInputElement) => input.validity.valid);
    expect(isValid).toBe(false);
  });

  it('goes by what the console shows, tries and lets answer again', async () => {
    const analyst = await browser.newPage();
    analyst.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    analyst.on('pageerror', (error) => problems.push(error.message));
    await analyst.goto(collector.consoleLink);
    await analyst.getByRole('link', { name: 'Decisions' }).click();
    await analyst.getByRole('link', { name: 'Checkout (demo)' }).click();
    await analyst.getByText('If the profile is in the audience “demo-vip” and').first().waitFor();
    await analyst.getByText('Otherwise.').waitFor();
    await analyst.getByLabel('User ID', { exact: true }).fill('demo-vip');
    await analyst.getByLabel('Context, as JSON').fill('{"cart": {"amount": 180}}');
    await analyst.getByRole('button', { name: 'Decide' }).click();
    const answer = analyst.getByRole('status').filter({ hasText: 'Version 1' });
    await answer.getByText('premium: the profile is in the audience “demo-vip”').waitFor();
    await answer.getByRole('link', { name: 'The profile' }).waitFor();
    await picture(analyst, 'console-decision');

    const second = await fetch(`${collector.url}/v1/decisions/demo-checkout`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${collector.secretKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ public: true, cases: [{ key: 'closed', then: { experience: 'closed' } }] }),
    });
    expect(second.status).toBe(200);
    await analyst.reload();
    await analyst.getByRole('row', { name: /^2 .* answers now/ }).waitFor();
    await analyst.getByRole('button', { name: 'Let it answer' }).click();
    await analyst.getByRole('row', { name: /^1 .* answers now/ }).waitFor();
    await analyst.getByText('Otherwise.').waitFor();
    await analyst.getByRole('link', { name: 'Decisions' }).last().click();
    await analyst.getByText('premium, loyalty, acquisition, control').waitFor();
    await analyst.close();
  });

  it('looks like something at every size, and breaks no policy', async () => {
    await page.getByRole('button', { name: 'VIP, large cart' }).click();
    await run();
    await picture(page, 'checkout');
    await page.setViewportSize({ width: 375, height: 800 });
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBe(0);
    expect(problems).toEqual([]);
  });
});

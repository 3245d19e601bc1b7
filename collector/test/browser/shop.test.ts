import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openChromium } from '../support/shared-chromium';
import { makeDataFolder, startCollector, type StartedCollector } from '../support/collector';

/** Named to keep pictures of what people see, e.g. THROUGHLINE_TEST_SCREENSHOTS=shots */
const SHOTS = process.env['THROUGHLINE_TEST_SCREENSHOTS'];

interface Wire {
  readonly messageId: string;
  readonly type: string;
  readonly event?: string;
  readonly anonymousId?: string;
}

interface TimelineEvent {
  readonly messageId: string;
  readonly type: string;
  readonly event: string | null;
  readonly via: { readonly kind: string; readonly value: string };
  readonly properties: Record<string, unknown> | null;
}

describe('somebody shops, loses the network, signs in and orders', () => {
  const data = makeDataFolder();
  let collector: StartedCollector;
  let browser: Browser;
  let shopper: BrowserContext;
  let page: Page;
  const sent: Wire[] = [];

  async function read<T>(path: string): Promise<T> {
    const response = await fetch(collector.url + path, {
      headers: { authorization: `Bearer ${collector.secretKey}` },
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (path.includes('/export') ? response.text() : response.json()) as Promise<T>;
  }

  /** Asks again until the answer is as wanted: an event is there when it has travelled. */
  async function readUntil<T>(path: string, isThere: (answer: T) => boolean): Promise<T> {
    for (;;) {
      const answer = await read<T>(path).catch((error: Error) => {
        if (!error.message.includes(' 404')) throw error;
        return undefined;
      });
      if (answer !== undefined && isThere(answer)) return answer;
      await page.waitForTimeout(50);
    }
  }

  const timelineOf = (reference: string) => `/v1/profiles/${encodeURIComponent(reference)}/timeline`;
  const has = (name: string) => (answer: { data: readonly TimelineEvent[] }) =>
    answer.data.some(({ event }) => event === name);

  async function picture(target: Page, name: string): Promise<void> {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    for (const scheme of ['light', 'dark'] as const) {
      await target.emulateMedia({ colorScheme: scheme });
      for (const width of [1280, 375]) {
        await target.setViewportSize({ width, height: 800 });
        await target.screenshot({ path: join(SHOTS, `${name}-${width}-${scheme}.png`) });
      }
    }
    await target.setViewportSize({ width: 1280, height: 800 });
  }

  beforeAll(async () => {
    collector = await startCollector({ env: { THROUGHLINE_DATA_DIR: data.path } });
    browser = await openChromium();
    shopper = await browser.newContext();
    page = await shopper.newPage();
    // Requests with their answers: what was refused by an offline network never arrived.
    page.on('requestfinished', (request) => {
      if (!request.url().includes('/v1/batch')) return;
      sent.push(...(JSON.parse(request.postData() ?? '{"batch":[]}') as { batch: Wire[] }).batch);
    });
  });
  afterAll(async () => {
    await browser?.close();
    await collector?.stop();
    data.remove();
  });

  it('arrives as one profile with everything once, and exact to the cent', async () => {
    const passerBy = await browser.newContext();
    const passing = await passerBy.newPage();
    await passing.goto(`${collector.url}/demo/`);
    const passersId = (await passerBy.cookies()).find(({ name }) => name === 'throughline_id')!.value;
    await readUntil<{ data: TimelineEvent[] }>(
      timelineOf(`anonymous:${passersId}`),
      ({ data: events }) => events.length > 0,
    );

    await page.goto(`${collector.url}/demo/?utm_source=newsletter&utm_campaign=autumn`);
    await picture(page, 'shop');
    await page.getByRole('link', { name: 'Canvas Day Pack' }).first().click();
    await page.getByRole('button', { name: 'Add to cart' }).click();
    const anonymousId = (await shopper.cookies()).find(({ name }) => name === 'throughline_id')!.value;
    await readUntil(timelineOf(`anonymous:${anonymousId}`), has('Product Added'));

    await shopper.setOffline(true);
    await page.getByRole('link', { name: 'All products' }).click();
    await page.getByRole('link', { name: 'Brass Desk Lamp' }).first().click();
    await page.getByRole('button', { name: 'Add to cart' }).click();
    await page.getByRole('link', { name: 'Cart' }).click();
    await page.getByRole('link', { name: 'Sign in' }).first().click();
    await page.getByLabel('Email').fill('Kim@Example.com');
    await page.getByLabel('Name').fill('Kim');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await shopper.setOffline(false);
    await page.getByRole('button', { name: 'Place order' }).click();
    await page.getByRole('heading', { name: /Order .* placed/ }).waitFor();

    const timeline = await readUntil<{ data: TimelineEvent[]; nextCursor: string | null }>(
      timelineOf('email:kim@example.com'),
      (answer) => has('Order Completed')(answer) && sent.length === answer.data.length,
    );
    const stored = timeline.data.map(({ messageId }) => messageId);
    expect(new Set(stored).size).toBe(stored.length);
    expect([...stored].sort()).toEqual(sent.map(({ messageId }) => messageId).sort());
    const names = timeline.data.map(({ type, event }) => (type === 'track' ? event : type)).reverse();
    expect(names.filter((name) => name !== 'page')).toEqual([
      'Product Viewed',
      'Product Added',
      'Product Viewed',
      'Product Added',
      'identify',
      'Order Completed',
    ]);
    expect(names.filter((name) => name === 'page').length).toBeGreaterThanOrEqual(6);
    expect(timeline.data.some(({ via }) => via.kind === 'anonymous' && via.value === anonymousId)).toBe(true);

    const profile = await read<Record<string, unknown>>('/v1/profiles/email:kim@example.com');
    expect(profile).toMatchObject({
      email: 'kim@example.com',
      anonymousId,
      traits: { name: 'Kim' },
      orders: 1,
      revenue: { USD: '129.45' },
      events: stored.length,
    });
    const ordered = timeline.data.find(({ event }) => event === 'Order Completed')!;
    expect(ordered.properties).toMatchObject({
      order_id: expect.any(String),
      revenue: 129.45,
      currency: 'USD',
      products: [
        { product_id: 'day-pack', price: 49.95 },
        { product_id: 'desk-lamp', price: 79.5 },
      ],
    });
  });

  it('is in the audience of who spent 100 in 30 days, and in its file; a passer-by is not', async () => {
    const response = await fetch(`${collector.url}/v1/audiences`, {
      method: 'POST',
      headers: { authorization: `Bearer ${collector.secretKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        name: 'Spent 100 in 30 days',
        rule: { event: 'Order Completed', agg: 'sum', of: 'revenue', within: '30d', gte: 100 },
      }),
    });
    const audience = (await response.json()) as { id: string; size: number };
    expect(audience.size).toBe(1);
    const profile = await read<{ id: string; userId: string; audiences: unknown[] }>(
      '/v1/profiles/email:kim@example.com',
    );
    expect(profile.audiences).toMatchObject([{ id: audience.id, key: 'spent-100-in-30-days' }]);
    const members = await read<{ data: { profileId: string }[] }>(`/v1/audiences/${audience.id}/members`);
    expect(members.data.map(({ profileId }) => profileId)).toEqual([profile.id]);
    const [header, ...rows] = (await read<string>(`/v1/audiences/${audience.id}/export?format=csv`))
      .trim()
      .split('\r\n');
    expect(header).toBe(
      'profileId,userId,email,anonymousId,firstSeenAt,lastSeenAt,events,orders,revenue,enteredAt',
    );
    expect(rows).toHaveLength(1);
    const cells = rows[0]!.split(',');
    expect([cells[0], cells[2], cells[7], cells[8]]).toEqual([profile.id, 'kim@example.com', '1', '129.45']);
    const everybody = await read<{ data: { id: string }[] }>('/v1/profiles');
    expect(everybody.data.length).toBe(2);
  });

  it('is what the console shows', async () => {
    const analyst = await browser.newContext();
    const console_ = await analyst.newPage();
    const problems: string[] = [];
    console_.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    console_.on('pageerror', (error) => problems.push(error.message));
    await console_.goto(collector.consoleLink);

    await console_.getByRole('link', { name: 'Profiles' }).click();
    await console_.getByRole('link', { name: 'kim@example.com' }).first().waitFor();
    await picture(console_, 'console-profiles');
    await console_.getByRole('link', { name: 'kim@example.com' }).first().click();
    await console_.getByRole('listitem').filter({ hasText: 'Order Completed' }).first().waitFor();
    await console_.getByText('129.45').first().waitFor();
    await picture(console_, 'console-profile');

    await console_.getByRole('link', { name: 'Audiences' }).click();
    await console_.getByRole('link', { name: 'Spent 100 in 30 days' }).click();
    await console_.getByRole('rowheader').getByRole('link', { name: 'kim@example.com' }).waitFor();
    await picture(console_, 'console-audience');
    const [download] = await Promise.all([
      console_.waitForEvent('download'),
      console_.getByRole('link', { name: /CSV/ }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^[a-z0-9-]+\.csv$/);

    await console_.getByRole('link', { name: 'Live', exact: true }).click();
    await page.goto(`${collector.url}/demo/product/enamel-mug`);
    await console_.getByRole('listitem').filter({ hasText: 'Product Viewed' }).first().waitFor();
    await picture(console_, 'console-live');
    expect(problems).toEqual([]);
    expect(await console_.content()).not.toContain(collector.secretKey);
  });
});

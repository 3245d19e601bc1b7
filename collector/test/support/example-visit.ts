/** Goes through one of the example shops as somebody would, and says what is stored of it. */
import type { Browser } from 'playwright-core';
import { expect, vi } from 'vitest';
import type { StartedCollector } from './collector';

const PATIENCE = { timeout: 60_000, interval: 50 };

interface TimelineEvent {
  readonly type: string;
  readonly event: string | null;
  readonly anonymousId: string | null;
}

export async function readAs<T>({ url, secretKey }: StartedCollector, path: string): Promise<T> {
  const response = await fetch(url + path, { headers: { authorization: `Bearer ${secretKey}` } });
  expect(response.status).toBe(200);
  return response.json() as Promise<T>;
}

/** What is stored of a browser, oldest first. */
export async function storedOf(collector: StartedCollector, anonymousId: string): Promise<string[]> {
  const path = `/v1/profiles/anonymous:${anonymousId}/timeline?order=oldest`;
  const { data } = await readAs<{ data: TimelineEvent[] }>(collector, path);
  const own = data.filter((event) => event.anonymousId === anonymousId);
  return own.map(({ type, event }) => [type, event].filter(Boolean).join(' '));
}

export interface ExampleVisit {
  readonly collector: StartedCollector;
  readonly browser: Browser;
  readonly url: string;
  /** Whether the product has a page of its own. */
  readonly hasPages: boolean;
  /** What is recorded until the visitor signs out. */
  readonly expected: readonly string[];
}

/** Looks at a mug, adds it to the cart, signs in, out, and leaves: all of it is stored once, as theirs. */
export async function visitExample({ collector, browser, url, hasPages, expected }: ExampleVisit) {
  const visitor = await browser.newContext();
  const page = await visitor.newPage();
  const problems: string[] = [];
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  const readId = async () =>
    (await visitor.cookies()).find(({ name }) => name === 'throughline_id')?.value ?? '';

  await page.goto(url);
  if (hasPages) await page.getByRole('link', { name: 'A mug' }).click();
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  await vi.waitFor(async () => expect(await readId()).not.toBe(''), PATIENCE);
  const anonymousId = await readId();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await vi.waitFor(async () => expect(await readId()).not.toBe(anonymousId), PATIENCE);
  // Whoever leaves sends what is left.
  await page.goto('about:blank');

  await vi.waitFor(async () => expect(await storedOf(collector, anonymousId)).toEqual(expected), PATIENCE);
  expect(await readAs(collector, `/v1/profiles/anonymous:${anonymousId}`)).toMatchObject({
    userId: 'ada',
    email: 'ada@example.com',
  });
  expect(problems).toEqual([]);
  await visitor.close();
}

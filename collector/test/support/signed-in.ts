import type { Browser, BrowserContext } from 'playwright-core';
import type { StartedCollector } from './collector';

/** What a context of somebody who is in the console starts with. */
export type SignedIn = Awaited<ReturnType<BrowserContext['storageState']>>;

/** By the link that the start has printed, which works once. */
export async function signIn(browser: Browser, collector: StartedCollector): Promise<SignedIn> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(collector.consoleLink);
  await page.getByRole('heading', { name: 'Live' }).waitFor();
  const signedIn = await context.storageState();
  await context.close();
  return signedIn;
}

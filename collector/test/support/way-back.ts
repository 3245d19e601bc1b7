/** From `/next` back to the page before it, which the browser has kept or loads anew. */
import type { Page } from 'playwright-core';

/** A browser keeps no page that is left while a write to IndexedDB is under way. */
export async function isKeptOnTheWayBack(page: Page): Promise<boolean> {
  // No page is loaded on the way back, so there is nothing that goBack() could wait for.
  await page.evaluate('void setTimeout(() => history.back())');
  const how = await page.waitForFunction(() => {
    if (location.pathname === '/next' || document.readyState !== 'complete') return undefined;
    return 'marker' in window ? 'kept' : 'anew';
  });
  return (await how.jsonValue()) === 'kept';
}

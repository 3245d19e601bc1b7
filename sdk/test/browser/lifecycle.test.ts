/** What browsers do to a page that is left. */
import { afterEach, expect, test, vi } from 'vitest';
import { createLocalStore } from '../../src/browser/local-storage';
import { createWebLocks } from '../../src/browser/locks';
import { open } from '../open-tracker';
import { createLockManager, createTestClock, openPage } from '../support';

afterEach(() => {
  vi.unstubAllGlobals();
});

test('what is tracked is sent though the browser ends the first listener of a page that is closed', async () => {
  const listen = globalThis.addEventListener;
  let ended = 0;
  vi.stubGlobal('addEventListener', (...[type, listener, options]: Parameters<typeof listen>) => {
    const isEnded = type === 'pagehide' && (ended += 1) === 1;
    listen(type, isEnded ? () => undefined : listener, options);
  });
  const { tracker, events } = open();
  tracker.track('Left');
  dispatchEvent(new Event('pagehide'));
  expect(ended).toBeGreaterThan(0);
  expect(events.map(({ event }) => event)).toEqual(['Left']);
});

test('a page holds a lock while it owes something, and none when it is left or has sent all', async () => {
  const manager = createLockManager();
  const clock = createTestClock();
  const local = createLocalStore(() => localStorage);
  const page = openPage({ clock, locks: createWebLocks(manager, { tab: 'here', prefix: '', local, clock }) });
  const held = async () => (await manager.query()).held!.map(({ name }) => name);
  expect(await held()).toEqual([]);
  page.record();
  expect(await held()).toEqual(['live.here']);
  page.die();
  await vi.waitFor(async () => expect(await held()).toEqual([]));
  page.comeBack();
  expect(await held()).toContain('live.here');
  await page.sender.flush();
  await vi.waitFor(async () => expect(await held()).toEqual([]));
});

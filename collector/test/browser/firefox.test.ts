/** What delivery rests on, in a Firefox where the machine has one: the pages do it by themselves. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type DeliveryServer, type Lane, openDeliveryServer, TAKE } from '../support/delivery/server';
import { openSite, type Site } from '../support/delivery/stage';
import { ourselves } from '../support/delivery/subject';
import { findFirefox, openFirefox } from '../support/firefox';

const SCRIPT = join(import.meta.dirname, '../../../sdk/dist/sdk.js');
const PATIENCE = { timeout: 100_000, interval: 50 };
const firefox = findFirefox();
if (firefox === undefined) {
  process.stdout.write(
    'Not run in Firefox: there is none in the PATH, and THROUGHLINE_FIREFOX names none.\n',
  );
}

/** Browsers leave out, going back, what was left before it was loaded. */
const BACK = `addEventListener('load', () => setTimeout(() => history.back()))`;

/** Tabs of one visitor each: what their page does; `next` is the address of another one. */
const TABS = {
  stays: 'count(0, 10)',
  leaves: 'count(0, 30, 300); location.href = next',
  reloads: `count(0, 5); if (!sessionStorage.again) { sessionStorage.again = 'yes'; location.reload(); }`,
  /** Until it comes back as it was left, which the second event says. */
  returns: `
    addEventListener('pageshow', ({ persisted }) => persisted && count(1, 2));
    if (!sessionStorage.counted) count(0, 1);
    sessionStorage.counted = 'yes';
    addEventListener('load', () => throughline.flush().then(() => setTimeout(() => (location.href = next))))`,
} as const;

/** One visitor's, each of which is closed as soon as it has tracked its events. */
const CLOSING_TABS = 7;
const EVENTS_A_TAB = 10;

describe.skipIf(firefox === undefined)('in Firefox', () => {
  const lanes = new Map<string, Lane>();
  let server: DeliveryServer;
  let site: Site;
  let folder: string;
  let script: string;
  let close: () => Promise<void>;

  /** The address of a page with the SDK in it, on a lane of its own, that runs this. */
  function openPages(name: string) {
    const lane = server.openLane(name);
    lanes.set(name, lane);
    const pages = site.openPages(name, ourselves(script, 'pk_test', `data-namespace="${name}"`), lane.url);
    return { lane, at: (path: string, run: string) => `${pages}${path}?${new URLSearchParams({ run })}` };
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'throughline-firefox-'));
    script = await readFile(SCRIPT, 'utf8');
    [server, site] = await Promise.all([openDeliveryServer(), openSite()]);
    const urls = Object.entries(TABS).map(([name, run]) => {
      const { at } = openPages(name);
      const next = at('/next', name === 'returns' ? BACK : '');
      return at('/', `const next = ${JSON.stringify(next)}; ${run}`);
    });
    close = await openFirefox(firefox!, join(folder, 'tabs'), urls);
  });
  afterAll(async () => {
    await close?.();
    await site?.close();
    await server?.close();
    if (folder) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const taken = (name: string) => [...lanes.get(name)!.taken()].sort(([a], [b]) => a - b);
  const once = (count: number) => Array.from({ length: count }, (_, number) => [number, 1] as const);

  test('what is tracked arrives, once', async () => {
    await vi.waitFor(() => expect(taken('stays')).toEqual(once(10)), PATIENCE);
  });

  test('what is tracked as the page is left arrives, at once or from the next one', async () => {
    await vi.waitFor(() => expect(taken('leaves').map(([number]) => number)).toHaveLength(30), PATIENCE);
  });

  test('what is tracked as the page is loaded again arrives', async () => {
    await vi.waitFor(() => expect(lanes.get('reloads')!.ids().size).toBe(10), PATIENCE);
  });

  test('what is gone back to is as it was left once its events are sent, and tracks on', async () => {
    await vi.waitFor(() => expect(taken('returns')).toEqual(once(2)), PATIENCE);
  });

  // In the middle of a line Firefox may end the script of a page whose process ends with it: now is not always.
  test.each([
    ['taken', 1, TAKE],
    ['taken', 2, TAKE],
    ['lost', 1, { kind: 'cut' }],
    ['lost', 2, { kind: 'cut' }],
  ] as const)(
    'what is tracked in tabs that are closed with their processes arrives, now or at a later visit: %s, time %i',
    async (fate, time, mode) => {
      const name = `${fate}${time}`;
      const { lane, at } = openPages(name);
      lane.mode = mode;
      const closing = Array.from({ length: CLOSING_TABS }, (_, tab) =>
        at(`/${tab}`, `count(${tab * EVENTS_A_TAB}, ${(tab + 1) * EVENTS_A_TAB}); close()`),
      );
      const visits = at('/', `throughline.flush().then(() => setTimeout(() => location.reload(), 1000))`);
      const end = await openFirefox(firefox!, join(folder, name), [...closing, visits]);
      await vi.waitFor(() => expect(lane.requests.length).toBeGreaterThan(2), PATIENCE);
      lane.mode = TAKE;
      const all = CLOSING_TABS * EVENTS_A_TAB;
      await vi.waitFor(
        () => expect(taken(name).map(([number]) => number)).toEqual([...Array(all).keys()]),
        PATIENCE,
      );
      expect(lane.ids().size).toBe(all);
      await end();
    },
    300_000,
  );

  test('what a killed browser had stored arrives at the next visit, from one of two tabs, once', async () => {
    const { lane, at } = openPages('killed');
    lane.mode = { kind: 'cut' };
    const profile = join(folder, 'killed');
    const kill = await openFirefox(firefox!, profile, [at('/', 'count(0, 20)')]);
    // What is on the wire has been stored before.
    await vi.waitFor(() => expect(lane.requests.length).toBeGreaterThan(0), PATIENCE);
    await kill();
    lane.mode = TAKE;
    const closeAgain = await openFirefox(firefox!, profile, [at('/one', ''), at('/two', '')]);
    await vi.waitFor(() => expect(taken('killed')).toEqual(once(20)), PATIENCE);
    await closeAgain();
    expect(taken('killed')).toEqual(once(20));
  }, 300_000);
});

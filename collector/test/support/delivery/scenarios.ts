/** What browsers, networks and people do to events. Each is run with a server and a browser profile of its own. */
import type { Page } from 'playwright-core';
import { isKeptOnTheWayBack } from '../way-back';
import type { Mode } from './server';
import { TAKE } from './server';
import type { Stage } from './stage';

export interface Scenario {
  readonly name: string;
  /** Where everything has to arrive without another visit. */
  readonly isAtOnce?: true;
  /** Where a page dies after its events were taken and before it could know. */
  readonly mayCopy?: true;
  /** Needs a browser that keeps its data in a folder, and can be killed. */
  readonly needsProfile?: true;
  /** Runs in every page before anything else. */
  readonly sabotage?: string;
  readonly play: (stage: Stage, profile: Profile) => Promise<void>;
}

/** A browser that is the scenario's own. */
export interface Profile {
  /** Ends its processes without a word. */
  readonly kill: () => Promise<void>;
  /** Starts it again on the same folder. */
  readonly restart: () => Promise<void>;
}

const SLOW: Mode = { kind: 'take', latencyMs: 200 };
const DOWN: Mode = { kind: 'cut' };
const no = (status: number, headers: Readonly<Record<string, string>> = {}): Mode => ({
  kind: 'answer',
  status,
  headers,
  body: '{"error":{"code":"no","message":"no"}}',
});
const html = (status: number): Mode => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'text/html' },
  body: '<p>Sign in to this network',
});

const YEARS_MS = 10 * 365 * 86_400_000;
/** Moves the date of a page, as a visitor or a time server does; timers go on as they were. */
const MOVABLE_DATE = `{
  const Real = Date;
  let shift = Number(new URLSearchParams(location.search).get('shift') ?? 0);
  window.moveDate = (ms) => { shift += ms; };
  window.Date = class extends Real {
    constructor(...given) { super(...(given.length ? given : [Real.now() + shift])); }
    static now() { return Real.now() + shift; }
  };
}`;

const BLOCKED = `{ get() { throw new DOMException('no', 'SecurityError'); } }`;
const NO_LOCAL_STORAGE = `Object.defineProperty(window, 'localStorage', ${BLOCKED});`;
const NO_DATABASE = `IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); };`;

async function leaveOffline(stage: Stage, events: number): Promise<void> {
  const page = await stage.open();
  await stage.context().setOffline(true);
  await stage.track(page, events);
  await page.close();
  await stage.context().setOffline(false);
}

function sameTick(bytes: number, mode: Mode): Scenario {
  const latency = mode === SLOW ? '200 ms' : 'no';
  return {
    name: `30 events of ${bytes} B, then navigation in the same tick, ${latency} latency`,
    mayCopy: true,
    play: async (stage) => {
      stage.lane.mode = mode;
      const page = await stage.open();
      await stage.track(page, 30, { bytes, then: `location.href = '${stage.site}/next'` });
      await page.waitForURL('**/next');
    },
  };
}

/** Fails in this way at first, and then no more, while the page stays. */
function failsAtFirst(name: string, mode: Mode, more: Partial<Scenario> = {}): Scenario {
  return {
    name,
    isAtOnce: true,
    ...more,
    play: async (stage) => {
      stage.lane.mode = mode;
      const page = await stage.open();
      await stage.track(page, 10);
      await stage.flush(page);
      await stage.requested(1);
      stage.lane.mode = TAKE;
    },
  };
}

/** Storage is broken in this way as long as the page lives. */
function brokenStorage(name: string, sabotage: string): Scenario {
  return {
    name,
    isAtOnce: true,
    sabotage,
    play: async (stage) => {
      const page = await stage.open();
      await stage.track(page, 30);
    },
  };
}

/** Longer than any machine takes for what happens inside it; it ends when a page's clock says so. */
const QUIET_SECONDS = 1_200;

function retryAfter(name: string, status: number, isDate: boolean): Scenario {
  return {
    name,
    isAtOnce: true,
    sabotage: MOVABLE_DATE,
    play: async (stage) => {
      const date = new Date(Date.now() + QUIET_SECONDS * 1_000).toUTCString();
      stage.lane.mode = no(status, { 'retry-after': isDate ? date : String(QUIET_SECONDS) });
      const page = await stage.open();
      await stage.track(page, 5);
      await stage.flush(page);
      await stage.requested(1);
      await page.reload();
      const other = await stage.open('/other');
      await stage.track(other, 5);
      await stage.flush(other);
      await other.close();
      await page.close();
      if (stage.lane.requests.length > 1) stage.complain('a request inside the window');
      stage.lane.mode = TAKE;
      await stage.open('/later', { shift: String(QUIET_SECONDS * 1_000) });
    },
  };
}

function clockJump(name: string, shift: number): Scenario {
  return {
    name,
    sabotage: MOVABLE_DATE,
    play: async (stage) => {
      stage.lane.mode = DOWN;
      const page = await stage.open();
      await stage.track(page, 5);
      await stage.flush(page);
      await stage.track(page, 5, { then: `moveDate(${shift})` });
      await stage.flush(page);
      await stage.track(page, 5);
      stage.lane.mode = TAKE;
    },
  };
}

async function openTabs(stage: Stage, count: number): Promise<readonly Page[]> {
  return Promise.all(Array.from({ length: count }, (_, tab) => stage.open(`/tab${tab}`)));
}

const LEAVING: readonly Scenario[] = [
  sameTick(300, TAKE),
  sameTick(300, SLOW),
  sameTick(5_000, TAKE),
  sameTick(5_000, SLOW),
  {
    name: 'tab closed at once after 10 events, 200 ms latency',
    isAtOnce: true,
    mayCopy: true,
    play: async (stage) => {
      stage.lane.mode = SLOW;
      const page = await stage.open();
      await stage.track(page, 10);
      await page.close();
    },
  },
  {
    name: 'what other listeners record as the page is left',
    isAtOnce: true,
    mayCopy: true,
    play: async (stage) => {
      const page = await stage.open();
      const from = stage.expectMore(2);
      await page.evaluate(`addEventListener('pagehide', () => count(${from}, ${from + 2}))`);
      await page.evaluate(`location.href = '${stage.site}/next'`);
      await page.waitForURL('**/next');
    },
  },
  {
    name: 'the page dies after its events were taken, before the answer',
    isAtOnce: true,
    mayCopy: true,
    play: async (stage) => {
      stage.lane.mode = { kind: 'take in silence' };
      const page = await stage.open();
      await stage.track(page, 10);
      await page.close();
    },
  },
  {
    name: 'renderer crash',
    play: async (stage) => {
      const page = await stage.open();
      await stage.context().setOffline(true);
      await stage.track(page, 10);
      const crashed = page.waitForEvent('crash');
      page.goto('chrome://crash').catch(() => undefined);
      await crashed;
      await page.close();
      await stage.context().setOffline(false);
    },
  },
  {
    name: 'browser killed 200 ms after the last event, collector down',
    needsProfile: true,
    play: async (stage, { kill, restart }) => {
      stage.lane.mode = DOWN;
      const page = await stage.open();
      // The 200 ms are the fault itself; on a busy machine the disk takes longer, and the promise begins with its word.
      await stage.track(page, 10, { then: 'new Promise((resolve) => setTimeout(resolve, 200))' });
      await page.waitForFunction(() => !Object.keys(localStorage).some((key) => key.includes('.event.')));
      await kill();
      stage.lane.mode = TAKE;
      await restart();
    },
  },
];

const NETWORK: readonly Scenario[] = [
  { name: 'offline, tab closed, reopened', play: (stage) => leaveOffline(stage, 10) },
  {
    name: 'offline, then the connection is back',
    isAtOnce: true,
    play: async (stage) => {
      const page = await stage.open();
      await stage.context().setOffline(true);
      await stage.track(page, 10);
      await stage.flush(page);
      await stage.context().setOffline(false);
    },
  },
  failsAtFirst('500', no(500)),
  failsAtFirst('no CORS headers', { kind: 'hide the answer' }),
  failsAtFirst('connection cut', DOWN),
  failsAtFirst('a proxy’s HTML with 200', html(200)),
  failsAtFirst('a proxy’s HTML with 400', html(400)),
  failsAtFirst('a proxy’s HTML with 403', html(403)),
  failsAtFirst('413 to more than 3 events', { kind: 'small', maxEvents: 3 }, { isAtOnce: true }),
  {
    name: 'black hole, tab closed',
    play: async (stage) => {
      stage.lane.mode = { kind: 'black hole' };
      const page = await stage.open();
      await stage.track(page, 10);
      await page.close();
      await stage.requested(1);
      stage.lane.mode = TAKE;
    },
  },
  {
    name: 'ad blocker, then none',
    play: async (stage) => {
      const page = await stage.open();
      // In the browser itself: what intercepts from outside lets through what a page sends as it closes.
      const session = await stage.context().newCDPSession(page);
      await session.send('Network.enable');
      await session.send('Network.setBlockedURLs', { urls: [`${stage.lane.url}/*`] });
      await stage.track(page, 10);
      await stage.flush(page);
      await page.close();
    },
  },
  {
    name: '400 with one poisonous event among 10',
    isAtOnce: true,
    play: async (stage) => {
      stage.lane.mode = { kind: 'choke', poison: -1 };
      const page = await stage.open();
      await stage.track(page, 4, { then: 'count(-1, 0)' });
      await stage.track(page, 5);
      await stage.flush(page);
    },
  },
  {
    name: '401, then a page with a good key',
    play: async (stage) => {
      stage.lane.mode = no(401);
      const page = await stage.open();
      await stage.track(page, 5);
      await stage.flush(page);
      await stage.requested(1);
      await stage.track(page, 5);
      await stage.flush(page);
      if (stage.lane.requests.length > 1) stage.complain('a request with a key that was refused');
      await page.close();
      stage.lane.mode = TAKE;
    },
  },
  retryAfter('429 with Retry-After in seconds, a reload, another tab', 429, false),
  retryAfter('503 with Retry-After as a date, a reload, another tab', 503, true),
];

function tabsOnStoredQueue(name: string, count: number): Scenario {
  return {
    name,
    isAtOnce: true,
    play: async (stage) => {
      await leaveOffline(stage, 50);
      stage.lane.mode = { kind: 'take', latencyMs: 100 };
      const tabs = await openTabs(stage, count);
      await Promise.all(tabs.map((tab) => stage.track(tab, 2)));
      await Promise.all(tabs.map(stage.flush));
    },
  };
}

const TABS: readonly Scenario[] = [
  tabsOnStoredQueue('3 tabs opened on a stored queue', 3),
  tabsOnStoredQueue('10 tabs opened on a stored queue', 10),
  {
    name: 'a tab closes while another one sends',
    isAtOnce: true,
    mayCopy: true,
    play: async (stage) => {
      const [other, closing] = [await stage.open('/other'), await stage.open('/closing')];
      stage.lane.mode = SLOW;
      await stage.track(other, 1, { then: `${stage.subject.flush ?? ''};` });
      await stage.requested(1);
      await stage.track(closing, 10);
      await closing.close();
    },
  },
];

const STORAGE: readonly Scenario[] = [
  brokenStorage('localStorage blocked', NO_LOCAL_STORAGE),
  brokenStorage(
    'localStorage full',
    `for (let size = 1 << 20; size > 0; size >>= 1) {
       try { for (;;) localStorage.setItem(Math.random(), 'x'.repeat(size)); } catch {}
     }`,
  ),
  brokenStorage('IndexedDB blocked', NO_DATABASE),
  brokenStorage('IndexedDB hangs', 'IDBFactory.prototype.open = () => ({});'),
  brokenStorage(
    'IndexedDB hangs after it was opened',
    'IDBObjectStore.prototype.put = () => ({}); IDBObjectStore.prototype.getAllKeys = () => ({});',
  ),
  brokenStorage(
    'IndexedDB fails at each transaction',
    `IDBDatabase.prototype.transaction = () => { throw new DOMException('corrupt', 'UnknownError'); };`,
  ),
  brokenStorage('Web Locks missing', `Object.defineProperty(navigator, 'locks', { value: undefined });`),
  brokenStorage(
    'nothing can be stored',
    `${NO_LOCAL_STORAGE} ${NO_DATABASE} Object.defineProperty(document, 'cookie', ${BLOCKED});`,
  ),
  {
    name: 'storage cleared in mid-session',
    isAtOnce: true,
    play: async (stage) => {
      stage.lane.mode = DOWN;
      const page = await stage.open();
      await stage.track(page, 10);
      await stage.flush(page);
      const session = await stage.context().newCDPSession(page);
      const [origin, storageTypes] = [new URL(stage.site).origin, 'all'];
      await session.send('Storage.clearDataForOrigin', { origin, storageTypes });
      stage.lane.mode = TAKE;
    },
  },
];

const TIME: readonly Scenario[] = [
  clockJump('the clock jumps 10 years ahead', YEARS_MS),
  clockJump('the clock jumps 10 years back', -YEARS_MS),
  {
    name: '20 days offline',
    sabotage: MOVABLE_DATE,
    play: async (stage) => {
      await leaveOffline(stage, 10);
      await stage.open('/later', { shift: String(20 * 86_400_000) });
    },
  },
  {
    name: 'into the back/forward cache and back, inside a Retry-After',
    isAtOnce: true,
    play: async (stage) => {
      stage.lane.mode = no(503, { 'retry-after': '5' });
      const page = await stage.open();
      await stage.track(page, 5, { then: 'window.marker = true' });
      await stage.flush(page);
      await page.goto(`${stage.site}/next`);
      await stage.track(page, 5);
      while (!(await isKeptOnTheWayBack(page))) {
        await page.evaluate('void (window.marker = true)');
        await stage.flush(page);
        await page.goto(`${stage.site}/next`);
      }
      await stage.track(page, 5);
      stage.lane.mode = TAKE;
    },
  },
];

export const SCENARIOS: readonly Scenario[] = [...LEAVING, ...NETWORK, ...TABS, ...STORAGE, ...TIME];

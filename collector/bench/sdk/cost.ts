/** What a library costs the page that has it: its main thread, its storage, its network, its load. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { FOLDERS } from '../../src/folders';
import { launchChromium } from '../../test/support/chromium';
import { openDeliveryServer } from '../../test/support/delivery/server';
import { openSite } from '../../test/support/delivery/stage';
import { ourselves, type Subject } from '../../test/support/delivery/subject';
import type { CleanUp } from '../clean-up';
import { median } from '../median';
import { fixed, type Table } from '../table';
import { asSubject, PEERS } from './peers';

export interface Cost {
  readonly library: string;
  /** Of 1,000 calls, in milliseconds on the main thread. */
  readonly callP50Ms: number;
  readonly callP99Ms: number;
  /** Tasks beyond 50 ms while 1,000 calls were made, ten a task. */
  readonly longTasks: number;
  /** Calls of localStorage and IndexedDB that write or delete, and of cookies. */
  readonly storageWritesPerEvent: number;
  readonly requestsPer100Events: number;
  /** More time in scripts, and in all tasks, until the page has loaded, than the same page without; median of 7. */
  readonly loadScriptMs: number;
  readonly loadTasksMs: number;
}

const CALLS = 1_000;
const LOADS = 7;
const PATIENCE_MS = 30_000;

const COUNT_WRITES = `{
  window.writes = 0;
  window.longTasks = 0;
  const watch = (owner, name) => {
    const real = owner[name];
    owner[name] = function (...given) { window.writes += 1; return real.apply(this, given); };
  };
  for (const name of ['setItem', 'removeItem']) watch(Storage.prototype, name);
  for (const name of ['put', 'add', 'delete']) watch(IDBObjectStore.prototype, name);
  const cookie = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
  Object.defineProperty(Document.prototype, 'cookie', {
    ...cookie, set(value) { window.writes += 1; cookie.set.call(this, value); },
  });
  new PerformanceObserver((list) => { window.longTasks += list.getEntries().length; })
    .observe({ type: 'longtask' });
}`;

const TIME_CALLS = `(async () => {
  const times = [];
  for (let call = 0; call < ${CALLS}; call += 1) {
    const start = performance.now();
    count(call, call + 1, 200);
    times.push(performance.now() - start);
    if (call % 10 === 9) await new Promise((resolve) => setTimeout(resolve));
  }
  return times.sort((a, b) => a - b);
})()`;

export async function measureCosts(cleanUp: CleanUp): Promise<readonly Cost[]> {
  const browser = await launchChromium();
  cleanUp.add(() => browser.close());
  const ours = ourselves(await readFile(join(FOLDERS.sdk, 'sdk.js'), 'utf8'), 'pk_bench');
  const without: Subject = { name: 'nothing', script: () => '', track: '' };
  const empty = await measureLoads(browser, without);
  const costs: Cost[] = [];
  for (const subject of [ours, ...(await Promise.all(PEERS.map(asSubject)))]) {
    const load = await measureLoads(browser, subject);
    costs.push({
      library: subject.name,
      ...(await measureCalls(browser, subject)),
      loadScriptMs: load.scriptMs - empty.scriptMs,
      loadTasksMs: load.tasksMs - empty.tasksMs,
    });
  }
  await browser.close();
  return costs;
}

async function measureCalls(browser: Browser, subject: Subject) {
  return withPage(browser, subject, async (page, { url, taken, requests }) => {
    await page.addInitScript(COUNT_WRITES);
    await page.goto(`${url}/?isolated`);
    const times = (await page.evaluate(TIME_CALLS)) as number[];
    const end = performance.now() + PATIENCE_MS;
    while (taken() < CALLS && performance.now() < end) await page.waitForTimeout(50);
    const [writes, longTasks] = (await page.evaluate('[writes, longTasks]')) as [number, number];
    return {
      callP50Ms: times[CALLS / 2]!,
      callP99Ms: times[CALLS * 0.99]!,
      longTasks,
      storageWritesPerEvent: writes / CALLS,
      requestsPer100Events: (requests() * 100) / CALLS,
    };
  });
}

/** Until `load` and an idle moment after it. */
async function measureLoads(browser: Browser, subject: Subject) {
  const loads = [];
  for (let load = 0; load < LOADS; load += 1) {
    loads.push(
      await withPage(browser, subject, async (page, { url }) => {
        const session = await page.context().newCDPSession(page);
        await session.send('Performance.enable');
        await page.goto(`${url}/`);
        await page.evaluate('new Promise((resolve) => requestIdleCallback(resolve))');
        const { metrics } = await session.send('Performance.getMetrics');
        const of = (name: string): number =>
          1_000 * (metrics.find((metric) => metric.name === name)?.value ?? 0);
        return { scriptMs: of('ScriptDuration'), tasksMs: of('TaskDuration') };
      }),
    );
  }
  return {
    scriptMs: median(loads.map(({ scriptMs }) => scriptMs)),
    tasksMs: median(loads.map(({ tasksMs }) => tasksMs)),
  };
}

interface Place {
  readonly url: string;
  readonly taken: () => number;
  readonly requests: () => number;
}

/** A visitor's first page, with servers of its own. */
async function withPage<T>(
  browser: Browser,
  subject: Subject,
  use: (page: Page, place: Place) => Promise<T>,
): Promise<T> {
  const [server, site, context] = [await openDeliveryServer(), await openSite(), await browser.newContext()];
  try {
    const lane = server.openLane('cost');
    const url = site.openPages('cost', subject, lane.url);
    const place = { url, taken: () => lane.taken().size, requests: () => lane.requests.length };
    return await use(await context.newPage(), place);
  } finally {
    await context.close();
    await Promise.all([server.close(), site.close()]);
  }
}

export function tabulateCosts(costs: readonly Cost[]): Table {
  return {
    title: 'SDK, cost in the page (Chromium); load is beyond that of the same page without, median of 7',
    columns: [
      '',
      ...['call p50 ms', 'p99 ms', 'long tasks in 1,000 calls', 'storage writes an event'],
      ...['requests for 100 events', 'load: scripts ms', 'all tasks ms'],
    ],
    rows: costs.map((cost) => [
      cost.library,
      fixed(cost.callP50Ms, 3),
      fixed(cost.callP99Ms, 3),
      String(cost.longTasks),
      fixed(cost.storageWritesPerEvent, 2),
      fixed(cost.requestsPer100Events, 1),
      fixed(cost.loadScriptMs, 1),
      fixed(cost.loadTasksMs, 1),
    ]),
  };
}

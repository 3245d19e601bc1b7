/** What must not stand between an event and the collector: each of these lost, held up or doubled events once. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openDatabase } from '../../src/browser/database';
import { createLocalStore } from '../../src/browser/local-storage';
import { createLeaseLocks } from '../../src/browser/locks';
import { accept, createTestClock, openPage, refuse } from '../support';

/** Waits for what IndexedDB does in real time; the clock of the page stands still meanwhile. */
async function reach(condition: () => void | Promise<void>): Promise<void> {
  await vi.waitFor(condition, { timeout: 5_000, interval: 5 });
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** After so long others know of a page that it is gone. */
const LONG_HEARD_MS = 1_001;

function sent(...pages: ReadonlyArray<ReturnType<typeof openPage>>): string[] {
  return pages.flatMap(({ wire }) => wire.flatMap(({ ids }) => ids)).sort();
}

/** Events of a page that is gone, in IndexedDB. */
async function leaveBehind(count: number, clock = createTestClock()) {
  const dead = openPage({ clock, isOnline: () => false });
  const ids = Array.from({ length: count }, () => dead.record());
  await reach(async () => expect(await dead.stored()).toEqual(ids));
  dead.die();
  clock.advance(LONG_HEARD_MS);
  return { storage: dead.storage, clock, ids };
}

describe('a page that is hidden while it reads what another one left', () => {
  /** Reads nothing from IndexedDB until told. */
  function holdReading(): () => void {
    const read = Object.getOwnPropertyDescriptor(IDBObjectStore.prototype, 'get')!
      .value as IDBObjectStore['get'];
    let go = (): void => undefined;
    const told = new Promise<void>((resolve) => (go = resolve));
    vi.spyOn(IDBObjectStore.prototype, 'get').mockImplementation(function (this: IDBObjectStore, key) {
      const { name } = this.transaction.db;
      const store = this.name;
      const request = {} as IDBRequest & { onsuccess: ((event: Event) => void) | null };
      void told.then(() => {
        const opening = indexedDB.open(name);
        opening.onsuccess = () => {
          const found = read.call(opening.result.transaction(store).objectStore(store), key);
          found.onsuccess = () => {
            Object.defineProperty(request, 'result', { value: found.result });
            request.onsuccess?.(new Event('success'));
          };
        };
      });
      return request;
    });
    return go;
  }

  test.each(['on their way', 'there already'])('sends its own once, when they are %s', async (where) => {
    const { storage, clock, ids } = await leaveBehind(1);
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const page = openPage({ storage, clock, reply: (request) => answered.then(() => accept(request)) });
    const go = holdReading();
    const own = page.record();
    const flushed = page.sender.flush();
    await reach(() => expect(IDBObjectStore.prototype.get).toHaveBeenCalled());
    page.sender.sendOwn();
    expect(sent(page)).toEqual([own]);
    if (where === 'there already') {
      answer();
      await reach(() => expect(page.onSent).toHaveBeenCalledWith(own));
    }
    go();
    await reach(() => expect(sent(page)).toContain(ids[0]));
    answer();
    await flushed;
    expect(sent(page)).toEqual([...ids, own].sort());
  });
});

test.each([
  ['has to wait', () => refuse(503, { 'retry-after': '5' })],
  ['is too much at once', () => refuse(413)],
])('what a hidden page has sent goes again without a new call where it %s', async (_, refusal) => {
  let answer = (): void => undefined;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const page = openPage({
    reply: (request, index) => (index > 0 ? accept(request) : answered.then(refusal)),
  });
  const ids = [page.record(), page.record()];
  page.sender.sendOwn();
  // The turn that was due finds all of them on their way.
  page.clock.advance(2_000);
  await page.sender.flush();
  expect(sent(page)).toEqual(ids);
  answer();
  await reach(() => expect(page.onError).toHaveBeenCalledOnce());
  await reach(() => {
    page.clock.advance(6_000);
    expect(sent(page)).toEqual([...ids, ...ids].sort());
  });
  await reach(async () => expect(await page.stored()).toEqual([]));
});

describe('storage that is half broken', () => {
  test('what IndexedDB will not delete is sent once, and deleted as soon as it can be', async () => {
    const { storage, clock, ids } = await leaveBehind(3);
    const page = openPage({ storage, clock });
    const stuck = vi.spyOn(IDBObjectStore.prototype, 'delete').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError');
    });
    await page.sender.flush();
    await page.sender.flush();
    expect(sent(page)).toEqual(ids);
    expect(await page.stored()).toEqual(ids);
    stuck.mockRestore();
    const last = page.record();
    await page.sender.flush();
    expect(sent(page)).toEqual([...ids, last].sort());
    await reach(async () => expect(await page.stored()).toEqual([]));
  });

  test('what cannot be read holds nothing up', async () => {
    const { storage, clock, ids } = await leaveBehind(150);
    const page = openPage({ storage, clock });
    const read = Object.getOwnPropertyDescriptor(IDBObjectStore.prototype, 'get')!
      .value as IDBObjectStore['get'];
    vi.spyOn(IDBObjectStore.prototype, 'get').mockImplementation(function (this: IDBObjectStore, key) {
      if (ids.indexOf((key as string).slice(0, 36)) < 120) throw new DOMException('corrupt', 'DataError');
      return read.call(this, key);
    });
    const last = page.record();
    await page.sender.flush();
    await page.sender.flush();
    expect(sent(page)).toEqual([...ids.slice(120), last].sort());
    expect(await page.stored()).toEqual(ids.slice(0, 120));

    // Nor is it looked for again and again.
    page.clock.advance(2_000);
    await page.sender.flush();
    const looks = vi.spyOn(IDBObjectStore.prototype, 'getAllKeys');
    for (let round = 0; round < 5; round += 1) {
      page.clock.advance(10_000);
      await page.stored();
    }
    expect(looks).toHaveBeenCalledTimes(5);
  });

  test('an entry whose size cannot be true holds nothing up', async () => {
    const page = openPage();
    localStorage.setItem(`${page.storage}.event.00000000-0000-7000-8000-000000000000.gone.400000000`, '{}');
    localStorage.setItem(`${page.storage}.event.00000000-0000-7000-8000-000000000001.gone.1000000`, '{}');
    const id = page.record();
    await page.sender.flush();
    expect(sent(page)).toEqual([id]);
  });

  test('where IndexedDB takes nothing, each event is offered once, not with every later one again', async () => {
    const page = openPage({ isOnline: () => false });
    const put = Object.getOwnPropertyDescriptor(IDBObjectStore.prototype, 'put')!
      .value as IDBObjectStore['put'];
    const offered = vi.spyOn(IDBObjectStore.prototype, 'put');
    offered.mockImplementation(function (this: IDBObjectStore, ...given) {
      queueMicrotask(() => this.transaction.abort());
      return put.apply(this, given);
    });
    for (let count = 1; count <= 30; count += 1) {
      page.record();
      await reach(() => expect(offered.mock.calls.length).toBeGreaterThanOrEqual(count));
      await page.stored();
    }
    expect(offered).toHaveBeenCalledTimes(30);
    expect(page.journalled()).toHaveLength(30);
  });

  test('a page that was busy for long does not take IndexedDB for dead', async () => {
    const due: Array<() => void> = [];
    const clock = { now: () => 0, after: (_: number, fire: () => void) => (due.push(fire), () => undefined) };
    const database = openDatabase('busy', clock);
    const stored = database.put([{ name: 'a', json: '{}' }]);
    // Its timers are due at the end of the long task, before what IndexedDB has answered meanwhile.
    due.splice(0).forEach((fire) => fire());
    expect(await stored).toBe(true);
  });

  test('an IndexedDB that answers in the end is used again', async () => {
    const clock = createTestClock();
    const database = openDatabase('slow', clock);
    const stored = database.put([{ name: 'a', json: '{}' }]);
    clock.advance(3_000);
    expect(await stored).toBeUndefined();
    await reach(async () => expect(await database.names()).toEqual(['a']));
    expect(await database.remove(['a'])).toBe(true);
    expect(await database.names()).toEqual([]);
  });

  test('what waits on a frozen page is sent although all storage was cleared meanwhile', async () => {
    const page = openPage({ isOnline: () => isOnline });
    let isOnline = false;
    const id = page.record();
    await reach(async () => expect(await page.stored()).toEqual([id]));
    page.die();
    localStorage.clear();
    await page.database.remove((await page.database.names()) ?? []);
    isOnline = true;
    page.comeBack();
    await page.sender.flush();
    expect(sent(page)).toEqual([id]);
  });
});

describe('something on the way that does not let one event through', () => {
  test.each([
    ['a firewall that cuts the connection', () => Promise.reject(new TypeError('failed'))],
    ['a firewall’s page', () => new Response('<p>Forbidden', { status: 403 })],
    ['a collector that stumbles over it', () => new Response('', { status: 500 })],
  ])('%s does not hold up the others, and it stays', async (_, block) => {
    let bad = '';
    const page = openPage({ reply: (request) => (request.ids.includes(bad) ? block() : accept(request)) });
    const ids = Array.from({ length: 25 }, () => page.record());
    bad = ids[3]!;
    await reach(async () => {
      page.clock.advance(300_000);
      await page.sender.flush();
      expect(page.queue.count()).toBe(1);
    });
    expect(await page.stored()).toEqual([bad]);
    expect(page.onDrop).not.toHaveBeenCalled();
    bad = '';
    page.clock.advance(300_000);
    await page.sender.flush();
    await reach(async () => expect(await page.stored()).toEqual([]));
  });

  test('a verdict that is broken ends neither the sender nor the event', async () => {
    const broken = { accepted: 0, duplicates: 0, rejected: [null] };
    const page = openPage({
      reply: (request, index) => (index < 2 ? Response.json(broken) : accept(request)),
    });
    const id = page.record();
    await page.sender.flush();
    page.clock.advance(60_000);
    await reach(() => expect(new Set(sent(page))).toEqual(new Set([id])));
    await page.sender.flush();
    await reach(async () => expect(await page.stored()).toEqual([]));
  });
});

describe('turns', () => {
  test('a page that comes back while another one sends for it waits until it sees what is left', async () => {
    const clock = createTestClock();
    let isOnline = false;
    const frozen = openPage({ clock, isOnline: () => isOnline });
    const id = frozen.record();
    await reach(async () => expect(await frozen.stored()).toEqual([id]));
    frozen.die();
    clock.advance(LONG_HEARD_MS);
    isOnline = true;
    let answer = (): void => undefined;
    const reply: Parameters<typeof openPage>[0] = {
      clock,
      storage: frozen.storage,
      reply: (request) => new Promise((resolve) => (answer = () => resolve(accept(request)))),
    };
    const other = openPage(reply);
    void other.sender.flush();
    await reach(() => expect(sent(other)).toEqual([id]));
    frozen.comeBack();
    frozen.sender.sendOwn();
    const flushed = frozen.sender.flush();
    answer();
    await flushed;
    expect(sent(frozen, other)).toEqual([id]);
  });

  test('behind a turn that never ends, a page sends its own events after a minute', async () => {
    const page = openPage({ locks: { exclusive: () => new Promise(() => undefined) } });
    const first = page.record();
    page.clock.advance(2_000);
    await reach(() => {
      page.clock.advance(60_000);
      expect(sent(page)).toEqual([first]);
    });
    const second = page.record();
    page.clock.advance(60_000);
    await reach(() => expect(sent(page)).toEqual([first, second].sort()));
  });

  test('where it cannot be told who lives, a page sends its own events and leaves those of others', async () => {
    const { storage, clock } = await leaveBehind(2);
    const findLive = (): Promise<never> => Promise.reject(new DOMException('no', 'InvalidStateError'));
    const page = openPage({ storage, clock, locks: { findLive } });
    const id = page.record();
    await page.sender.flush();
    expect(sent(page)).toEqual([id]);
  });

  test('without Web Locks, a long turn stays one page’s', async () => {
    const clock = createTestClock();
    const local = createLocalStore(() => localStorage);
    const open = (tab: string) => createLeaseLocks({ tab, prefix: 'lease.', local, clock });
    let end = (): void => undefined;
    const long = open('a').exclusive(() => new Promise((resolve) => (end = resolve)));
    const next = vi.fn(() => Promise.resolve());
    const waiting = open('b').exclusive(next);
    for (let second = 0; second < 300; second += 1) {
      clock.advance(1_000);
      await Promise.resolve();
    }
    expect(next).not.toHaveBeenCalled();
    end();
    await long;
    clock.advance(1_000);
    await waiting;
    expect(next).toHaveBeenCalledOnce();
  });
});

test('what others record when the page is hidden, after our own listener, goes at once too', async () => {
  const page = openPage({ reply: () => new Promise(() => undefined) });
  const before = page.record();
  page.sender.sendOwn();
  page.sender.pause();
  const lastWords = [page.record(), page.record()];
  await Promise.resolve();
  expect(page.wire.map(({ ids, keepalive }) => [ids, keepalive])).toEqual([
    [[before], true],
    [lastWords, true],
  ]);
});

test('a page in the background gathers its events as usual', async () => {
  const page = openPage();
  page.sender.sendOwn();
  page.clock.advance(1_000);
  page.record();
  await Promise.resolve();
  expect(page.wire).toEqual([]);
});

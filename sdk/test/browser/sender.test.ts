import { expect, test, vi } from 'vitest';
import { accept, createTestClock, openPage, refuse } from '../support';

/** Waits for what IndexedDB does in real time; the clock of the page stands still meanwhile. */
async function reach(condition: () => void | Promise<void>): Promise<void> {
  await vi.waitFor(condition, { timeout: 5_000, interval: 5 });
}

async function isEmpty(page: ReturnType<typeof openPage>): Promise<void> {
  await reach(async () => expect([...(await page.stored()), ...page.journalled()]).toEqual([]));
}

test('an event is in the journal when the call returns, and in IndexedDB soon after', async () => {
  const page = openPage();
  const id = page.record();
  expect(page.journalled()).toEqual([id]);
  await reach(async () => expect(await page.stored()).toEqual([id]));
  await reach(() => expect(page.journalled()).toEqual([]));
});

test('events wait for company, then go together, and then nothing of them is left', async () => {
  const page = openPage();
  const ids = [page.record(), page.record()];
  page.clock.advance(1_999);
  expect(page.wire).toEqual([]);
  page.clock.advance(1);
  await reach(() => expect(page.wire.map((request) => request.ids)).toEqual([ids]));
  await isEmpty(page);
});

test('20 events go without waiting', async () => {
  const page = openPage();
  const ids = Array.from({ length: 20 }, () => page.record());
  await reach(() => expect(page.wire.flatMap((request) => request.ids)).toEqual(ids));
});

test('a batch has at most 100 events and 500 KB', async () => {
  const page = openPage({ isOnline: () => isOnline });
  let isOnline = false;
  Array.from({ length: 250 }, () => page.record());
  Array.from({ length: 30 }, () => page.record(31_000));
  isOnline = true;
  page.sender.wake();
  await reach(() => expect(page.wire.flatMap((request) => request.ids)).toHaveLength(280));
  expect(page.wire.map((request) => request.ids.length)).toEqual([100, 100, 65, 15]);
});

test('an event beyond 32 KB is dropped, and said to be', () => {
  const page = openPage();
  page.record(33_000);
  expect(page.onDrop).toHaveBeenCalledExactlyOnceWith(1, 'too-large');
  expect(page.journalled()).toEqual([]);
});

test('duplicates leave like accepted events; rejected ones leave and are told of', async () => {
  const rejected = [{ index: 1, messageId: 'm', code: 'no_identity', message: 'nobody' }];
  const page = openPage({ reply: () => Response.json({ accepted: 0, duplicates: 1, rejected }) });
  page.record();
  page.record();
  await page.sender.flush();
  expect(page.onDrop).toHaveBeenCalledExactlyOnceWith(1, 'rejected', 'no_identity: nobody');
  await isEmpty(page);
});

test('one poisonous event is found and dropped, and all others arrive', async () => {
  let poison = '';
  const page = openPage({
    reply: (request) => (request.ids.includes(poison) ? refuse(400) : accept(request)),
  });
  const ids = Array.from({ length: 19 }, () => page.record());
  poison = ids[11]!;
  await page.sender.flush();
  expect(page.onDrop).toHaveBeenCalledExactlyOnceWith(1, 'refused');
  const arrived = page.wire
    .filter((request) => !request.ids.includes(poison))
    .flatMap((request) => request.ids);
  expect(arrived.sort()).toEqual(ids.filter((id) => id !== poison));
  await isEmpty(page);
});

test('413 makes batches smaller until they fit', async () => {
  const page = openPage({ reply: (request) => (request.ids.length > 3 ? refuse(413) : accept(request)) });
  const ids = Array.from({ length: 19 }, () => page.record());
  await page.sender.flush();
  const arrived = page.wire.filter((request) => request.ids.length <= 3).flatMap((request) => request.ids);
  expect(arrived).toEqual(ids);
  expect(page.onDrop).not.toHaveBeenCalled();
});

test('a refused key stops everything and drops nothing', async () => {
  const page = openPage({ reply: () => refuse(401) });
  page.record();
  await page.sender.flush();
  page.record();
  page.clock.advance(3_600_000);
  await page.sender.flush();
  page.sender.sendOwn();
  expect(page.wire).toHaveLength(1);
  expect(await page.stored()).toHaveLength(2);
});

test.each([
  ['500', () => refuse(500)],
  ['a page of a proxy', () => new Response('<p>hello', { headers: { 'content-type': 'text/html' } })],
  ['a broken connection', () => Promise.reject(new TypeError('failed'))],
])('after %s it waits longer each time, and drops nothing', async (_, reply) => {
  const page = openPage({ reply: (request, index) => (index < 4 ? reply() : accept(request)) });
  const id = page.record();
  await page.sender.flush();
  for (const [index, ms] of [500, 1_000, 2_000, 4_000].entries()) {
    expect(page.wire).toHaveLength(index + 1);
    page.clock.advance(ms - 1);
    await page.sender.flush();
    expect(page.wire).toHaveLength(index + 1);
    page.clock.advance(1);
    await reach(() => expect(page.wire).toHaveLength(index + 2));
    await page.sender.flush();
  }
  expect(page.wire.map((request) => request.ids)).toEqual(Array.from({ length: 5 }, () => [id]));
  expect(page.onDrop).not.toHaveBeenCalled();
  await isEmpty(page);
});

test('Retry-After is honoured by every page of the visitor, also by new ones and on leaving', async () => {
  const clock = createTestClock();
  const reply = () => refuse(503, { 'retry-after': '60' });
  const first = openPage({ clock, reply });
  first.record();
  await first.sender.flush();
  first.sender.sendOwn();
  const second = openPage({ clock, storage: first.storage });
  second.record();
  clock.advance(59_999);
  await second.sender.flush();
  second.sender.sendOwn();
  expect([first.wire.length, second.wire.length]).toEqual([1, 0]);
  first.die();
  clock.advance(1_000);
  await reach(() => expect(second.wire.flatMap((request) => request.ids)).toHaveLength(2));
});

test('a date that is set back does not keep events waiting for years', async () => {
  const page = openPage({
    reply: (request, index) => (index === 0 ? refuse(429, { 'retry-after': '60' }) : accept(request)),
  });
  page.record();
  await page.sender.flush();
  page.clock.setDate(page.clock.now() - 10 * 365 * 86_400_000);
  page.clock.advance(61_000);
  await reach(() => expect(page.wire).toHaveLength(2));
});

test('offline nothing is tried, and all goes when the connection is back', async () => {
  let isOnline = false;
  const page = openPage({ isOnline: () => isOnline });
  const id = page.record();
  await page.sender.flush();
  page.sender.sendOwn();
  expect(page.wire).toEqual([]);
  isOnline = true;
  page.sender.wake();
  await reach(() => expect(page.wire.map((request) => request.ids)).toEqual([[id]]));
});

test('a browser that says offline for ever is not believed for ever', async () => {
  const page = openPage({ isOnline: () => false });
  page.record();
  await reach(() => {
    page.clock.advance(60_000);
    expect(page.wire).toHaveLength(1);
  });
});

test('on leaving, a page sends at once what it owes, in a request that outlives it, within the limit', async () => {
  const page = openPage({ reply: () => new Promise(() => undefined) });
  Array.from({ length: 15 }, () => page.record(5_000));
  page.sender.sendOwn();
  expect(page.wire.map(({ ids, keepalive }) => [ids.length, keepalive])).toEqual([[11, true]]);
  page.sender.sendOwn();
  expect(page.wire).toHaveLength(1);
});

test('what a dead page had on its way is left alone until the deadline, and then sent', async () => {
  const clock = createTestClock();
  const dead = openPage({ clock, reply: () => new Promise(() => undefined) });
  const sent = dead.record();
  dead.sender.sendOwn();
  // Longer than its last words are waited for.
  clock.advance(1_000);
  const unsent = dead.record();
  dead.die();
  clock.advance(1_001);
  const next = openPage({ clock, storage: dead.storage });
  await next.sender.flush();
  expect(next.wire.map((request) => request.ids)).toEqual([[unsent]]);
  clock.advance(7_998);
  await next.sender.flush();
  expect(next.wire).toHaveLength(1);
  clock.advance(2_002);
  await reach(() => expect(next.wire.map((request) => request.ids)).toEqual([[unsent], [sent]]));
  await isEmpty(next);
});

test('the events of a page that lives are its own', async () => {
  const clock = createTestClock();
  const first = openPage({ clock });
  const second = openPage({ clock, storage: first.storage });
  const id = first.record();
  await second.sender.flush();
  expect(second.wire).toEqual([]);
  await first.sender.flush();
  expect(first.wire.map((request) => request.ids)).toEqual([[id]]);
});

test('what was recorded a moment ago is left to its page, though nobody knows yet that it lives; later it is taken', async () => {
  const clock = createTestClock();
  const unheard = openPage({ clock, locks: { announce: () => undefined } });
  const id = unheard.record();
  const other = openPage({ clock, storage: unheard.storage });
  clock.advance(1_000);
  await other.sender.flush();
  expect(other.wire).toEqual([]);
  unheard.die();
  // It looks again by itself.
  clock.advance(10_000);
  await reach(() => expect(other.wire.map((request) => request.ids)).toEqual([[id]]));
});

test('a clock that was set back makes nothing that was left too young for ever', async () => {
  const clock = createTestClock();
  const dead = openPage({ clock });
  const id = dead.record();
  dead.die();
  clock.advance(-86_400_000);
  const next = openPage({ clock, storage: dead.storage });
  await next.sender.flush();
  expect(next.wire.map((request) => request.ids)).toEqual([[id]]);
});

test('a page that was frozen forgets what others have sent for it', async () => {
  const clock = createTestClock();
  const frozen = openPage({ clock, isOnline: () => false });
  frozen.record();
  await frozen.sender.flush();
  frozen.die();
  clock.advance(1_001);
  const other = openPage({ clock, storage: frozen.storage });
  await other.sender.flush();
  expect(other.wire).toHaveLength(1);
  frozen.sender.resume();
  await frozen.sender.flush();
  expect(frozen.queue.count()).toBe(0);
});

test.each([0, 1, 2, 5, 20])(
  'without localStorage, what is recorded %i ticks after the start arrives',
  async (ticks) => {
    const blocked = (): never => {
      throw new DOMException('no', 'SecurityError');
    };
    const page = openPage({ area: blocked });
    for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
    const id = page.record();
    await page.sender.flush();
    expect(page.wire.map((request) => request.ids)).toEqual([[id]]);
  },
);

test('storage that is cleared while the page lives loses nothing', async () => {
  const page = openPage();
  const id = page.record();
  await reach(async () => expect(await page.stored()).toEqual([id]));
  localStorage.clear();
  await page.database.remove((await page.database.names()) ?? []);
  await page.sender.flush();
  expect(page.wire.map((request) => request.ids)).toEqual([[id]]);
});

test('a request without an answer ends after 30 seconds', async () => {
  const page = openPage();
  const clock = createTestClock();
  const { createTransport } = await import('../../src/browser/transport');
  const hang: typeof fetch = (_, init) =>
    new Promise((__, reject) => init?.signal?.addEventListener('abort', () => reject(new Error('aborted'))));
  const transport = createTransport({ fetch: hang, url: 'https://c.example', clock, journal: page.journal });
  page.record();
  const settle = vi.fn(() => Promise.resolve());
  const carried = transport.carry(page.queue.idle(), settle);
  expect(page.queue.idle()).toEqual([]);
  clock.advance(30_000);
  await carried;
  expect(settle).toHaveBeenCalledExactlyOnceWith({ status: 0, retryAfter: null, body: undefined });
  expect(page.queue.idle()).toHaveLength(1);
});

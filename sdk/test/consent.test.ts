import { expect, test, vi } from 'vitest';
import { open } from './open-tracker';

/** Everything that is on the device of this visitor. */
async function readDevice(namespace: string): Promise<readonly string[]> {
  const isOwn = (name: string): boolean => new RegExp(`^${namespace}[._]`).test(name);
  const databases = (await indexedDB.databases()).filter(({ name }) => isOwn(`${name!}`));
  const entries = await Promise.all(databases.map(({ name }) => readEntries(name!)));
  return [...Object.keys(localStorage), ...document.cookie.split('; ')].filter(isOwn).concat(entries.flat());
}

function readEntries(name: string): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => {
      const database = request.result;
      const keys = database.transaction('events').objectStore('events').getAllKeys();
      keys.onsuccess = () => {
        database.close();
        resolve(keys.result as string[]);
      };
    };
  });
}

test('while consent is pending nothing is kept or sent, and once it is granted all calls arrive as they were made', async () => {
  const { tracker, events, namespace } = open({ consent: 'pending', autoPage: true });
  const cart = { items: 1 };
  const before = Date.now();
  tracker.track('Cart', cart);
  tracker.identify('u1', { plan: 'pro' });
  cart.items = 2;
  const paid = tracker.track('Paid');
  const [url, after] = [location.href, Date.now()];
  await tracker.flush();
  expect(await readDevice(namespace)).toEqual([]);
  expect([tracker.consent.get(), tracker.anonymousId(), tracker.session(), tracker.user()]).toEqual([
    'pending',
    '',
    { id: '' },
    { traits: {} },
  ]);

  history.pushState({}, '', '/later');
  vi.useFakeTimers({ now: after + 60_000, toFake: ['Date'] });
  tracker.consent.set('granted');
  tracker.track('Later');
  vi.useRealTimers();
  await tracker.ready;
  await tracker.flush();
  expect(await paid).toMatchObject({ status: 'accepted' });
  expect(
    events.map(({ event, type, userId, properties }) => [event ?? type, userId, properties?.items]),
  ).toEqual([
    ['page', undefined, undefined],
    ['Cart', undefined, 1],
    ['identify', 'u1', undefined],
    ['Paid', 'u1', undefined],
    ['page', 'u1', undefined],
    ['Later', 'u1', undefined],
  ]);
  for (const { timestamp, context } of events.slice(0, 4)) {
    expect(Date.parse(timestamp)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(timestamp)).toBeLessThanOrEqual(after);
    expect(context.page).toMatchObject({ url });
  }
  expect(new Set(events.map(({ anonymousId }) => anonymousId))).toEqual(new Set([tracker.anonymousId()]));
  expect(new Set(events.map(({ messageId }) => messageId)).size).toBe(6);
  tracker.close();
});

test('calls while consent is pending may be dropped instead, and are told', async () => {
  const onDrop = vi.fn();
  const { tracker, events } = open({ consent: 'pending', whilePending: 'drop', onDrop });
  expect(await tracker.track('Early')).toMatchObject({ status: 'dropped', reason: 'consent' });
  tracker.consent.set('granted');
  tracker.track('Later');
  await tracker.flush();
  expect(events.map(({ event }) => event)).toEqual(['Later']);
  expect(onDrop).toHaveBeenCalledExactlyOnceWith(1, 'consent', undefined);
  tracker.close();
});

test('a refusal drops what was held; a later yes begins anew', async () => {
  const { tracker, events } = open({ consent: 'pending' });
  const early = tracker.track('Early');
  tracker.consent.set('denied');
  expect(await early).toMatchObject({ status: 'dropped', reason: 'consent' });
  expect(await tracker.track('Denied')).toMatchObject({ status: 'dropped', reason: 'consent' });
  tracker.consent.set('granted');
  tracker.track('Later');
  await tracker.flush();
  expect(events.map(({ event }) => event)).toEqual(['Later']);
  tracker.close();
});

test('no more than 1,000 calls are held; what comes after is dropped', async () => {
  const onDrop = vi.fn();
  const { tracker, events } = open({ consent: 'pending', onDrop });
  for (let index = 0; index < 1_001; index += 1) tracker.track(`Call ${index}`);
  await Promise.resolve();
  expect(onDrop).toHaveBeenCalledExactlyOnceWith(1, 'consent', undefined);
  tracker.consent.set('granted');
  await tracker.flush();
  expect(events.map(({ event }) => event)).toEqual(
    Array.from({ length: 1_000 }, (_, index) => `Call ${index}`),
  );
  tracker.close();
}, 60_000);

test('a withdrawal stops everything and leaves nothing on the device, the cookie included', async () => {
  const onDrop = vi.fn();
  const { tracker, namespace } = open({ onDrop, reply: () => Response.error() });
  tracker.identify('u1', { plan: 'pro' });
  await tracker.flush();
  const waiting = tracker.track('Waiting');
  await vi.waitFor(async () => expect(await readEntries(`${namespace}.pk_test.events`)).toHaveLength(2));
  expect(await readDevice(namespace)).toEqual(
    expect.arrayContaining([`${namespace}.anonymous`, `${namespace}_id=${tracker.anonymousId()}`]),
  );
  tracker.consent.set('denied');
  expect(await waiting).toMatchObject({ status: 'dropped', reason: 'consent' });
  expect(await tracker.track('Late')).toMatchObject({ status: 'dropped', reason: 'consent' });
  dispatchEvent(new Event('online'));
  await tracker.flush();
  await vi.waitFor(async () => expect(await readDevice(namespace)).toEqual([]));
  expect([tracker.anonymousId(), tracker.user()]).toEqual(['', { traits: {} }]);
  tracker.close();
  expect(await readDevice(namespace)).toEqual([]);
});

test('what a page records while it is rendered in advance is not stored when it is opened after a withdrawal', async () => {
  Object.defineProperty(document, 'prerendering', { value: true, configurable: true });
  const { tracker, namespace, events } = open();
  const early = tracker.track('In advance');
  tracker.consent.set('denied');
  Object.defineProperty(document, 'prerendering', { value: false, configurable: true });
  document.dispatchEvent(new Event('prerenderingchange'));
  expect(await early).toMatchObject({ status: 'dropped', reason: 'consent' });
  // What is behind it in the same database has been done once this is.
  await readEntries(`${namespace}.pk_test.events`);
  expect(await readDevice(namespace)).toEqual([]);
  expect(events).toEqual([]);
  tracker.close();
});

test('whoever keeps something of the visitor is told when that has to go', async () => {
  const { tracker } = open();
  const forget = vi.fn();
  const undo = tracker.on('forget', forget);
  tracker.reset();
  expect(forget).toHaveBeenCalledTimes(1);
  tracker.consent.set('denied');
  expect(forget).toHaveBeenCalledTimes(2);
  tracker.consent.set('granted');
  undo();
  tracker.reset();
  expect(forget).toHaveBeenCalledTimes(2);
  tracker.close();
});

test('a withdrawal holds for the visitor’s other pages, and does not touch another namespace', async () => {
  const first = open();
  const second = open({ namespace: first.namespace });
  const other = open();
  const id = other.tracker.anonymousId();
  first.tracker.consent.set('denied');
  // The browser tells other pages, never the one that did it.
  dispatchEvent(new StorageEvent('storage', { key: `${first.namespace}.anonymous`, newValue: null }));
  expect(second.tracker.consent.get()).toBe('denied');
  expect(await second.tracker.track('Late')).toMatchObject({ reason: 'consent' });
  other.tracker.track('Still');
  await other.tracker.flush();
  expect(other.events.map(({ event, anonymousId }) => [event, anonymousId])).toEqual([['Still', id]]);
  expect(localStorage.getItem(`${other.namespace}.anonymous`)).toBe(id);
  for (const { tracker } of [first, second, other]) tracker.close();
});

test('Global Privacy Control and Do Not Track are respected where that is asked for, until the visitor says yes', async () => {
  const signals = { globalPrivacyControl: true, doNotTrack: '1' };
  for (const [name, value] of Object.entries(signals)) {
    Object.defineProperty(navigator, name, { value, configurable: true });
    const option = name === 'doNotTrack' ? { respectDnt: true } : { respectGpc: true };
    const indifferent = open();
    const respectful = open(option);
    expect([indifferent.tracker.consent.get(), respectful.tracker.consent.get()]).toEqual([
      'granted',
      'denied',
    ]);
    respectful.tracker.track('Silent');
    respectful.tracker.consent.set('granted');
    respectful.tracker.track('Asked');
    await respectful.tracker.flush();
    expect(respectful.events.map(({ event }) => event)).toEqual(['Asked']);
    for (const { tracker } of [indifferent, respectful]) tracker.close();
    Object.defineProperty(navigator, name, { value: undefined, configurable: true });
  }
});

test('without cookies nothing about the visitor is kept, and each page load is another one', async () => {
  const options = { cookieless: true, reply: () => Response.error() } as const;
  const first = open(options);
  first.tracker.identify('u1');
  first.tracker.track('Paid');
  await first.tracker.flush();
  expect(first.tracker.user()).toMatchObject({ userId: 'u1' });
  await vi.waitFor(async () =>
    expect(await readEntries(`${first.namespace}.pk_test.events`)).toHaveLength(2),
  );
  const kept = (await readDevice(first.namespace)).filter((name) => /anonymous|user|session|_id/.test(name));
  expect(kept).toEqual([]);
  const second = open({ ...options, namespace: first.namespace });
  expect(second.tracker.anonymousId()).not.toBe(first.tracker.anonymousId());
  expect(second.tracker.user()).toEqual({ traits: {} });
  for (const { tracker } of [first, second]) tracker.close();
});

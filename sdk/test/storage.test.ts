// @vitest-environment node
import 'fake-indexeddb/auto';
import { expect, test, vi } from 'vitest';
import { open } from './open-tracker';

/** As an extension has it: everything later, and at times in another order. */
function createSlowStorage() {
  const items = new Map<string, string>();
  const later = <T>(act: () => T): Promise<T> =>
    new Promise((resolve) => setTimeout(() => resolve(act()), Math.random() * 5));
  return {
    items,
    getItem: (key: string) => later(() => items.get(key)),
    setItem: (key: string, value: string) => later(() => items.set(key, value)),
    removeItem: (key: string) => later(() => items.delete(key)),
  };
}

// A worker has no document, and an event target for its self; Node has no such target.
const worker = new EventTarget();
Object.assign(globalThis, {
  addEventListener: worker.addEventListener.bind(worker),
  location: new URL('https://app.example/worker.js'),
  navigator: { onLine: true, language: 'en', userAgent: 'worker' },
});

test('in a worker events are sent, without page and screen', async () => {
  expect([typeof document, typeof localStorage, typeof addEventListener]).toEqual([
    'undefined',
    'undefined',
    'function',
  ]);
  const { tracker, events } = open({ autoPage: false });
  await tracker.ready;
  tracker.identify('u1');
  tracker.track('Synced', { files: 3 });
  await tracker.flush();
  expect(events.map(({ type, userId, properties }) => [type, userId, properties])).toEqual([
    ['identify', 'u1', undefined],
    ['track', 'u1', { files: 3 }],
  ]);
  expect(events[0]!.context.page).toBeUndefined();
  expect(events[0]!.anonymousId).toBe(tracker.anonymousId());
  tracker.close();
});

test('a storage that answers later keeps who the visitor is; calls before it answers wait for it', async () => {
  const storage = createSlowStorage();
  const first = open({ storage });
  const paid = first.tracker.track('Paid');
  expect(first.tracker.anonymousId()).toBe('');
  await first.tracker.ready;
  first.tracker.identify('u1', { plan: 'pro' });
  await first.tracker.flush();
  expect(await paid).toMatchObject({ status: 'accepted' });
  const id = first.tracker.anonymousId();
  first.tracker.close();
  await vi.waitFor(() => expect(storage.items.get(first.namespace)).toContain('pro'));

  const second = open({ storage, namespace: first.namespace });
  await second.tracker.ready;
  expect([second.tracker.anonymousId(), second.tracker.user()]).toEqual([
    id,
    { userId: 'u1', traits: { plan: 'pro' } },
  ]);
  second.tracker.consent.set('denied');
  await vi.waitFor(() => expect(storage.items.size).toBe(0));
  second.tracker.close();
});

test('a storage that fails is as good as none', async () => {
  const fail = (): Promise<never> => Promise.reject(new Error('no storage'));
  const { tracker, events } = open({ storage: { getItem: fail, setItem: fail, removeItem: fail } });
  tracker.track('Paid');
  await tracker.ready;
  await tracker.flush();
  expect(events.map(({ event }) => event)).toEqual(['Paid']);
  tracker.close();
});

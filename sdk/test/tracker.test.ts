import { expect, test, vi } from 'vitest';
import { createTracker } from '../src';
import type { TrackerOptions } from '../src';
import { open } from './open-tracker';

test('an event carries who, when, where and by what', async () => {
  const { tracker, events, urls } = open();
  const before = Date.now();
  tracker.track('Paid', { total: 5 });
  await tracker.flush();
  const [event] = events;
  expect(urls).toEqual(['https://collect.example/v1/batch?writeKey=pk_test']);
  expect(event).toMatchObject({
    type: 'track',
    event: 'Paid',
    properties: { total: 5 },
    anonymousId: tracker.anonymousId(),
    context: {
      page: { path: location.pathname, search: location.search, url: location.href, title: document.title },
      locale: navigator.language,
      userAgent: navigator.userAgent,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      screen: { width: screen.width, height: screen.height },
      library: { name: '@throughline/sdk', version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string },
      sessionId: expect.stringMatching(/^[\da-f-]{36}$/) as string,
    },
  });
  expect(event!.messageId).toMatch(/^[\da-f]{8}-[\da-f]{4}-7/);
  expect(Date.parse(event!.timestamp)).toBeGreaterThanOrEqual(before);
  tracker.close();
});

test('identify counts for itself and for what follows, and sends only what was said', async () => {
  const { tracker, events } = open();
  tracker.identify({ theme: 'dark' });
  tracker.identify('u1', { plan: 'pro' });
  tracker.track('Paid');
  await tracker.flush();
  expect(events.map(({ type, userId, traits }) => [type, userId, traits])).toEqual([
    ['identify', undefined, { theme: 'dark' }],
    ['identify', 'u1', { plan: 'pro' }],
    ['track', 'u1', undefined],
  ]);
  expect(tracker.user()).toEqual({ userId: 'u1', traits: { theme: 'dark', plan: 'pro' } });
  tracker.close();
});

test('who the visitor is outlives the page, until reset', async () => {
  const first = open();
  first.tracker.identify('u1', { plan: 'pro' });
  await first.tracker.flush();
  first.tracker.close();

  const second = open({ namespace: first.namespace });
  expect(second.tracker.anonymousId()).toBe(first.tracker.anonymousId());
  expect(second.tracker.user()).toEqual({ userId: 'u1', traits: { plan: 'pro' } });
  const before = second.tracker.anonymousId();
  second.tracker.track('Before');
  second.tracker.reset();
  second.tracker.track('After');
  await second.tracker.flush();
  expect(second.tracker.user()).toEqual({ traits: {} });
  const [one, other] = second.events;
  expect(one).toMatchObject({ userId: 'u1', anonymousId: before });
  expect(other!.userId).toBeUndefined();
  expect(other!.anonymousId).not.toBe(before);
  expect(other!.context.sessionId).not.toBe(one!.context.sessionId);
  second.tracker.close();
});

test('a page that began the session goes on without it once another page has reset the visitor', async () => {
  const begun = open();
  const resetting = open({ namespace: begun.namespace });
  begun.tracker.track('Before');
  resetting.tracker.reset();
  begun.tracker.track('After');
  await begun.tracker.flush();
  const [before, after] = begun.events;
  expect(after!.anonymousId).not.toBe(before!.anonymousId);
  expect(after!.context.sessionId).not.toBe(before!.context.sessionId);
  begun.tracker.close();
  resetting.tracker.close();
});

test('what the page passes is taken as it is at the call', async () => {
  const { tracker, events } = open();
  const cart = { items: 1 };
  tracker.track('Cart', cart);
  cart.items = 2;
  await tracker.flush();
  expect(events[0]!.properties).toEqual({ items: 1 });
  tracker.close();
});

test('a page that is rendered in advance is viewed when it is opened', async () => {
  Object.defineProperty(document, 'prerendering', { value: true, configurable: true });
  const { tracker, events } = open({ autoPage: true });
  history.replaceState({}, '', '/in-advance#top');
  await tracker.flush();
  expect(events).toEqual([]);
  Object.defineProperty(document, 'prerendering', { value: false, configurable: true });
  document.dispatchEvent(new Event('prerenderingchange'));
  await tracker.flush();
  expect(events.map(({ type, properties }) => [type, properties?.path])).toEqual([['page', '/in-advance']]);
  expect(events[0]!.properties?.url).not.toContain('#');
  tracker.close();
});

test('a closed tracker ignores calls', async () => {
  const { tracker, events } = open({ autoPage: true });
  tracker.close();
  tracker.track('Late');
  history.pushState({}, '', '/late');
  await tracker.flush();
  expect(events.map(({ type }) => type)).toEqual(['page']);
});

test('bad, missing and unknown options are named together, at the start', () => {
  const bad = { writeKey: '', host: 'collect.example', flushAt: 0, flushAfterMs: '5', wirteKey: 'pk' };
  expect(() => createTracker(bad as unknown as TrackerOptions)).toThrow(
    new TypeError(
      'throughline: missing, bad or unknown option: writeKey, host, flushAfterMs, flushAt, wirteKey',
    ),
  );
  expect(() => createTracker(undefined as unknown as TrackerOptions)).toThrow('writeKey, host');
  for (const host of ['https://c.example', 'http://127.0.0.1:3000', 'https://c.example/path/']) {
    createTracker({ writeKey: 'pk', host, flushAfterMs: 60_000, flushAt: 100 }).close();
  }
});

test('a drop is told to the page, whose own mistakes stay its own', () => {
  const onDrop = vi.fn(() => {
    throw new Error('the page’s own');
  });
  const { tracker } = open({ onDrop });
  // Strings are cut at 8 K, so it takes several to make an event too large.
  tracker.track('Huge', Object.fromEntries('abcde'.split('').map((key) => [key, 'x'.repeat(9_000)])));
  expect(onDrop).toHaveBeenCalledExactlyOnceWith(1, 'too-large', undefined);
  tracker.close();
});

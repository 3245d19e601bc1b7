import { act, createElement, StrictMode, useState } from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { expect, test, vi } from 'vitest';
import { createTracker } from '../src';
import type { WireEvent } from '../src';
import { TrackerProvider, useIdentify, usePageView, useTrack, useTracker } from '../src/react/react';
import { open } from './open-tracker';

vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);

/** A tracker, and what it has sent by the next flush. */
function openTracker() {
  const { tracker, events } = open();
  return { tracker, sent: async () => (await tracker.flush(), events) };
}

interface Events {
  'Product Added': { sku: string };
}

const brief = ({ type, event, name, userId }: WireEvent): unknown[] =>
  [type, event ?? name, userId].filter(Boolean);

test('in StrictMode a page view is recorded once, and again only for another place', async () => {
  const { tracker, sent } = openTracker();
  let go: (place: string) => void;
  let redraw: () => void;
  const App = () => {
    const [place, setPlace] = useState('/mugs');
    const [count, setCount] = useState(0);
    [go, redraw] = [setPlace, () => setCount(count + 1)];
    usePageView(place, { name: `At ${place}`, properties: { shown: true } });
    return null;
  };
  const root = createRoot(document.createElement('div'));
  const app = createElement(TrackerProvider, { tracker }, createElement(App));
  await act(async () => root.render(createElement(StrictMode, null, app)));
  await act(async () => redraw());
  await act(async () => go('/cups'));
  await act(async () => go('/mugs'));
  const events = await sent();
  expect(events.map(brief)).toEqual([
    ['page', 'At /mugs'],
    ['page', 'At /cups'],
    ['page', 'At /mugs'],
  ]);
  expect(events[0]!.properties).toMatchObject({ shown: true, path: location.pathname });
  await act(async () => root.unmount());
});

test('somebody who signs in is identified once, and forgotten when they sign out', async () => {
  const { tracker, sent } = openTracker();
  let signIn: (user: { id: string; plan: string } | null) => void;
  const App = () => {
    const [user, setUser] = useState<{ id: string; plan: string } | null>(null);
    signIn = setUser;
    useIdentify(user?.id, user ? { plan: user.plan } : undefined);
    return null;
  };
  const root = createRoot(document.createElement('div'));
  const app = createElement(TrackerProvider, { tracker }, createElement(App));
  await act(async () => root.render(createElement(StrictMode, null, app)));
  const visitor = tracker.anonymousId();
  await act(async () => signIn({ id: 'u1', plan: 'free' }));
  await act(async () => signIn({ id: 'u1', plan: 'free' }));
  await act(async () => signIn({ id: 'u1', plan: 'pro' }));
  expect(tracker.anonymousId()).toBe(visitor);
  await act(async () => signIn(null));
  expect((await sent()).map(({ type, userId, traits }) => [type, userId, traits])).toEqual([
    ['identify', 'u1', { plan: 'free' }],
    ['identify', 'u1', { plan: 'pro' }],
  ]);
  expect(tracker.user()).toEqual({ traits: {} });
  expect(tracker.anonymousId()).not.toBe(visitor);
});

test('on a server a component renders and records nothing; the page that takes over records once', async () => {
  const App = () => {
    usePageView('/mugs', { name: 'Mugs' });
    useIdentify('u1');
    const track = useTrack<Events>();
    return createElement('button', { onClick: () => void track('Product Added', { sku: 'mug-1' }) }, 'Add');
  };
  const idle = createTracker({ writeKey: 'pk_test', host: 'https://collect.example', namespace: 'server' });
  const html = renderToString(createElement(TrackerProvider, { tracker: idle }, createElement(App)));
  expect(html).toBe('<button>Add</button>');

  const { tracker, sent } = openTracker();
  const page = document.createElement('div');
  document.body.append(page);
  page.innerHTML = html;
  const app = createElement(TrackerProvider, { tracker }, createElement(App));
  const root = await act(async () => hydrateRoot(page, app));
  page.querySelector('button')!.click();
  expect((await sent()).map(brief)).toEqual([
    ['page', 'Mugs'],
    ['identify', 'u1'],
    ['track', 'Product Added', 'u1'],
  ]);
  await act(async () => root.unmount());
});

test('without a provider it is said at once', () => {
  const App = () => {
    useTracker();
    return null;
  };
  expect(() => renderToString(createElement(App))).toThrow('throughline: no TrackerProvider');
});

test('calls are checked against the app’s events', () => {
  const App = () => {
    const track = useTrack<Events>();
    void track('Product Added', { sku: 'mug-1' });
    // @ts-expect-error a property of another type
    void track('Product Added', { sku: 1 });
    // @ts-expect-error an event that is not declared
    void track('Product Aded', { sku: 'mug-1' });
    return null;
  };
  expect(App).toBeTypeOf('function');
});

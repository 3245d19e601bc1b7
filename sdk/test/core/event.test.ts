import { expect, test } from 'vitest';
import { createEvent, readCall } from '../../src/core/event';
import { identifyUser, NOBODY } from '../../src/core/identity';
import { continueSession } from '../../src/core/session';

const AROUND = {
  messageId: 'm1',
  timestamp: '2026-01-01T00:00:00.000Z',
  anonymousId: 'a1',
  userId: undefined,
  context: { page: { path: '/cart', url: 'https://shop.example/cart' }, locale: 'en' },
};

function said(...[type, ...given]: [Parameters<typeof readCall>[0], ...unknown[]]): unknown {
  const read = JSON.parse(JSON.stringify(readCall(type, given))) as Record<
    'type' | 'timestamp',
    string | null
  >;
  const { type: same, timestamp, ...rest } = read;
  expect(same).toBe(type);
  return timestamp === null ? rest : { timestamp, ...rest };
}

test('calls are read in the order of arguments that Segment has', () => {
  expect(said('track', 'Paid', { total: 5 })).toEqual({ event: 'Paid', properties: { total: 5 } });
  expect(said('identify', 'u1', { plan: 'pro' })).toEqual({ userId: 'u1', traits: { plan: 'pro' } });
  expect(said('identify', { plan: 'pro' })).toEqual({ traits: { plan: 'pro' } });
  expect(said('identify', 42)).toEqual({ userId: '42' });
  expect(said('identify', null, { plan: 'pro' })).toEqual({ traits: { plan: 'pro' } });
  expect(said('group', 'g1', { name: 'Acme' })).toEqual({ groupId: 'g1', traits: { name: 'Acme' } });
  expect(said('alias', 'u1', 'a0')).toEqual({ userId: 'u1', previousId: 'a0' });
  expect(said('page')).toEqual({ properties: {} });
  expect(said('page', 'Home')).toEqual({ name: 'Home', properties: { name: 'Home' } });
  expect(said('page', { tab: 1 })).toEqual({ properties: { tab: 1 } });
  expect(said('page', 'Home', { tab: 1 })).toEqual({ name: 'Home', properties: { name: 'Home', tab: 1 } });
  expect(said('page', 'Docs', 'Install', { tab: 1 })).toEqual({
    name: 'Install',
    properties: { name: 'Install', category: 'Docs', tab: 1 },
  });
  expect(said('group', { plan: 'pro' })).toEqual({ traits: { plan: 'pro' } });
  expect(said('page', null, 'Home')).toEqual({ name: 'Home', properties: { name: 'Home' } });
  expect(said('screen', 'Settings')).toEqual({ name: 'Settings', properties: { name: 'Settings' } });
});

test('options may follow wherever Segment lets them, a function may come last, and neither is a property', () => {
  const options = { integrations: { All: false, Mixpanel: true }, context: { ip: '0.0.0.0' } };
  const done = (): void => undefined;
  const calls: ReadonlyArray<Parameters<typeof said>> = [
    ['track', 'Paid', null, options, done],
    ['identify', { plan: 'pro' }, options, done],
    ['identify', 'u1', {}, options, done],
    ['group', { plan: 'pro' }, options],
    ['page', { tab: 1 }, options, done],
    ['page', 'Home', { tab: 1 }, options],
    ['page', 'Docs', 'Install', {}, options],
    ['page', null, null, null, options],
    ['screen', 'Settings', {}, options],
    ['alias', 'u1', options, done],
    ['alias', 'u1', 'a0', options],
  ];
  for (const call of calls) expect(said(...call)).toMatchObject(options);
  for (const type of ['track', 'identify', 'group', 'page', 'screen', 'alias'] as const) {
    expect(JSON.stringify(said(type, done))).toMatch(/^{("(properties|traits)":{})?}$/);
  }
});

test('an event carries what was said, laid over what surrounds it', () => {
  const call = readCall('track', [
    'Paid',
    { total: 5 },
    { timestamp: new Date(0), context: { locale: 'de' } },
  ]);
  expect(JSON.parse(JSON.stringify(createEvent(call, { ...AROUND, userId: 'u1' })))).toEqual({
    type: 'track',
    messageId: 'm1',
    timestamp: '1970-01-01T00:00:00.000Z',
    anonymousId: 'a1',
    userId: 'u1',
    event: 'Paid',
    properties: { total: 5 },
    context: { page: AROUND.context.page, locale: 'de' },
  });
});

test('a page event has the page in its properties, under what was said', () => {
  const event = createEvent(readCall('page', ['Cart', { path: '/mine' }]), AROUND);
  expect(event.properties).toEqual({ path: '/mine', url: 'https://shop.example/cart', name: 'Cart' });
});

test('alias is about the anonymous ID unless said otherwise', () => {
  expect(createEvent(readCall('alias', ['u1']), AROUND).previousId).toBe('a1');
  expect(createEvent(readCall('alias', ['u1', 'old']), AROUND).previousId).toBe('old');
});

test('a time that is none is now', () => {
  const event = createEvent(readCall('track', ['x', {}, { timestamp: 'soon' }]), AROUND);
  expect(event.timestamp).toBe(AROUND.timestamp);
});

test('another user begins without traits; the same one keeps them', () => {
  const first = identifyUser(NOBODY, undefined, { theme: 'dark' });
  const known = identifyUser(first, 'u1', { plan: 'pro' });
  expect(known).toEqual({ userId: 'u1', traits: { theme: 'dark', plan: 'pro' } });
  expect(identifyUser(known, undefined, undefined)).toEqual(known);
  expect(identifyUser(known, 'u2', { plan: 'free' })).toEqual({ userId: 'u2', traits: { plan: 'free' } });
});

test('a session goes on through gaps under 30 minutes, forwards and backwards', () => {
  const first = continueSession(null, 0, () => 's1');
  expect(continueSession(first, 9_999, () => 's2')).toBe(first);
  const later = continueSession(first, 29 * 60_000, () => 's2');
  expect(later).toEqual({ id: 's1', lastAt: 29 * 60_000 });
  expect(continueSession(later, 59 * 60_000, () => 's2').id).toBe('s2');
  expect(continueSession(later, -3_600_000, () => 's2').id).toBe('s2');
});

import { expect, test } from 'vitest';
import { readCampaign } from '../../src/core/campaign';
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
  return JSON.parse(JSON.stringify(readCall(type, given)[0]));
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
  expect(said('screen', 'Settings')).toEqual({ name: 'Settings', properties: { name: 'Settings' } });
});

test('an event carries what was said, laid over what surrounds it', () => {
  const call = readCall('track', [
    'Paid',
    { total: 5 },
    { timestamp: new Date(0), context: { locale: 'de' } },
  ]);
  expect(JSON.parse(JSON.stringify(createEvent('track', call, { ...AROUND, userId: 'u1' })))).toEqual({
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
  const event = createEvent('page', readCall('page', ['Cart', { path: '/mine' }]), AROUND);
  expect(event.properties).toEqual({ path: '/mine', url: 'https://shop.example/cart', name: 'Cart' });
});

test('alias is about the anonymous ID unless said otherwise', () => {
  expect(createEvent('alias', readCall('alias', ['u1']), AROUND).previousId).toBe('a1');
  expect(createEvent('alias', readCall('alias', ['u1', 'old']), AROUND).previousId).toBe('old');
});

test('a time that is none is now', () => {
  const event = createEvent('track', readCall('track', ['x', {}, { timestamp: 'soon' }]), AROUND);
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

test('the campaign is what the address says of it', () => {
  expect(readCampaign('?utm_source=mail&utm_campaign=may&utm_medium=&q=1')).toEqual({
    source: 'mail',
    name: 'may',
  });
  expect(readCampaign('?q=1')).toBeUndefined();
});

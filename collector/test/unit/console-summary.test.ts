import { expect, test } from 'vitest';
import { campaignOf, factsOf, titleOf } from '../../console/src/summary';
import type { TimelineEvent } from '../../console/src/wire';

function eventOf(given: Partial<TimelineEvent>): TimelineEvent {
  return {
    messageId: 'm1',
    type: 'track',
    event: null,
    occurredAt: '2026-11-21T12:00:00.000Z',
    receivedAt: '2026-11-21T12:00:00.100Z',
    userId: null,
    email: null,
    anonymousId: 'a1',
    properties: {},
    traits: null,
    ...given,
  };
}

test('a track event is called by its name', () => {
  expect(titleOf(eventOf({ event: 'Order Completed' }))).toBe('Order Completed');
});

test('a page is called by its name, else its title, else what it is, and shows its path', () => {
  const page = eventOf({ type: 'page', properties: { path: '/pricing', title: 'Pricing' } });
  expect(titleOf({ ...page, event: 'Pricing page' })).toBe('Pricing page');
  expect(titleOf(page)).toBe('Pricing');
  expect(titleOf(eventOf({ type: 'page' }))).toBe('Page view');
  expect(factsOf(page)).toEqual([{ key: 'path', text: '/pricing' }]);
});

test('a page from which only the context tells is found there', () => {
  const page = eventOf({ type: 'page', context: { page: { path: '/a', title: 'A' } } });
  expect(titleOf(page)).toBe('A');
  expect(factsOf(page)).toEqual([{ key: 'path', text: '/a' }]);
});

test('an identify shows traits; another event its first properties, lists and objects by their size', () => {
  expect(factsOf(eventOf({ type: 'identify', traits: { plan: 'pro' } }))).toEqual([
    { key: 'plan', text: 'pro' },
  ]);
  const properties = {
    revenue: 129.45,
    products: [1, 2],
    shipping: { city: 'Oslo' },
    note: null,
    gift: true,
  };
  expect(factsOf(eventOf({ properties })).map(({ text }) => text)).toEqual(['129.45', '[2]', '{…}', 'true']);
});

test('a campaign names its source first, and only texts and numbers', () => {
  expect(campaignOf({ name: 'spring', term: '', content: 7, source: 'mail', list: [1] })).toBe(
    'mail · spring · 7',
  );
  expect(campaignOf(null)).toBe('');
});

/** What must and must not compile; `npm run typecheck` is what checks it. */
import { expect, expectTypeOf, test } from 'vitest';
import type { Plugin, Receipt, Tracker } from '../src';
import { open } from './open-tracker';

interface Plan {
  'Cart Viewed': { items: number; coupon?: string };
  'Signed Out': Record<never, never>;
  Searched: { query?: string };
}

// Never called: the compiler reads it.
const mustCompile = (planned: Tracker<Plan>, free: Tracker, done: () => void) => [
  planned.track('Cart Viewed', { items: 1 }),
  planned.track(
    'Cart Viewed',
    { items: 1, coupon: 'MAY' },
    { timestamp: 0, integrations: { All: false } },
    done,
  ),
  planned.track('Cart Viewed', { items: 1 }, done),
  planned.track('Signed Out'),
  planned.track('Signed Out', {}),
  planned.track('Signed Out', done),
  planned.track('Searched'),
  planned.track('Searched', { query: 'tea' }, null, done),
  free.track('Anything', { at: 'all' }),
  free.track('Anything'),
  free.track('Anything', null, { context: { ip: '0.0.0.0' } }),
  free.track('Anything', { at: 'all' }, (context: { readonly event: object }) => context.event),
  free.page(),
  free.page(done),
  free.page('Home', { tab: 1 }, {}, done),
  free.page('Docs', 'Install', { tab: 1 }, {}, done),
  free.page({ tab: 1 }, {}, done),
  free.identify('u1'),
  free.identify(42, { plan: 'pro' }, {}, done),
  free.identify({ plan: 'pro' }, {}, done),
  free.identify(null, { plan: 'pro' }),
  free.group('g1', { name: 'Acme' }),
  free.group({ name: 'Acme' }, {}, done),
  free.alias('u1', 'a1', {}, done),
  free.alias('u1', {}, done),
  free.use((event) => (event.type === 'track' ? { ...event, properties: {} } : null)),
  free.on('sent', ({ messageId }) => messageId.length),
  free.on('error', ({ status, next }) => status > 400 && next === 'stop'),
];

const mustNotCompile = (planned: Tracker<Plan>, free: Tracker) => [
  // @ts-expect-error no such event
  planned.track('Card Viewed', { items: 1 }),
  // @ts-expect-error the plan says a number
  planned.track('Cart Viewed', { items: 'one' }),
  // @ts-expect-error a property that must be there is missing
  planned.track('Cart Viewed', {}),
  // @ts-expect-error all properties are missing
  planned.track('Cart Viewed'),
  // @ts-expect-error no such property
  planned.track('Cart Viewed', { items: 1, cupon: 'MAY' }),
  // @ts-expect-error no such property
  planned.track('Searched', { qery: 'tea' }),
  // @ts-expect-error no such option of a call
  planned.track('Searched', {}, { timestmap: 0 }),
  // @ts-expect-error a name is a text
  free.track(1),
  // @ts-expect-error no such topic
  free.on('send', () => undefined),
  // @ts-expect-error a plugin returns an event, or nothing
  free.use(() => 'yes'),
  // @ts-expect-error a listener gets a receipt, which has no such field
  free.on('drop', ({ why }) => why),
];

test('calls have their types', () => {
  const { tracker } = open();
  expectTypeOf(tracker.track('Paid')).toEqualTypeOf<PromiseLike<Receipt>>();
  expectTypeOf(tracker.use).parameter(0).toEqualTypeOf<Plugin>();
  expectTypeOf<Tracker<Plan>['track']>().parameter(0).toEqualTypeOf<keyof Plan>();
  expect([mustCompile, mustNotCompile]).toHaveLength(2);
  tracker.close();
});

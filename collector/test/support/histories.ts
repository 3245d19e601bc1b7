/** Generated lives: few identifiers and few moments, so that they collide often. */
import fc from 'fast-check';
import { uuidV5 } from '../../src/core/uuid';

const NAMESPACE = '00000000-0000-4000-8000-000000000000';
const START = Date.parse('2026-06-01T00:00:00.000Z');

const users = fc.constantFrom('u1', 'u2', 'u3');
const emails = fc.constantFrom('One@x.test', 'two@x.test ', 'three@x.test');
const devices = fc.constantFrom('a1', 'a2', 'a3');
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const amounts = fc.constantFrom(59.99, 0.01, 100, '12.30');

const traits = fc.record(
  {
    plan: fc.constantFrom('free', 'pro', null),
    age: fc.integer({ min: 1, max: 3 }),
    email: emails,
    $once: fc.record(
      { plan: fc.constantFrom('trial', 'gift', null), found: fc.constantFrom('ad', 'friend', null) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

const identify = fc
  .record({ userId: maybe(users), anonymousId: maybe(devices), traits })
  .filter(({ userId, anonymousId, traits: { email } }) => Boolean(userId ?? anonymousId ?? email))
  .map((event) => ({ type: 'identify', ...event }));

const alias = fc
  .record({ userId: maybe(users), previousId: devices, anonymousId: maybe(devices) })
  .map((event) => ({ type: 'alias', ...event }));

const carrier = fc
  .record({ userId: maybe(users), anonymousId: maybe(devices) })
  .filter(({ userId, anonymousId }) => Boolean(userId ?? anonymousId));

/** What a page says of itself, in its properties or its context: sometimes nothing, or nothing that can be used. */
const place = fc.record(
  {
    url: fc.constantFrom('https://www.shop.test/mugs?b=1', 'https://shop.test', '/mugs', ''),
    path: fc.constantFrom('/mugs', 7),
    title: fc.constantFrom('Mugs', null),
    referrer: fc.constantFrom(
      'https://shop.test/',
      'https://www.search.test/?q=1',
      'http://news.test',
      'app',
      null,
      1,
    ),
  },
  { requiredKeys: [] },
);
const context = maybe(
  fc.record(
    {
      page: place,
      campaign: fc.constantFrom(
        { source: 'news', medium: 'mail' },
        { name: 'may' },
        { source: '', term: 5 },
        {},
        'may',
      ),
    },
    { requiredKeys: [] },
  ),
);

const page = fc
  .tuple(carrier, maybe(place), context)
  .map(([ids, properties, about]) => ({ type: 'page', name: 'Home', properties, context: about, ...ids }));
const track = fc.tuple(carrier, maybe(place), context).map(([ids, properties, about]) => ({
  type: 'track',
  event: 'Clicked',
  properties,
  context: about,
  ...ids,
}));
const order = fc
  .tuple(carrier, maybe(fc.constantFrom('o1', 'o2')), amounts, fc.constantFrom('USD', 'EUR'))
  .map(([ids, order_id, revenue, currency]) => ({
    type: 'track',
    event: 'Order Completed',
    properties: { order_id, revenue, currency },
    ...ids,
  }));
const refund = fc.tuple(carrier, maybe(fc.constantFrom('r1')), amounts).map(([ids, refund_id, revenue]) => ({
  type: 'track',
  event: 'Order Refunded',
  properties: { refund_id, revenue },
  ...ids,
}));

/** Items as a client would send them, each with its own messageId, in no particular order of time. */
export const histories = fc
  .array(
    fc.tuple(
      fc.oneof(identify, identify, alias, page, track, order, refund),
      fc.integer({ min: 0, max: 12 }),
    ),
    {
      minLength: 1,
      maxLength: 40,
    },
  )
  .map((entries) =>
    entries.map(([item, minute], index) => ({
      ...item,
      messageId: uuidV5(NAMESPACE, String(index)),
      timestamp: new Date(START + minute * 60_000).toISOString(),
    })),
  );

/** How a history may arrive: in any order, some of it again, cut into batches. */
export function arrivalsOf<T>(items: readonly T[]): fc.Arbitrary<T[][]> {
  return fc
    .tuple(
      fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length }),
      fc.array(fc.constantFrom(...items), { maxLength: 10 }),
      fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 60 }),
    )
    .map(([shuffled, again, sizes]) => {
      const all = [...shuffled, ...again];
      const batches: T[][] = [];
      for (let at = 0, turn = 0; at < all.length; turn += 1) {
        const size = sizes[turn % sizes.length]!;
        batches.push(all.slice(at, at + size));
        at += size;
      }
      return batches;
    });
}

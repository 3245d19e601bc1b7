/** Generated lives: few identifiers and few moments, so that they collide often; and the ways in which they arrive. */
import fc from 'fast-check';
import { uuidV5 } from '../../src/core/uuid';

const NAMESPACE = '00000000-0000-4000-8000-000000000000';
const START = Date.parse('2026-06-01T00:00:00.000Z');
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const YEAR_1970 = 0;

const users = fc.constantFrom('u1', 'u2', 'u3', 'u4', 'u5', 'u6');
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

/** What divides a device between users, and what is divided: without many of both the rest is not put to the test. */
const signIn = fc
  .record({ userId: users, anonymousId: devices, traits })
  .map((event) => ({ type: 'identify', ...event }));
const visit = devices.map((anonymousId) => ({ type: 'page', name: 'Home', anonymousId }));

const alias = fc
  .record({ userId: maybe(users), previousId: devices, anonymousId: maybe(devices) })
  .map((event) => ({ type: 'alias', ...event }));

/** Who an event is about that claims nothing. */
const carrier = fc
  .record({ userId: maybe(users), email: maybe(emails), anonymousId: maybe(devices) })
  .filter(({ userId, email, anonymousId }) => Boolean(userId ?? email ?? anonymousId));

/** Its identifiers as they stand in a call: the email beside whatever else its context says. */
function whoIn({ email, ...ids }: { email?: string | undefined }, about: object = {}): object {
  return { ...ids, context: { ...about, ...(email === undefined ? {} : { traits: { email } }) } };
}

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
  .map(([ids, properties, about]) => ({ type: 'page', name: 'Home', properties, ...whoIn(ids, about) }));
const track = fc.tuple(carrier, maybe(place), context).map(([ids, properties, about]) => ({
  type: 'track',
  event: 'Clicked',
  properties,
  ...whoIn(ids, about),
}));
const order = fc
  .tuple(carrier, maybe(fc.constantFrom('o1', 'o2')), amounts, fc.constantFrom('USD', 'EUR'))
  .map(([ids, order_id, revenue, currency]) => ({
    type: 'track',
    event: 'Order Completed',
    properties: { order_id, revenue, currency },
    ...whoIn(ids),
  }));
const refund = fc.tuple(carrier, maybe(fc.constantFrom('r1')), amounts).map(([ids, refund_id, revenue]) => ({
  type: 'track',
  event: 'Order Refunded',
  properties: { refund_id, revenue },
  ...whoIn(ids),
}));

const call = fc.oneof(
  { weight: 4, arbitrary: signIn },
  { weight: 4, arbitrary: visit },
  { weight: 3, arbitrary: identify },
  ...[alias, page, track, order, refund].map((arbitrary) => ({ weight: 2, arbitrary })),
);

/** What a client sends, but for what the call itself says. */
export interface Item {
  readonly type: string;
  readonly messageId: string;
  readonly timestamp: string;
}

/**
 * Items as a client would send them, each with its own messageId, in no order of time; many at the same moment, and
 * sometimes all on one device. As many as are allowed (without `size` there are at most eleven): what goes wrong when
 * history moves takes several sign-ins on one device, with events between them.
 */
export const histories: fc.Arbitrary<Item[]> = fc
  .record({ latest: fc.constantFrom(0, 2, 12, 12), isOneDevice: fc.boolean() })
  .chain(({ latest, isOneDevice }) =>
    fc
      .array(fc.tuple(call, fc.integer({ min: 0, max: latest })), {
        minLength: 1,
        maxLength: 40,
        size: 'max',
      })
      .map((entries) =>
        entries.map(([item, minute], index) => ({
          ...item,
          ...(isOneDevice && 'anonymousId' in item && item.anonymousId !== undefined
            ? { anonymousId: 'a1' }
            : {}),
          messageId: uuidV5(NAMESPACE, String(index)),
          timestamp: iso(START + minute * MINUTE_MS),
        })),
      ),
  );

/** Other events under the messageIds of these: of two with one ID the first to arrive is the event. */
export function impostorsOf(items: readonly Item[]): fc.Arbitrary<Item[]> {
  return fc
    .array(fc.tuple(fc.constantFrom(...items), call, fc.integer({ min: 0, max: 12 })), { maxLength: 6 })
    .map((entries) =>
      entries.map(([{ messageId }, item, minute]) => ({
        ...item,
        messageId,
        timestamp: iso(START + minute * MINUTE_MS),
      })),
    );
}

/** Which identifies come when: wherever they fall, before all else, behind all else. */
const tendencies = fc.constantFrom('any', 'any', 'identifies first', 'identifies last');

/** How a history may arrive: in any order, some of it again, cut into batches. */
export function arrivalsOf(items: readonly Item[]): fc.Arbitrary<Item[][]> {
  return fc
    .tuple(
      fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length }),
      tendencies,
      fc.array(fc.constantFrom(...items), { maxLength: 10 }),
      fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 60 }),
    )
    .map(([shuffled, tendency, again, sizes]) => {
      const claiming = shuffled.filter(({ type }) => type === 'identify' || type === 'alias');
      const others = shuffled.filter((item) => !claiming.includes(item));
      const arranged = {
        any: shuffled,
        'identifies first': [...claiming, ...others],
        'identifies last': [...others, ...claiming],
      }[tendency];
      return cut([...arranged, ...again], sizes);
    });
}

function cut<T>(all: readonly T[], sizes: readonly number[]): T[][] {
  const batches: T[][] = [];
  for (let at = 0, turn = 0; at < all.length; turn += 1) {
    const size = sizes[turn % sizes.length]!;
    batches.push(all.slice(at, at + size));
    at += size;
  }
  return batches;
}

/**
 * The same history, some of it earlier than may be believed of a page, some of it after it was sent: what a client gets
 * wrong that no correction of its clock can explain.
 *
 * @param receivedAt when all of it arrives
 */
export function misplaced(items: readonly Item[], receivedAt: number): fc.Arbitrary<Item[]> {
  const places = fc.constantFrom(
    ...Array<null>(8).fill(null),
    YEAR_1970,
    receivedAt - 31 * DAY_MS,
    receivedAt + DAY_MS,
  );
  return fc.array(places, { minLength: items.length, maxLength: items.length }).map((chosen) =>
    items.map((item, index) => {
      const place = chosen[index] ?? null;
      return place === null ? item : { ...item, timestamp: iso(place) };
    }),
  );
}

/** Where the collector must put them in time, by the definition: from 30 days ago until they are received. */
export function placed(items: readonly Item[], receivedAt: number): Item[] {
  return items.map((item) => {
    const at = Math.max(receivedAt - 30 * DAY_MS, Math.min(receivedAt, Date.parse(item.timestamp)));
    return { ...item, timestamp: iso(at) };
  });
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askIn, at, buys, DAY, HOUR, identify, MINUTE, track } from '../support/rule-asking';
import { openWriting, RECEIVED_AT, type Writing } from '../support/writing';

let writing: Writing;
beforeAll(async () => {
  writing = await openWriting();
});
afterAll(() => writing.close());

const given = (items: readonly object[]) => askIn(writing, items);

describe('a leaf', () => {
  it('holds or does not hold: what is missing is never in between, so not is the exact complement', async () => {
    const find = await given([
      identify('ann', { plan: 'pro', age: 40 }),
      identify('bob', { plan: null, age: 'forty' }),
      track('cat', 'Clicked'),
    ]);
    for (const rule of [
      { trait: 'plan', eq: 'pro' },
      { trait: 'plan', neq: 'pro' },
      { trait: 'age', gte: 18 },
      { trait: 'plan', prefix: 'p' },
      { trait: 'plan', before: '1d' },
      { trait: 'tags', has: 'x' },
      { event: 'Clicked', agg: 'avg', of: 'price', gte: 1 },
    ]) {
      const [holding, others] = [await find(rule), await find({ not: rule })];
      expect([...holding, ...others].sort(), JSON.stringify(rule)).toEqual(['ann', 'bob', 'cat']);
    }
  });

  it('with several comparisons needs all of them', async () => {
    const find = await given([
      identify('ann', { age: 17 }),
      identify('bob', { age: 18 }),
      identify('cat', { age: 65 }),
    ]);
    expect(await find({ trait: 'age', gte: 18, lt: 65 })).toEqual(['bob']);
  });

  it('takes JSON null for missing, which only neq, nin and exists:false match', async () => {
    const find = await given([
      identify('ann', { plan: 'pro' }),
      { ...identify('bob', { plan: 'pro' }), timestamp: at(RECEIVED_AT - HOUR) },
      identify('bob', { plan: null }),
      track('cat', 'Clicked'),
    ]);
    const missing = ['bob', 'cat'];
    expect(await find({ trait: 'plan', neq: 'pro' })).toEqual(missing);
    expect(await find({ trait: 'plan', nin: ['pro', 'free'] })).toEqual(missing);
    expect(await find({ trait: 'plan', exists: false })).toEqual(missing);
    for (const comparison of [
      { eq: '' },
      { in: ['', 0, false] },
      { lt: 1 },
      { contains: 'p' },
      { has: 1 },
      { after: '1d' },
      { exists: true, neq: 'pro' },
    ]) {
      const found = await find({ trait: 'plan', ...comparison });
      expect(
        found.filter((who) => missing.includes(who)),
        JSON.stringify(comparison),
      ).toEqual([]);
    }
  });

  it('never converts a type: a number is not its text, and casts are only tried on what can be cast', async () => {
    const find = await given([
      identify('number', { n: 1 }),
      identify('text', { n: '1' }),
      identify('truth', { n: true }),
      identify('list', { n: [1, '1'] }),
      identify('object', { n: { a: 1 } }),
      identify('nonsense', { n: '1e400; drop table event' }),
      identify('decimal', { n: 1.0 }),
    ]);
    expect(await find({ trait: 'n', eq: 1 })).toEqual(['decimal', 'number']);
    expect(await find({ trait: 'n', eq: '1' })).toEqual(['text']);
    expect(await find({ trait: 'n', in: [1, 'x'] })).toEqual(['decimal', 'number']);
    expect(await find({ trait: 'n', gte: 1 })).toEqual(['decimal', 'number']);
    expect(await find({ trait: 'n', eq: true })).toEqual(['truth']);
    expect(await find({ trait: 'n', has: '1' })).toEqual(['list']);
    expect(await find({ trait: 'n', has: 1 })).toEqual(['list']);
    expect(await find({ trait: 'n.a', eq: 1 })).toEqual(['object']);
    expect(await find({ trait: 'n.1', eq: '1' })).toEqual(['list']);
  });

  it('about texts compares them as they are, letter by letter', async () => {
    const find = await given([
      identify('ann', { city: 'München 50%_' }),
      identify('bob', { city: 'munich' }),
    ]);
    expect(await find({ trait: 'city', contains: '%_' })).toEqual(['ann']);
    expect(await find({ trait: 'city', contains: '%' })).toEqual(['ann']);
    expect(await find({ trait: 'city', prefix: 'M' })).toEqual(['ann']);
    expect(await find({ trait: 'city', prefix: 'Mü' })).toEqual(['ann']);
    expect(await find({ trait: 'city', suffix: 'ich' })).toEqual(['bob']);
    expect(await find({ trait: 'city', suffix: '_' })).toEqual(['ann']);
  });

  it('about instants reads RFC 3339 texts, in any zone, and nothing else', async () => {
    const find = await given([
      identify('utc', { born: '2000-02-29T12:00:00Z' }),
      identify('zone', { born: '2000-02-29T13:00:00.000+01:00' }),
      // Postgres would fail the whole run if it were asked to read one of these.
      ...[
        '2001-02-29T12:00:00Z',
        '1900-02-29T12:00:00Z',
        '2001-04-31T12:00:00Z',
        '2001-13-01T12:00:00Z',
        '0000-01-01T12:00:00Z',
        '2001-01-01T24:00:00Z',
        '2001-01-01T12:00:61Z',
        '2001-01-01T12:00:00+16:00',
        `2001-01-01T12:00:00.${'0'.repeat(200)}Z`,
        '2001-01-01T12:00:00',
        '2001-01-01',
        '20010101T120000Z',
        'now',
        'infinity',
        978350400,
      ].map((born, index) => identify(`other-${index}`, { born })),
    ]);
    expect(await find({ trait: 'born', before: '2000-02-29T12:00:00.001Z' })).toEqual(['utc', 'zone']);
    expect(await find({ trait: 'born', after: '2000-02-29T11:59:59.999Z' })).toEqual(['utc', 'zone']);
    expect(await find({ trait: 'born', after: '2000-02-29T12:00:00Z' })).toEqual([]);
  });

  it('about a trait reads what was said last, of a device before its owner signed in as well', async () => {
    const find = await given([
      {
        type: 'identify',
        anonymousId: 'd',
        traits: { plan: 'free', from: 'ad' },
        timestamp: at(RECEIVED_AT - 2 * HOUR),
      },
      {
        type: 'identify',
        anonymousId: 'd',
        userId: 'ann',
        traits: { plan: 'pro' },
        timestamp: at(RECEIVED_AT - HOUR),
      },
    ]);
    expect(await find({ trait: 'plan', eq: 'pro' })).toEqual(['ann']);
    expect(await find({ trait: 'plan', eq: 'free' })).toEqual([]);
    expect(await find({ trait: 'from', eq: 'ad' })).toEqual(['ann']);
  });

  it('about a trait that was said twice at one moment takes what the greater message ID says', async () => {
    const find = await given([
      {
        type: 'identify',
        anonymousId: 'device-1',
        traits: { plan: 'free', tier: 2 },
        messageId: '22222222-2222-4222-8222-222222222222',
      },
      {
        type: 'identify',
        userId: 'ann',
        anonymousId: 'device-1',
        traits: { plan: 'pro', tier: 1 },
        messageId: '11111111-1111-4111-8111-111111111111',
      },
      {
        type: 'identify',
        userId: 'ann',
        traits: { tier: 3 },
        messageId: '33333333-3333-4333-8333-333333333333',
      },
    ]);
    // The device's own call was at the very moment of the sign-in, so it is hers.
    expect(await find({ trait: 'plan', eq: 'free' })).toEqual(['ann']);
    expect(await find({ trait: 'tier', eq: 3 })).toEqual(['ann']);
  });
});

describe('what is built in', () => {
  it('are the identifiers, the times and the sums of a profile', async () => {
    const find = await given([
      {
        type: 'identify',
        userId: 'ann',
        traits: { email: 'Ann@Shop.test' },
        timestamp: at(RECEIVED_AT - 3 * DAY),
      },
      buys('ann', 59.99),
      buys('ann', 0.01),
      { type: 'page', anonymousId: 'device', timestamp: at(RECEIVED_AT - DAY) },
    ]);
    expect(await find({ trait: '$email', eq: 'ann@shop.test' })).toEqual(['ann']);
    expect(await find({ trait: '$email', suffix: '@shop.test' })).toEqual(['ann']);
    expect(await find({ trait: '$email', exists: false })).toEqual(['device']);
    expect(await find({ trait: '$user_id', exists: true })).toEqual(['ann']);
    expect(await find({ trait: '$events', eq: 3 })).toEqual(['ann']);
    expect(await find({ trait: '$orders', lt: 1 })).toEqual(['device']);
    expect(await find({ trait: '$first_seen', before: '2d' })).toEqual(['ann']);
    expect(await find({ trait: '$last_seen', after: '1h' })).toEqual(['ann']);
    expect(await find({ trait: '$revenue', eq: 60 })).toEqual(['ann']);
    expect(await find({ trait: '$revenue', gt: 60 })).toEqual([]);
  });

  it('has as its email the one that was said last, of those that are its own', async () => {
    const says = (userId: string, email: string, hoursAgo: number) => ({
      ...identify(userId, { email }),
      timestamp: at(RECEIVED_AT - hoursAgo * HOUR),
    });
    const find = await given([
      says('ann', 'old@shop.test', 3),
      says('ann', 'new@shop.test', 2),
      // Said by ann too, but later than by bob, whose it is.
      says('bob', 'bob@shop.test', 4),
      says('ann', 'bob@shop.test', 1),
      { type: 'page', userId: 'cat', context: { traits: { email: 'cat@shop.test' } } },
    ]);
    expect(await find({ trait: '$email', eq: 'new@shop.test' })).toEqual(['ann']);
    expect(await find({ trait: '$email', eq: 'old@shop.test' })).toEqual([]);
    expect(await find({ trait: '$email', eq: 'bob@shop.test' })).toEqual(['bob']);
    expect(await find({ trait: '$email', exists: false })).toEqual(['cat']);
    expect(await find({ trait: '$email', exists: true }, { only: ['ann', 'cat'] })).toEqual(['ann']);
  });

  it('counts revenue in the currency of the workspace, unless another one is named', async () => {
    const find = await given([
      buys('ann', 10),
      buys('bob', 20, { properties: { revenue: 20, currency: 'EUR' } }),
    ]);
    expect(await find({ trait: '$revenue', gte: 1 })).toEqual(['ann']);
    expect(await find({ trait: '$revenue', gte: 1 }, { currency: 'EUR' })).toEqual(['bob']);
    expect(await find({ trait: '$revenue.EUR', gte: 1 })).toEqual(['bob']);
    expect(await find({ trait: '$revenue', lte: 0 })).toEqual(['bob']);
  });
});

describe('a window', () => {
  it('within a duration holds an event from the moment it occurs until the duration has passed', async () => {
    const find = await given([track('ann', 'Clicked', { timestamp: at(RECEIVED_AT - DAY) })]);
    const rule = { event: 'Clicked', within: '1h' };
    const when = (ms: number) => find(rule, { now: RECEIVED_AT - DAY + ms });
    expect(await when(-1)).toEqual([]);
    expect(await when(0)).toEqual(['ann']);
    expect(await when(HOUR - 1)).toEqual(['ann']);
    expect(await when(HOUR)).toEqual([]);
  });

  it('between two times holds the first moment and not the last', async () => {
    const t = RECEIVED_AT - DAY;
    const find = await given([track('ann', 'Clicked', { timestamp: at(t) })]);
    expect(await find({ event: 'Clicked', between: [at(t), at(t + 1)] })).toEqual(['ann']);
    expect(await find({ event: 'Clicked', between: [at(t - 1), at(t)] })).toEqual([]);
    expect(await find({ event: 'Clicked', between: ['25h', '23h'] })).toEqual(['ann']);
    expect(await find({ event: 'Clicked', between: ['24h', '23h'] })).toEqual(['ann']);
    expect(await find({ event: 'Clicked', between: ['25h', '24h'] })).toEqual([]);
  });

  it('is about when an event occurred, not about when it arrived', async () => {
    // Both arrived at the same moment; one of them had waited on a phone for a week.
    const find = await given([
      track('late', 'Clicked', { timestamp: at(RECEIVED_AT - 7 * DAY) }),
      track('live', 'Clicked', { timestamp: at(RECEIVED_AT - MINUTE) }),
    ]);
    expect(await find({ event: 'Clicked', within: '1h' })).toEqual(['live']);
    expect(await find({ event: 'Clicked', within: '2w' })).toEqual(['late', 'live']);
  });

  it("counts the workspace's days, also over a change of the clocks", async () => {
    // In Berlin the clocks went forward in the night to 29 March 2026: that day had 23 hours.
    const noon = Date.parse('2026-03-29T10:00:00Z'); // 12:00 summer time
    const find = await given([
      track('ann', 'Clicked', { timestamp: '2026-03-28T11:30:00Z' }), // 12:30 winter time, the day before
      track('bob', 'Clicked', { timestamp: '2026-03-28T10:30:00Z' }), // 11:30
    ]);
    const rule = { event: 'Clicked', within: '1d' };
    expect(await find(rule, { now: noon, timezone: 'Europe/Berlin' })).toEqual(['ann']);
    expect(await find(rule, { now: noon, timezone: 'UTC' })).toEqual(['ann', 'bob']);
    expect(await find({ event: 'Clicked', within: '24h' }, { now: noon, timezone: 'Europe/Berlin' })).toEqual(
      ['ann', 'bob'],
    );
    expect(
      await find({ trait: '$last_seen', after: '1d' }, { now: noon, timezone: 'Europe/Berlin' }),
    ).toEqual(['ann']);
  });
});

describe('an event', () => {
  it('is named by its track call; pages, screens, identify and group calls by their kind; any of them by *', async () => {
    const find = await given([
      track('tracked', 'page'),
      { type: 'page', userId: 'paged', name: 'Clicked' },
      { type: 'screen', userId: 'screened', name: 'Clicked' },
      identify('identified', {}),
      { type: 'group', userId: 'grouped', groupId: 'g' },
    ]);
    expect(await find({ event: 'Clicked' })).toEqual([]);
    expect(await find({ event: 'page' })).toEqual(['tracked']);
    expect(await find({ event: '$page' })).toEqual(['paged']);
    expect(await find({ event: '$screen' })).toEqual(['screened']);
    expect(await find({ event: '$identify' })).toEqual(['identified']);
    expect(await find({ event: '$group' })).toEqual(['grouped']);
    expect(await find({ event: ['page', '$page', '$screen'] })).toEqual(['paged', 'screened', 'tracked']);
    expect(await find({ event: '*' })).toEqual(['grouped', 'identified', 'paged', 'screened', 'tracked']);
  });

  it('counts where all its conditions hold', async () => {
    const viewed = (userId: string, properties: object) => track(userId, 'Viewed', { properties });
    const find = await given([
      viewed('ann', { price: 20, tags: ['new'], brand: { name: 'Acme' } }),
      viewed('bob', { price: '20', tags: 'new' }),
      viewed('cat', { price: 5, tags: ['new'] }),
      track('dan', 'Viewed'),
    ]);
    const where = [
      { prop: 'price', gte: 10, lt: 30 },
      { prop: 'tags', has: 'new' },
    ];
    expect(await find({ event: 'Viewed', where })).toEqual(['ann']);
    expect(await find({ event: 'Viewed', where: [{ prop: 'brand.name', eq: 'Acme' }] })).toEqual(['ann']);
    expect(await find({ event: 'Viewed', where: [{ prop: 'price', exists: false }] })).toEqual(['dan']);
    expect(await find({ event: 'Viewed', where: [{ prop: 'price', neq: 20 }] })).toEqual([
      'bob',
      'cat',
      'dan',
    ]);
  });

  const on = (device: string, minute: number, more: object) => ({
    anonymousId: device,
    timestamp: at(RECEIVED_AT - DAY + minute * MINUTE),
    ...more,
  });
  const clicked = { type: 'track', event: 'Clicked' };

  it('belongs to whoever owned its device at the time', async () => {
    const find = await given([
      on('device-1', 0, clicked), // before anybody signed in: of the first who did
      on('device-1', 1, { type: 'identify', userId: 'ann' }),
      on('device-1', 2, clicked),
      on('device-1', 3, { type: 'identify', userId: 'bob' }),
      on('device-1', 3, clicked), // at the very moment: already of the next one
    ]);
    expect(await find({ event: 'Clicked', eq: 2 })).toEqual(['ann']);
    expect(await find({ event: 'Clicked', eq: 1 })).toEqual(['bob']);
  });

  it('of a kiosk counts for the kiosk from its 51st owner on, whoever is asked about', async () => {
    const owners = Array.from({ length: 51 }, (_, index) => `user-${index}`);
    const find = await given(
      owners.flatMap((userId, index) => [
        on('device-kiosk', index, { type: 'identify', userId }),
        on('device-kiosk', index + 0.5, clicked),
      ]),
    );
    const everybody = [...owners.slice(0, 50), 'device-kiosk'];
    expect(await find({ event: 'Clicked', eq: 1 })).toEqual([...everybody].sort());
    for (const who of ['device-kiosk', 'user-0', 'user-49']) {
      expect(await find({ event: 'Clicked', eq: 1 }, { only: [who] })).toEqual([who]);
    }
    expect(await find({ event: 'Clicked', eq: 1 }, { only: ['user-50', 'nobody'] })).toEqual([]);
  });
});

describe('an aggregate', () => {
  it('without a comparison asks for at least one event', async () => {
    const find = await given([track('ann', 'Clicked'), track('bob', 'Other')]);
    expect(await find({ event: 'Clicked' })).toEqual(['ann']);
    expect(await find({ event: 'Clicked', agg: 'count' })).toEqual(['ann']);
  });

  it('of nothing is 0 for count and sum, so "at most" finds those without any, and missing for all others', async () => {
    const find = await given([track('ann', 'Clicked', { properties: { price: 5 } }), track('bob', 'Other')]);
    const clicked = (agg: string) => ({ event: 'Clicked', agg, ...(agg !== 'count' && { of: 'price' }) });
    for (const agg of ['count', 'sum']) {
      expect(await find({ ...clicked(agg), lte: 0 }), agg).toEqual(['bob']);
      expect(await find({ ...clicked(agg), lt: 10 }), agg).toEqual(['ann', 'bob']);
      expect(await find({ ...clicked(agg), exists: false }), agg).toEqual([]);
    }
    for (const agg of ['avg', 'min', 'max', 'distinct', 'first', 'last']) {
      expect(await find({ ...clicked(agg), lt: 10 }), agg).toEqual(['ann']);
      expect(await find({ ...clicked(agg), exists: false }), agg).toEqual(['bob']);
      expect(await find({ ...clicked(agg), neq: 5, exists: false }), agg).toEqual(['bob']);
    }
  });

  it('adds money exactly, and texts not at all', async () => {
    const find = await given([
      ...Array.from({ length: 10 }, () => buys('ann', 0.1)),
      buys('bob', '100'),
      buys('bob', 0.999999999999),
    ]);
    const spent = { event: 'Order Completed', agg: 'sum', of: 'revenue' };
    // In floating point ten times 0.1 is 0.9999999999999999.
    expect(await find({ ...spent, eq: 1 })).toEqual(['ann']);
    expect(await find({ ...spent, gte: 1 })).toEqual(['ann']);
    expect(await find({ ...spent, eq: 0.999999999999 })).toEqual(['bob']);
  });

  it('of at least 100 in 30 days holds at exactly 100', async () => {
    const rule = { event: 'Order Completed', agg: 'sum', of: 'revenue', within: '30d', gte: 100 };
    const find = await given([
      buys('exact', 59.99),
      buys('exact', 40.01),
      buys('less', 99.99),
      buys('long-ago', 500, { timestamp: at(RECEIVED_AT - 30 * DAY) }),
      buys('just-in-time', 500, { timestamp: at(RECEIVED_AT - 30 * DAY + 1) }),
      { type: 'page', anonymousId: 'passer-by' },
    ]);
    expect(await find(rule)).toEqual(['exact', 'just-in-time']);
    expect(await find({ not: rule })).toEqual(['less', 'long-ago', 'passer-by']);
  });

  it('of values: average, least, most, how many different, first and last', async () => {
    const viewed = (minute: number, value: unknown) =>
      track('ann', 'Viewed', {
        properties: { v: value },
        timestamp: at(RECEIVED_AT - DAY + minute * MINUTE),
      });
    const find = await given([
      viewed(3, 4),
      viewed(1, 'x'),
      viewed(0, null),
      viewed(2, 1),
      viewed(4, 4),
      viewed(5, {}),
    ]);
    const of = (agg: string) => ({ event: 'Viewed', agg, of: 'v' });
    for (const [agg, comparison] of [
      ['avg', { eq: 3 }],
      ['min', { eq: 1 }],
      ['max', { eq: 4 }],
      ['sum', { eq: 9 }],
      ['distinct', { eq: 4 }],
      ['first', { eq: 'x' }],
      ['last', { exists: true, neq: 4 }],
    ] as const) {
      expect(await find({ ...of(agg), ...comparison }), agg).toEqual(['ann']);
    }
  });

  it('of the first and the last event takes the message ID to tell those of one moment apart', async () => {
    const viewed = (v: string, messageId: string) => track('ann', 'Viewed', { properties: { v }, messageId });
    const find = await given([
      viewed('middle', '22222222-2222-4222-8222-222222222222'),
      viewed('last', '33333333-3333-4333-8333-333333333333'),
      viewed('first', '11111111-1111-4111-8111-111111111111'),
    ]);
    expect(await find({ event: 'Viewed', agg: 'first', of: 'v', eq: 'first' })).toEqual(['ann']);
    expect(await find({ event: 'Viewed', agg: 'last', of: 'v', eq: 'last' })).toEqual(['ann']);
  });
});

describe('the shorthand', () => {
  it('finds those of at least so much revenue whose last event is within so many days', async () => {
    const find = await given([
      buys('ann', 100),
      buys('bob', 99.99),
      buys('cat', 500, { timestamp: at(RECEIVED_AT - 30 * DAY) }),
      buys('dan', 500, { timestamp: at(RECEIVED_AT - 29 * DAY) }),
    ]);
    const shorthand = await find({ min_total_spend: 100, days_since_last_event: 30 });
    expect(shorthand).toEqual(['ann', 'dan']);
    expect(
      await find({
        all: [
          { trait: '$revenue', gte: 100 },
          { event: '*', within: '30d' },
        ],
      }),
    ).toEqual(shorthand);
  });
});

describe('a rule', () => {
  it('runs against what a hostile client has stored, and hostile rules are only values', async () => {
    const evil = `x'); drop table event; --`;
    const find = await given([
      identify('ann', { [evil]: evil }),
      track('bob', evil, { properties: { [evil.slice(0, 3)]: evil, revenue: 'NaN' } }),
      track('bob', evil, { properties: { revenue: 'Infinity' } }),
    ]);
    expect(await find({ trait: evil, eq: evil })).toEqual(['ann']);
    expect(await find({ event: evil, gte: 2 })).toEqual(['bob']);
    expect(await find({ event: evil, agg: 'sum', of: 'revenue', gte: 0 })).toEqual(['ann', 'bob']);
  });

  it('as large as a rule may be still runs', async () => {
    const find = await given([track('ann', 'Clicked', { properties: { n: 1 } })]);
    const conditions = Array.from({ length: 2 }, () => ({
      prop: 'n', eq: 1, neq: 2, in: [1], nin: [2], gt: 0, gte: 1, lt: 2, lte: 1, exists: true,
    })); // prettier-ignore
    const leaf = { event: 'Clicked', where: conditions, within: '30d', agg: 'last', of: 'n', eq: 1 };
    expect(await find({ all: Array.from({ length: 100 }, () => leaf) })).toEqual(['ann']);
    expect(
      await find({ any: Array.from({ length: 100 }, (_, n) => ({ trait: `t${n}`, exists: true })) }),
    ).toEqual([]);
  });
});

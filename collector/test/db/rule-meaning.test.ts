/** What rules mean, sentence by sentence, as docs/audiences.md says it under “What is meant”. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askIn, at, buys, DAY, HOUR, identify, MINUTE, track } from '../support/rule-asking';
import { openWriting, RECEIVED_AT, type Writing } from '../support/writing';

let writing: Writing;
beforeAll(async () => {
  writing = await openWriting();
});
afterAll(() => writing.close());

const given = (items: readonly object[], audiences?: Readonly<Record<string, readonly string[]>>) =>
  askIn(writing, items, audiences);
const before = (ms: number) => ({ timestamp: at(RECEIVED_AT - ms) });

describe('a leaf', () => {
  it('holds or does not hold, so not finds exactly all others', async () => {
    const find = await given([identify('ann', { n: 5 }), identify('bob', { n: 'five' }), track('cat', 'X')]);
    for (const rule of [
      { trait: 'n', gt: 1 },
      { event: 'X', agg: 'avg', of: 'n', lt: 1 },
      { bucket: [0, 50] },
    ]) {
      const [holding, others] = [await find(rule), await find({ not: rule })];
      expect([...holding, ...others].sort()).toEqual(['ann', 'bob', 'cat']);
    }
  });

  it('holds where all of its comparisons do', async () => {
    const find = await given([identify('ann', { n: 5 }), identify('bob', { n: 15 })]);
    expect(await find({ trait: 'n', gt: 1, lt: 10, neq: 7 })).toEqual(['ann']);
  });

  it('takes JSON null for missing', async () => {
    const find = await given([
      identify('ann', { plan: null }),
      track('bob', 'X', { properties: { n: null } }),
    ]);
    expect(await find({ trait: 'plan', exists: true })).toEqual([]);
    expect(await find({ event: 'X', where: [{ prop: 'n', exists: false }] })).toEqual(['bob']);
  });

  it('matches what is missing by neq, nin and exists:false, and by nothing else', async () => {
    const find = await given([track('ann', 'X')]);
    const matching = [{ neq: 'a' }, { nin: ['a'] }, { exists: false }];
    for (const comparison of matching) expect(await find({ trait: 'plan', ...comparison })).toEqual(['ann']);
    const others = [
      ...[
        { eq: '' },
        { in: [0, false, ''] },
        { gt: -1 },
        { gte: 0 },
        { lt: 1 },
        { lte: 0 },
        { exists: true },
      ],
      ...[
        { contains: 'a' },
        { prefix: 'a' },
        { suffix: 'a' },
        { has: '' },
        { before: '1d' },
        { after: '1d' },
      ],
    ];
    for (const comparison of others) expect(await find({ trait: 'plan', ...comparison })).toEqual([]);
  });

  it('never converts a type: a number is not its text, and one “oops” among numbers breaks nothing', async () => {
    const find = await given([
      ...[identify('ann', { n: 1 }), identify('bob', { n: '1' }), buys('ann', 60), buys('ann', 'oops')],
      ...[buys('ann', { oops: 1 }), buys('ann', [1]), buys('ann', true), buys('bob', 'oops')],
    ]);
    expect(await find({ trait: 'n', eq: 1 })).toEqual(['ann']);
    expect(await find({ trait: 'n', eq: '1' })).toEqual(['bob']);
    expect(await find({ trait: 'n', gte: 1 })).toEqual(['ann']);
    for (const agg of ['sum', 'avg', 'min', 'max']) {
      expect(await find({ event: 'Order Completed', agg, of: 'revenue', eq: 60 }), agg).toEqual(['ann']);
    }
    expect(await find({ event: 'Order Completed', where: [{ prop: 'revenue', before: '1d' }] })).toEqual([]);
  });

  it('asks texts by contains, prefix and suffix, lists by has, and instants by before and after', async () => {
    const find = await given([
      identify('text', { v: 'abc' }),
      identify('list', { v: ['abc'] }),
      identify('instant', { v: '2020-01-31T12:00:00+01:00' }),
      identify('number', { v: 20200131 }),
    ]);
    for (const comparison of [{ contains: 'b' }, { prefix: 'a' }, { suffix: 'c' }]) {
      expect(await find({ trait: 'v', ...comparison })).toEqual(['text']);
    }
    expect(await find({ trait: 'v', has: 'abc' })).toEqual(['list']);
    expect(await find({ trait: 'v', before: '2020-01-31T11:00:00.001Z' })).toEqual(['instant']);
    expect(await find({ trait: 'v', after: '2020-01-31T10:59:59Z' })).toEqual(['instant']);
  });
});

describe('a window', () => {
  it('is half-open, and about when events occurred', async () => {
    const t = RECEIVED_AT - DAY;
    const find = await given([track('ann', 'X', { timestamp: at(t) })]);
    const within = { event: 'X', within: '1h' };
    expect(await find(within, { now: t })).toEqual(['ann']);
    expect(await find(within, { now: t + HOUR })).toEqual([]);
    expect(await find({ event: 'X', between: [at(t), at(t + 1)] })).toEqual(['ann']);
    expect(await find({ event: 'X', between: [at(t - 1), at(t)] })).toEqual([]);
  });

  it('is measured from one moment in the whole of a run', async () => {
    const find = await given([track('ann', 'X', before(HOUR))]);
    const contradiction = { all: [{ event: 'X', within: '1h' }, { not: { event: 'X', within: '1h' } }] };
    for (const ms of [-1, 0, 1]) expect(await find(contradiction, { now: RECEIVED_AT + ms })).toEqual([]);
  });

  it('counts the days and weeks of the workspace', async () => {
    // In Berlin clocks went forward in the night to 29 March 2026.
    const find = await given([track('ann', 'X', { timestamp: '2026-03-28T11:30:00Z' })]);
    const now = Date.parse('2026-03-29T10:45:00Z');
    expect(await find({ event: 'X', within: '1d' }, { now, timezone: 'UTC' })).toEqual(['ann']);
    expect(await find({ event: 'X', within: '1d' }, { now, timezone: 'Europe/Berlin' })).toEqual([]);
    const week = now + 6 * DAY;
    expect(await find({ event: 'X', within: '1w' }, { now: week, timezone: 'UTC' })).toEqual(['ann']);
    expect(await find({ event: 'X', within: '1w' }, { now: week, timezone: 'Europe/Berlin' })).toEqual([]);
  });

  it('is left by an event once, also in the night in which clocks are put back', async () => {
    // In Berlin it was 02:30 twice on 26 October 2025: at 00:30Z and at 01:30Z.
    const find = await given([track('ann', 'X', { timestamp: '2025-10-25T00:30:00Z' })]);
    const asked = async (time: string) =>
      (await find({ event: 'X', within: '1d' }, { now: Date.parse(time), timezone: 'Europe/Berlin' })).length;
    const times = ['00:29', '00:31', '00:59', '01:01', '01:29', '01:31'];
    const found = await Promise.all(times.map((time) => asked(`2025-10-26T${time}:00Z`)));
    expect(found).toEqual([1, 1, 1, 1, 1, 0]);
  });
});

describe('an aggregate', () => {
  it('of nothing is 0 where it counts or sums, so “at most” finds those who have none', async () => {
    const find = await given([track('ann', 'X'), track('bob', 'Y')]);
    expect(await find({ event: 'X', lte: 0 })).toEqual(['bob']);
    expect(await find({ event: 'X', agg: 'sum', of: 'n', lte: 0 })).toEqual(['ann', 'bob']);
  });

  it('of nothing is missing otherwise', async () => {
    const find = await given([track('ann', 'X')]);
    for (const agg of ['avg', 'min', 'max', 'distinct', 'first', 'last']) {
      expect(await find({ event: 'X', agg, of: 'n', exists: false }), agg).toEqual(['ann']);
    }
  });

  it('reads the day, the week or the month in which events occurred, by the calendar of the workspace', async () => {
    const find = await given(
      // A Sunday late in the evening, and Monday, the first of June.
      ['2026-05-31T20:00:00Z', '2026-05-31T23:00:00Z', '2026-06-01T09:00:00Z'].map((timestamp) =>
        track('ann', 'X', { timestamp }),
      ),
    );
    const of = (unit: string) => ({ event: 'X', agg: 'distinct', of: unit });
    for (const unit of ['$day', '$week', '$month'])
      expect(await find({ ...of(unit), eq: 2 }), unit).toEqual(['ann']);
    const last = { event: 'X', where: [{ prop: 'n', exists: false }], agg: 'last' };
    expect(await find({ ...last, of: '$month', eq: '2026-06-01' })).toEqual(['ann']);
    const first = {
      event: 'X',
      between: ['2026-05-31T22:00:00Z', '2026-06-01T00:00:00Z'],
      agg: 'first',
      of: '$week',
    };
    expect(await find({ ...first, eq: '2026-05-25' })).toEqual(['ann']);
    expect(await find({ ...first, eq: '2026-06-01' }, { timezone: 'Europe/Berlin' })).toEqual(['ann']);
  });
});

describe('an event', () => {
  it('is a track event by its name; $page, $screen, $identify and $group are the other calls', async () => {
    const find = await given([
      track('ann', 'page'),
      { type: 'page', userId: 'bob', name: 'page' },
      { type: 'screen', userId: 'cat' },
      identify('dan', {}),
      { type: 'group', userId: 'eve', groupId: 'g' },
    ]);
    const names = ['page', '$page', '$screen', '$identify', '$group'];
    const found = await Promise.all(names.map((event) => find({ event })));
    expect(found).toEqual([['ann'], ['bob'], ['cat'], ['dan'], ['eve']]);
  });

  it('is any of them by *, but none that the collector records itself', async () => {
    const find = await given([
      { type: 'page', userId: 'ann' },
      ...['$audience_entered', '$audience_exited', '$decision'].map((event) => track('bob', event)),
    ]);
    expect(await find({ event: '*' })).toEqual(['ann']);
    expect(await find({ event: '$decision' })).toEqual(['bob']);
  });
});

describe('what comes next', () => {
  const cart = (userId: string, minute: number, cartId?: unknown) =>
    track(userId, 'Cart', { properties: { id: cartId }, ...before(DAY - minute * MINUTE) });
  const order = (userId: string, minute: number, cartId?: unknown) => ({
    ...cart(userId, minute, cartId),
    event: 'Order',
  });
  const rule = { event: 'Cart', then: { event: 'Order', within: '10m' } };

  it('counts an event where another one is later, and at most so much later', async () => {
    const find = await given([
      ...[cart('at-once', 0), order('at-once', 0)],
      ...[cart('next', 0), order('next', 0.001)],
      ...[cart('last', 0), order('last', 10)],
      ...[cart('late', 0), order('late', 10.001)],
      ...[order('before', 0), cart('before', 1)],
    ]);
    expect(await find(rule)).toEqual(['last', 'next']);
    expect(await find(rule, { only: ['late', 'last', 'before'] })).toEqual(['last']);
  });

  it('must have the same values in the properties that are to be the same, and have them', async () => {
    const find = await given([
      ...[cart('same', 0, 'a'), order('same', 1, 'a')],
      ...[cart('other', 0, 'a'), order('other', 1, 'b')],
      ...[cart('first-of-two', 0, 'a'), order('first-of-two', 1, 'b'), order('first-of-two', 2, 'a')],
      ...[cart('text', 0, 1), order('text', 1, '1')],
      ...[cart('without', 0), order('without', 1)],
    ]);
    expect(await find({ ...rule, same: ['id'] })).toEqual(['first-of-two', 'same']);
  });

  it('counts, with not, an event that none follows, once that time has passed', async () => {
    const t = RECEIVED_AT - DAY;
    const find = await given([cart('left', 0), ...[cart('bought', 0), order('bought', 5)]]);
    const left = { ...rule, then: { ...rule.then, not: true } };
    expect(await find(left, { now: t + 10 * MINUTE - 1 })).toEqual([]);
    expect(await find(left, { now: t + 10 * MINUTE })).toEqual(['left']);
    expect(await find(left)).toEqual(['left']);
  });

  it('must meet its own conditions', async () => {
    const find = await given([
      ...[cart('ann', 0), order('ann', 1, 5)],
      ...[cart('bob', 0), order('bob', 1, 50)],
    ]);
    const where = [{ prop: 'id', gte: 10 }];
    expect(await find({ ...rule, then: { ...rule.then, where } })).toEqual(['bob']);
  });

  it('leaves the aggregate and the window to the first of the two', async () => {
    const find = await given([
      ...[cart('ann', 0, 3), cart('ann', 1, 4), order('ann', 2, 100)],
      // It was looked at before the window, and bought in it.
      ...[cart('bob', 0), order('bob', 9)],
    ]);
    expect(await find({ ...rule, agg: 'sum', of: 'id', eq: 7 })).toEqual(['ann']);
    expect(await find({ ...rule, gte: 2 })).toEqual(['ann']);
    const between = [at(RECEIVED_AT - DAY + MINUTE), at(RECEIVED_AT - DAY + 1.5 * MINUTE)];
    expect(await find({ ...rule, between })).toEqual(['ann']);
  });
});

describe('what else a rule may ask', () => {
  it('$revenue is in the currency of the workspace, $revenue.EUR in another one', async () => {
    const find = await given([
      buys('ann', 5),
      buys('bob', 5, { properties: { revenue: 5, currency: 'EUR' } }),
    ]);
    expect(await find({ trait: '$revenue', gte: 5 })).toEqual(['ann']);
    expect(await find({ trait: '$revenue.EUR', gte: 5 })).toEqual(['bob']);
    expect(await find({ trait: '$revenue', gte: 5 }, { currency: 'EUR' })).toEqual(['bob']);
  });

  it('audience is the stored members of another audience, whatever its rule says', async () => {
    const find = await given([track('ann', 'X'), track('bob', 'X')], { vip: ['ann'], empty: [] });
    expect(await find({ audience: 'vip' })).toEqual(['ann']);
    expect(await find({ audience: 'vip' }, { only: ['bob', 'ann'] })).toEqual(['ann']);
    expect(await find({ all: [{ event: 'X' }, { not: { audience: 'vip' } }] })).toEqual(['bob']);
    expect(await find({ audience: 'empty' })).toEqual([]);
  });

  it('bucket is a share of the profiles, by salt and ID: none is in two, none in none, and it stays', async () => {
    const users = Array.from({ length: 200 }, (_, n) => `user-${n}`);
    const find = await given(users.map((userId) => track(userId, 'X')));
    const shares = await Promise.all([0, 25, 50, 75].map((from) => find({ bucket: [from, from + 25] })));
    expect(shares.flat().sort()).toEqual([...users].sort());
    for (const share of shares) expect(share.length).toBeGreaterThan(20);
    expect(await find({ bucket: [0, 25] })).toEqual(shares[0]);
    expect(await find({ bucket: [0, 25], salt: 'autumn' })).not.toEqual(shares[0]);
  });
});

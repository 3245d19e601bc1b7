import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inWorkspace } from '../../src/db/connect';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const at = (minute: number) =>
  new Date(Date.parse('2026-06-15T10:00:00.000Z') + minute * 60_000).toISOString();

interface Sale {
  readonly minute: number;
  readonly who: object;
  readonly properties: object;
  readonly event?: string;
  readonly messageId?: string;
}
const sale = ({ minute, who, event = 'Order Completed', ...more }: Sale) => ({
  ...{ type: 'track', event, timestamp: at(minute), ...who, ...more },
});
const identify = (minute: number, who: object) => ({ type: 'identify', timestamp: at(minute), ...who });
const money = async (reference: string) => {
  const { body } = await api.get(`/v1/profiles/${reference}`);
  return { orders: body.orders as number, revenue: body.revenue as Record<string, string> };
};
const orders = (names: readonly string[], prefix: string) => names.map((name) => `${prefix}-${name}`);

/** Each in the order given and the other way round, batch by batch. */
const BOTH_WAYS = [
  ['as it happened', <T>(items: readonly T[]) => [...items]],
  ['the other way round', <T>(items: readonly T[]) => [...items].reverse()],
] as const;

describe.each(BOTH_WAYS)('orders that arrive %s', (way, arranged) => {
  const name = (text: string) => orders([text], way.replaceAll(' ', '-'))[0]!;
  const sendAll = async (items: readonly object[]) => {
    for (const item of arranged(items)) expect((await api.batch([item])).status).toBe(200);
  };

  it('count once, though one was retried and one repeated with another amount', async () => {
    const who = { userId: name('ann') };
    const first = sale({
      minute: 1,
      who,
      properties: { order_id: name('1'), revenue: 59.99 },
      messageId: name('m1'),
    });
    const again = sale({
      minute: 2,
      who,
      properties: { order_id: name('1'), revenue: 60 },
      messageId: name('m2'),
    });
    await sendAll([first, again, first, again]);
    expect(await money(`user:${who.userId}`)).toEqual({ orders: 1, revenue: { USD: '59.99' } });
  });

  it('count where the earliest was, though the same number comes from two people', async () => {
    const properties = { order_id: name('2'), revenue: 10 };
    await sendAll([
      sale({ minute: 1, who: { userId: name('bob') }, properties }),
      sale({ minute: 2, who: { userId: name('eve') }, properties }),
    ]);
    expect(await money(`user:${name('bob')}`)).toEqual({ orders: 1, revenue: { USD: '10' } });
    expect(await money(`user:${name('eve')}`)).toEqual({ orders: 0, revenue: {} });
  });

  it('less their refunds, each once by its number, exact to the cent and by currency', async () => {
    const who = { userId: name('cat') };
    const refund = (minute: number, revenue: number) =>
      sale({
        minute,
        who,
        event: 'Order Refunded',
        properties: { refund_id: name('r'), revenue, currency: 'EUR' },
      });
    await sendAll([
      sale({ minute: 1, who, properties: { order_id: name('3'), revenue: 0.1, currency: 'EUR' } }),
      sale({ minute: 2, who, properties: { order_id: name('4'), revenue: '0.2', currency: 'EUR' } }),
      refund(3, 0.05),
      refund(4, 0.1),
      sale({ minute: 5, who, properties: { order_id: name('5'), revenue: 1, currency: 'CHF' } }),
    ]);
    expect(await money(`user:${who.userId}`)).toEqual({ orders: 3, revenue: { EUR: '0.25', CHF: '1' } });
  });

  it('move with the history that they happened in, repeated ones and refunds too', async () => {
    const device = { anonymousId: name('device') };
    const [dan, fay] = [name('dan'), name('fay')];
    const order = { order_id: name('6'), revenue: 20 };
    await sendAll([
      identify(1, { ...device, userId: dan }),
      sale({ minute: 2, who: device, properties: { order_id: name('7'), revenue: 5 } }),
      sale({ minute: 11, who: device, properties: order }),
      sale({ minute: 12, who: device, properties: { ...order, revenue: 30 } }),
      sale({ minute: 13, who: device, event: 'refund', properties: { refund_id: name('s'), amount: 1.5 } }),
      identify(10, { ...device, userId: fay }),
    ]);
    expect(await money(`user:${dan}`)).toEqual({ orders: 1, revenue: { USD: '5' } });
    expect(await money(`user:${fay}`)).toEqual({ orders: 1, revenue: { USD: '18.5' } });
  });

  it('move to who had the earliest, when that is found out across a sign-in', async () => {
    const device = { anonymousId: name('tablet') };
    const [gus, hal] = [name('gus'), name('hal')];
    const order = { order_id: name('8'), revenue: 7 };
    await sendAll([
      sale({ minute: 3, who: device, properties: order }),
      sale({ minute: 4, who: { userId: gus }, properties: order }),
      identify(5, { ...device, userId: hal }),
    ]);
    expect(await money(`user:${hal}`)).toEqual({ orders: 1, revenue: { USD: '7' } });
    expect(await money(`user:${gus}`)).toEqual({ orders: 0, revenue: {} });
  });
});

describe('an amount that cannot be used', () => {
  it.each([
    ['negative', { revenue: -5 }, 'invalid_amount'],
    ['no number', { revenue: 'NaN' }, 'invalid_amount'],
    ['text with a comma', { revenue: '1,50' }, 'invalid_amount'],
    ['beyond all amounts', { revenue: 1e15 }, 'invalid_amount'],
    ['an object', { revenue: {} }, 'invalid_amount'],
    ['absent', {}, 'missing_amount'],
    ['null', { revenue: null }, 'missing_amount'],
  ])('because it is %s counts as an order, is flagged, and adds nothing', async (what, properties, code) => {
    const userId = `odd ${what}`;
    const good = { order_id: `good ${what}`, revenue: 2 };
    await api.batch([
      sale({ minute: 1, who: { userId }, properties }),
      sale({ minute: 2, who: { userId }, properties: good }),
    ]);
    expect(await money(`user:${encodeURIComponent(userId)}`)).toEqual({ orders: 2, revenue: { USD: '2' } });
    const rows = await inWorkspace(api.db, api.workspaceId, (transaction) =>
      transaction
        .selectFrom('event')
        .select('warnings')
        .where('user_id', '=', userId)
        .where('warnings', 'is not', null)
        .execute(),
    );
    expect(rows).toEqual([{ warnings: [code] }]);
  });
});

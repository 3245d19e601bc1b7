import { describe, expect, it } from 'vitest';
import { readOrder } from '../../src/core/order';

const read = (properties: Record<string, unknown>, name = 'Order Completed') => readOrder(name, properties)!;

describe('an order', () => {
  it('is what the e-commerce names say, and their synonyms; nothing else', () => {
    expect(
      ['Order Completed', 'purchase', 'Order Refunded', 'refund', 'order completed'].map(
        (name) => read({}, name).kind,
      ),
    ).toEqual(['order', 'order', 'refund', 'refund', 'order']);
    expect(readOrder('Product Added', { revenue: 1 })).toBeNull();
  });

  it.each([
    [{ revenue: 59.99 }, '59.99'],
    [{ revenue: '59.990' }, '59.990'],
    [{ total: 10 }, '10'],
    [{ value: 10 }, '10'],
    [{ amount: 10 }, '10'],
    [{ revenue: 1, total: 2 }, '1'],
    [{ revenue: null, total: 2 }, '2'],
    [{ revenue: 0 }, '0'],
    [{ revenue: -0 }, '0'],
  ])('of %j is worth %s', (properties, amount) => {
    expect(read(properties)).toMatchObject({ amount, warnings: [] });
  });

  it.each([[-1], ['-1'], ['oops'], ['1e3'], [''], [true], [{}], [1e15], ['1,000']])(
    'of %j counts, is flagged, and adds nothing: never NaN',
    (revenue) => {
      expect(read({ revenue })).toMatchObject({ kind: 'order', amount: null, warnings: ['invalid_amount'] });
    },
  );

  it('without an amount counts, is flagged, and adds nothing', () => {
    for (const properties of [{}, { revenue: null }, { price: 3 }]) {
      expect(read(properties)).toMatchObject({ kind: 'order', amount: null, warnings: ['missing_amount'] });
    }
  });

  it('has a currency of three letters, or the workspace’s', () => {
    expect(read({ currency: 'eur' }).currency).toBe('EUR');
    expect(read({}).currency).toBeNull();
    expect(read({ revenue: 1, currency: '€' })).toMatchObject({
      currency: null,
      warnings: ['invalid_currency'],
    });
  });

  it('with the same ID is the same entry, as number or as text; a refund with it is another', () => {
    expect(read({ order_id: 7 }).entryKey).toBe(read({ order_id: ' 7 ' }).entryKey);
    expect(read({ refund_id: 7 }, 'refund').entryKey).not.toBe(read({ order_id: 7 }).entryKey);
    expect(read({ order_id: ' ' }).entryKey).toBeNull();
  });

  it('that is refunded takes away', () => {
    expect(read({ revenue: 12.5 }, 'Order Refunded').amount).toBe('-12.5');
  });
});

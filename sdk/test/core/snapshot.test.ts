import fc from 'fast-check';
import { expect, test } from 'vitest';
import { snapshot, snapshotObject } from '../../src/core/snapshot';

test('what JSON carries is copied as it is', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      // A key of that name is left out: it would set the prototype.
      fc.pre(!JSON.stringify(value).includes('__proto__'));
      const expected: unknown = JSON.parse(JSON.stringify(value));
      expect(JSON.parse(JSON.stringify(snapshot(value)) ?? 'null')).toEqual(expected);
    }),
  );
});

test('nothing throws, and the copy is always JSON that UTF-8 can carry', () => {
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withProxy: true } as object),
      (value) => {
        const text = JSON.stringify(snapshot(value)) ?? 'null';
        expect(new TextDecoder().decode(new TextEncoder().encode(text))).toBe(text);
      },
    ),
  );
});

test('it is a copy: what the page changes later does not matter', () => {
  const cart = { items: [{ sku: 'a' }] };
  const copy = snapshot(cart);
  cart.items[0]!.sku = 'b';
  expect(copy).toEqual({ items: [{ sku: 'a' }] });
});

test('the same object twice is no cycle', () => {
  const price = { amount: 1 };
  expect(snapshot({ a: price, b: price, list: [price] })).toEqual({ a: price, b: price, list: [price] });
});

test('dates are their ISO form, other values that JSON lacks are named, lone surrogates replaced', () => {
  const odd = {
    at: new Date(0),
    big: 10n,
    call: () => 1,
    mark: Symbol('x'),
    'k\ud800': '\udc00😀',
    gap: undefined,
  };
  expect(snapshot(odd)).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    big: '10',
    call: '[cut]',
    mark: '[cut]',
    'k\ufffd': '\ufffd😀',
    gap: undefined,
  });
  expect(snapshot([undefined, NaN, () => 1])).toEqual([null, NaN, '[cut]']);
});

test('a node of the page is not copied', () => {
  expect(snapshot({ button: document.createElement('button') })).toEqual({ button: '[cut]' });
});

test('what is too deep, too long or too much is cut', () => {
  let deep: unknown = 'bottom';
  for (let level = 0; level < 10_000; level += 1) deep = { deep };
  expect(JSON.stringify(snapshot(deep))).toContain('[cut]');
  expect((snapshot('x'.repeat(1e6)) as string).length).toBe(8_192);
  expect((snapshot(new Array(1e9)) as unknown[]).length).toBeLessThan(10_000);
});

test('a prototype cannot be smuggled in', () => {
  const copy = snapshot(JSON.parse('{"__proto__": {"isAdmin": true}, "a": 1}')) as Record<string, unknown>;
  expect(copy).toEqual({ a: 1 });
  expect(copy.isAdmin).toBeUndefined();
});

test('only an object counts as one', () => {
  expect(snapshotObject({ a: 1 })).toEqual({ a: 1 });
  for (const value of [undefined, null, 'text', 5, [1], () => 1])
    expect(snapshotObject(value)).toBeUndefined();
});

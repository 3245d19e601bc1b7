import { beforeEach, describe, expect, test } from 'vitest';
import { assign, experiments } from '../../src/experiments/experiments';
import type { Experiment } from '../../src/experiments/experiments';

const CHECKOUT: Experiment = { key: 'checkout', variants: ['control', 'blue'] };
const PRICE: Experiment = { key: 'price', variants: { low: 1, high: 1 }, unit: 'user' };

interface Visitor {
  anonymousId?: string;
  userId?: string;
  consent?: string;
}

/** A tracker of this visitor, and what was recorded. */
function visit(visitor: Visitor = {}) {
  const recorded: (readonly [string, object | undefined])[] = [];
  const listeners: (() => unknown)[] = [];
  const tracker = {
    track: (event: string, properties?: object) => void recorded.push([event, properties]),
    anonymousId: () => visitor.anonymousId ?? 'visitor-1',
    user: () => ({ userId: visitor.userId }),
    consent: { get: () => visitor.consent ?? 'granted' },
    on: (_: 'forget', listener: () => unknown) => void listeners.push(listener),
  };
  return { tracker, recorded, forget: () => listeners.forEach((listener) => listener()) };
}

function openAddress(path: string): void {
  const { happyDOM } = window as unknown as { happyDOM: { setURL: (url: string) => void } };
  happyDOM.setURL(`https://shop.example${path}`);
}

beforeEach(() => {
  localStorage.clear();
  openAddress('/');
});

describe('an exposure', () => {
  test('is recorded once for the visitor, however often it is asked, and on later pages', () => {
    const { tracker, recorded } = visit();
    const variant = assign(CHECKOUT, 'visitor-1');
    const page = experiments(tracker, [CHECKOUT]);
    expect([page.variant('checkout'), page.variant('checkout')]).toEqual([variant, variant]);
    experiments(tracker, [CHECKOUT]).variant('checkout');
    expect(recorded).toEqual([
      ['Experiment Viewed', { experiment_id: 'checkout', variation_id: variant, unit: 'anonymous' }],
    ]);
  });

  test('is recorded again for another visitor in the same browser', () => {
    const first = visit({ anonymousId: 'visitor-1' });
    const second = visit({ anonymousId: 'visitor-2' });
    for (const { tracker } of [first, second, first]) experiments(tracker, [CHECKOUT]).variant('checkout');
    expect([first.recorded.length, second.recorded.length]).toEqual([1, 1]);
  });

  test('is forgotten at once, on the device too, when the visitor is', () => {
    const { tracker, recorded, forget } = visit();
    const page = experiments(tracker, [CHECKOUT]);
    page.variant('checkout');
    expect(localStorage).toHaveLength(1);
    forget();
    expect(localStorage).toHaveLength(0);
    page.variant('checkout');
    expect(recorded).toHaveLength(2);
  });

  test('is recorded again for another variant', () => {
    const { tracker, recorded } = visit();
    const sure = (name: string): Experiment => ({ key: 'checkout', variants: { [name]: 1 } });
    experiments(tracker, [sure('control')]).variant('checkout');
    experiments(tracker, [sure('blue')]).variant('checkout');
    expect(recorded.map(([, properties]) => properties)).toMatchObject([
      { variation_id: 'control' },
      { variation_id: 'blue' },
    ]);
  });

  test('is not recorded by a peek, nor of who takes no part', () => {
    const { tracker, recorded } = visit();
    const page = experiments(tracker, [CHECKOUT, { ...CHECKOUT, key: 'nobody', share: 0 }]);
    expect(page.peek('checkout')).toBe(assign(CHECKOUT, 'visitor-1'));
    expect([page.variant('nobody'), page.variant('unknown')]).toEqual([undefined, undefined]);
    expect(recorded).toEqual([]);
  });

  test.each([
    ['the page wants nothing kept', { remember: false }, {}],
    ['the visitor has not agreed', {}, { consent: 'denied' }],
  ])('is recorded once for each page where %s, and nothing stays on the device', (_, options, visitor) => {
    experiments(visit().tracker, [CHECKOUT]).variant('checkout');
    const { tracker, recorded } = visit(visitor);
    for (let n = 0; n < 2; n += 1) {
      const page = experiments(tracker, [CHECKOUT], options);
      page.variant('checkout');
      page.variant('checkout');
    }
    expect(recorded).toHaveLength(2);
    expect(localStorage).toHaveLength(0);
  });

  test('is recorded once for each page where nothing can be kept', () => {
    localStorage.setItem('throughline.exposures', '{not JSON');
    const { tracker, recorded } = visit();
    const page = experiments(tracker, [CHECKOUT]);
    page.variant('checkout');
    page.variant('checkout');
    expect(recorded).toHaveLength(1);
  });
});

describe('a variant', () => {
  test('sticks to the user where the experiment says so, and is nobody’s before they are known', () => {
    const visitor: Visitor = {};
    const page = experiments(visit(visitor).tracker, [PRICE]);
    expect(page.variant('price')).toBeUndefined();
    visitor.userId = 'ada';
    expect(page.variant('price')).toBe(assign(PRICE, 'ada'));
  });

  test('is none while there is no visitor: before consent, or on a server', () => {
    expect(experiments(visit({ anonymousId: '' }).tracker, [CHECKOUT]).variant('checkout')).toBeUndefined();
  });

  test.each([
    ['by option', '/', { overrides: { checkout: 'blue' } }],
    ['by address', '/?tl_variant=checkout:blue&tl_variant=price:low', {}],
    ['by address of another parameter', '/?qa=checkout:blue', { parameter: 'qa' }],
  ])('is chosen for a test %s, and nothing is recorded of it', (_, path, options) => {
    openAddress(path);
    const { tracker, recorded } = visit();
    const page = experiments(tracker, [{ key: 'checkout', variants: { control: 1, blue: 0 } }], options);
    expect([page.variant('checkout'), page.peek('checkout')]).toEqual(['blue', 'blue']);
    expect(recorded).toEqual([]);
  });

  test.each([
    ['that there is not', '/?tl_variant=checkout:<script>', {}],
    ['where that is off', '/?tl_variant=checkout:blue', { parameter: '' }],
  ])('is not chosen by an address %s', (_, path, options) => {
    openAddress(path);
    const page = experiments(
      visit().tracker,
      [{ key: 'checkout', variants: { control: 1, blue: 0 } }],
      options,
    );
    expect(page.variant('checkout')).toBe('control');
  });
});

test('definitions and options that are wrong are named, all of them', () => {
  const bad = [
    { key: 'a:b', variants: ['x'] },
    { key: 'none', variants: [] },
    { key: 'twice', variants: ['x', 'x'] },
    { key: 'zero', variants: { x: 0 } },
    { key: 'nan', variants: { x: Number.NaN } },
    { key: 'much', variants: ['x'], share: 2 },
    { key: 'whom', variants: ['x'], unit: 'group' },
    { key: 'same', variants: ['x'] },
    { key: 'same', variants: ['x'] },
  ] as readonly Experiment[];
  expect(() => experiments(visit().tracker, bad)).toThrow(
    /: a:b\.key, none\.variants, twice\.variants, zero\.variants, nan\.variants, much\.share, whom\.unit, same\.key$/,
  );
  expect(() => experiments(visit().tracker, [], { remember: 'yes' } as object)).toThrow('remember');
});

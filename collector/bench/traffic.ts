/** Events as sites send them: the SDK's fields, in the proportions of a shop. */
import { randomBytes } from 'node:crypto';
import { uuidV7 } from '../src/core/uuid';

export interface Traffic {
  /** The JSON of the next event, with a message ID that no other has. */
  readonly next: (mix: TrafficMix) => string;
  /** From 0 to 1. */
  readonly random: () => number;
}

export type TrafficMix = 'site' | 'identifies';

const VISITORS = 2_000;
const USERS = 500;
/** Share of events by anonymous visitors; then of signed-in users'; then of identify calls. The rest are orders. */
const UP_TO_ANONYMOUS = 0.7;
const UP_TO_SIGNED_IN = 0.9;
const UP_TO_IDENTIFY = 0.95;
/** Share of identify calls where there is little else; half of them are of somebody new, on a device of their own. */
const IDENTIFY_SHARE = 0.8;
const NEWCOMER_SHARE = 0.5;
const PAGE_SHARE = 0.6;
const PRODUCTS = ['Field notebook', 'Desk lamp', 'Enamel mug', 'Day pack', 'Steel bottle', 'Wool throw'];
const ACTIONS = ['Product Viewed', 'Product Added', 'Cart Viewed', 'Checkout Started', 'Products Searched'];
const AGENT =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36';

/**
 * @param seed of who does what; message IDs and order IDs are new in every run
 * @param now milliseconds since 1970
 */
export function createTraffic(seed: number, now: () => number): Traffic {
  const random = createRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const newId = (): string => uuidV7(now(), randomBytes(10));
  // Old acquaintances: their IDs are not in the order of these events.
  const visitors = Array.from({ length: VISITORS + USERS }, () =>
    uuidV7(now() - Math.floor(random() * 30 * 86_400_000), randomBytes(10)),
  );

  const page = () => {
    const path = `/products/${pick(PRODUCTS).toLowerCase().replace(' ', '-')}`;
    const url = `https://shop.example.com${path}`;
    return { path, search: '', url, title: 'Product – Example shop', referrer: 'https://shop.example.com/' };
  };
  const context = (on: object) => ({
    page: on,
    locale: 'en-GB',
    timezone: 'Europe/London',
    userAgent: AGENT,
    screen: { width: 1512, height: 982, density: 2 },
  });
  const priceOf = (): number => Math.round(500 + random() * 9_500) / 100;
  const pageOrTrack = () => {
    const on = page();
    if (random() < PAGE_SHARE) return { type: 'page', properties: on, context: context(on) };
    const product = pick(PRODUCTS);
    const properties = {
      product_id: product.slice(0, 4),
      name: product,
      price: priceOf(),
      currency: 'USD',
      quantity: 1,
    };
    return { type: 'track', event: pick(ACTIONS), properties, context: context(on) };
  };
  const order = () => {
    const products = [0, 1].map(() => ({
      product_id: pick(PRODUCTS).slice(0, 4),
      price: priceOf(),
      quantity: 1,
    }));
    const properties = { order_id: newId(), revenue: priceOf(), currency: 'USD', products };
    return { type: 'track', event: 'Order Completed', properties, context: context(page()) };
  };
  const identify = (user: number) => ({
    type: 'identify',
    traits: { email: `user-${user}@example.com`, name: `User ${user}`, plan: pick(['free', 'pro', 'team']) },
    context: context(page()),
  });

  let newcomers = 0;
  const identifySomebody = (): object => {
    const isNew = random() < NEWCOMER_SHARE;
    const user = isNew ? USERS + newcomers++ : Math.floor(random() * USERS);
    const anonymousId = isNew ? newId() : visitors[VISITORS + user];
    return { messageId: newId(), anonymousId, userId: `user-${user}`, ...identify(user) };
  };
  const nextEvent = (): object => {
    const messageId = newId();
    const timestamp = new Date(now()).toISOString();
    const kind = random();
    if (kind < UP_TO_ANONYMOUS) {
      const anonymousId = visitors[Math.floor(random() * VISITORS)];
      return { messageId, timestamp, anonymousId, ...pageOrTrack() };
    }
    const user = Math.floor(random() * USERS);
    const who = { anonymousId: visitors[VISITORS + user], userId: `user-${user}` };
    if (kind < UP_TO_SIGNED_IN) return { messageId, timestamp, ...who, ...pageOrTrack() };
    return { messageId, timestamp, ...who, ...(kind < UP_TO_IDENTIFY ? identify(user) : order()) };
  };
  return {
    next: (mix) =>
      JSON.stringify(mix === 'identifies' && random() < IDENTIFY_SHARE ? identifySomebody() : nextEvent()),
    random,
  };
}

/** Mulberry32: small, and the same everywhere. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

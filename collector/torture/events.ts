/** What the clients send: visitors who come back, sign in, buy; few of them, so that their histories collide. */
import { createHash } from 'node:crypto';
import { createRandom } from './schedule';

export interface SentEvent {
  readonly messageId: string;
  readonly type: string;
}

const USERS = 12;
const DEVICES = 20;
const ORDERS = 400;
const MAX_EVENTS = 12;
const HOURS_OF_HISTORY = 48;
const MS_PER_HOUR = 3_600_000;

/** The batch number `turn` of a stream; the same for the same seed. Its times lie before `until`. */
export function makeBatch(
  seed: number,
  { stream, turn, until }: { stream: number; turn: number; until: number },
): SentEvent[] {
  const random = createRandom(seed ^ Math.imul(stream + 1, 0x9e3779b1) ^ Math.imul(turn + 1, 0x85ebca6b));
  const one = (of: number): number => Math.floor(random() * of);
  return Array.from({ length: 1 + one(MAX_EVENTS) }, (_, index) => ({
    messageId: uuidOf(`${seed}/${stream}/${turn}/${index}`),
    timestamp: new Date(until - Math.floor(random() * HOURS_OF_HISTORY * MS_PER_HOUR)).toISOString(),
    ...makeEvent(one),
  }));
}

function makeEvent(
  one: (of: number) => number,
): { readonly type: string } & Readonly<Record<string, unknown>> {
  const userId = `user-${one(USERS)}`;
  const anonymousId = `device-${one(DEVICES)}`;
  const identifiers = one(2) === 0 ? { userId } : { anonymousId };
  switch (one(6)) {
    case 0:
      return { type: 'identify', userId, anonymousId, traits: { visits: one(100) } };
    case 1:
      return { type: 'identify', anonymousId, traits: { email: `${userId}@shop.example` } };
    case 2: {
      const properties = { order_id: `order-${one(ORDERS)}`, revenue: one(10_000) / 100, currency: 'USD' };
      return { type: 'track', event: 'Order Completed', ...identifiers, properties };
    }
    case 3:
      return { type: 'track', event: 'Product Added', ...identifiers, properties: { sku: `sku-${one(50)}` } };
    default:
      return { type: 'page', name: 'Shop', ...identifiers };
  }
}

function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

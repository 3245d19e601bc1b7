/** Sends to a collector and reads from it, as its clients do. */
import { randomUUID } from 'node:crypto';
import type { Victim } from '../../torture/victim';

export interface Sent {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly accepted: number;
  readonly duplicates: number;
}

/** One request with the write key of the first workspace. */
export async function send({ origin, recipients }: Victim, batch: readonly object[]): Promise<Sent> {
  const response = await fetch(`${origin()}/v1/batch?writeKey=${recipients[0]!.writeKey}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ batch }),
  });
  const { accepted = 0, duplicates = 0 } = (await response.json()) as Partial<Sent>;
  return { status: response.status, retryAfter: response.headers.get('retry-after'), accepted, duplicates };
}

/** The same again until it is acknowledged, as the answers before ask for; how often that was. */
export async function sendUntilAcknowledged(victim: Victim, batch: readonly object[]): Promise<Sent> {
  for (let attempt = 1; ; attempt += 1) {
    const sent = await send(victim, batch);
    if (sent.status === 200) return sent;
    if (sent.status !== 503 || sent.retryAfter === null || attempt === MAX_ATTEMPTS) {
      throw new Error(`Attempt ${attempt} was answered ${sent.status}, retry after ${sent.retryAfter}.`);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

const MAX_ATTEMPTS = 300;
const RETRY_MS = 100;

/** A read with the secret key: its status. */
export async function read({ origin, secretKey }: Victim, path: string): Promise<number> {
  const response = await fetch(origin() + path, { headers: { authorization: `Bearer ${secretKey}` } });
  await response.arrayBuffer();
  return response.status;
}

/** A visit that ends with a sign-in and an order: every part of the write path has something to do. */
export function visit(name: string): object[] {
  const ids = { anonymousId: `device of ${name}` };
  return [
    { type: 'page', name: 'Shop', ...ids, messageId: randomUUID() },
    {
      type: 'identify',
      userId: name,
      ...ids,
      traits: { email: `${name}@shop.example` },
      messageId: randomUUID(),
    },
    {
      type: 'track',
      event: 'Order Completed',
      userId: name,
      properties: { order_id: `order of ${name}`, revenue: 12.5, currency: 'USD' },
      messageId: randomUUID(),
    },
  ];
}

/**
 * Sends events from Node (20 or newer) with plain fetch, and reads the profile back.
 *
 *   COLLECTOR=http://127.0.0.1:3000 WRITE_KEY=pk_… SECRET_KEY=sk_… node send.mjs
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

const { COLLECTOR, WRITE_KEY, SECRET_KEY } = process.env;
if (!COLLECTOR || !WRITE_KEY || !SECRET_KEY) throw new Error('Set COLLECTOR, WRITE_KEY and SECRET_KEY.');

const MAX_TRIES = 8;

/**
 * Resolves with the verdicts when the events are stored. The messageId of each event is made once, before the first
 * try: so it is harmless to send again when an answer was lost.
 */
async function send(events) {
  const now = new Date().toISOString();
  const batch = events.map((event) => ({ messageId: randomUUID(), timestamp: now, ...event }));
  for (let tries = 1; ; tries += 1) {
    const response = await post({ batch, sentAt: new Date().toISOString() });
    if (response?.ok) return response.json();
    const mayPass = response === undefined || response.status === 429 || response.status >= 500;
    if (!mayPass || tries === MAX_TRIES) throw new Error(`Not sent: ${await describe(response)}`);
    const seconds = Number(response?.headers.get('retry-after')) || Math.random() * 2 ** tries;
    await pause(seconds * 1000);
  }
}

/** The answer, or undefined where there was none. */
async function post(body) {
  try {
    return await fetch(`${COLLECTOR}/v1/batch`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from(`${WRITE_KEY}:`).toString('base64')}`,
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
  } catch {
    // No connection, or no answer in time: whether it arrived is unknown, so it is sent again.
    return undefined;
  }
}

async function describe(response) {
  return response === undefined ? 'no answer' : `${response.status} ${await response.text()}`;
}

const visitor = randomUUID();
const verdicts = await send([
  { type: 'page', name: 'Mugs', anonymousId: visitor },
  { type: 'identify', anonymousId: visitor, userId: 'grace', traits: { email: 'grace@example.com' } },
  {
    type: 'track',
    event: 'Order Completed',
    userId: 'grace',
    properties: { order_id: randomUUID(), revenue: 42.5, currency: 'USD' },
  },
]);
console.log(verdicts);
for (const { index, code, message } of verdicts.rejected)
  console.error(`Event ${index}: ${code}. ${message}`);

const answer = await fetch(`${COLLECTOR}/v1/profiles/user:grace`, {
  headers: { authorization: `Bearer ${SECRET_KEY}` },
});
if (!answer.ok) throw new Error(`Not read: ${await describe(answer)}`);
const { email, events, orders, revenue } = await answer.json();
console.log({ email, events, orders, revenue });

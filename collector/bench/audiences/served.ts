/** What a collector in a process of its own takes: a file of all members, and the way from an event to a change. */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { setTimeout as wait } from 'node:timers/promises';
import { openHttpLane, renderPost } from '../http-lane';
import { peakMemoryOf, resetPeakMemory } from '../memory';
import { spread, type Spread } from '../spread';
import { timed } from './asking';
import { isUser } from './data';

export interface Server {
  readonly url: string;
  readonly pid: number;
  readonly writeKey: string;
  readonly secretKey: string;
}

export interface ExportRow {
  readonly format: string;
  readonly members: number;
  readonly rowsPerSecond: number;
  readonly bytes: number;
  /** Of the collector, before and at most meanwhile; null where the system does not tell. */
  readonly memory: { readonly before: number | null; readonly peak: number | null };
}

export async function measureExport(
  server: Server,
  { audienceId, members }: { readonly audienceId: string; readonly members: number },
  format: string,
): Promise<ExportRow> {
  const before = resetPeakMemory(server.pid);
  const { ms, result: bytes } = await timed(async () => {
    const response = await ask(server, `GET /v1/audiences/${audienceId}/export?format=${format}`);
    let read = 0;
    for await (const chunk of Readable.fromWeb(response.body! as NodeReadableStream))
      read += (chunk as Uint8Array).length;
    return read;
  });
  const memory = { before, peak: peakMemoryOf(server.pid) };
  return { format, members, rowsPerSecond: (members / ms) * 1000, bytes, memory };
}

const EVENTS = 50;
const LOOK_EVERY_MS = 20;
const RULE = { event: 'Delay Measured', within: '1d' };

/** From an event's answer until its profile can be read in the audience's changes, in milliseconds. */
export async function measureDelay(
  server: Server,
  { profiles }: { readonly profiles: number },
): Promise<Spread> {
  const created = await ask(server, 'POST /v1/audiences', { name: `Delay ${randomUUID()}`, rule: RULE });
  const { id } = (await created.json()) as { id: string };
  const times: number[] = [];
  let since = '0';
  for (let n = 0; n < EVENTS; n += 1) {
    const user = userNear(Math.floor((profiles / EVENTS) * n));
    await ask(server, 'POST /v1/track', { event: RULE.event, userId: user, messageId: randomUUID() });
    const begun = performance.now();
    for (let isSeen = false; !isSeen;) {
      const response = await ask(server, `GET /v1/audiences/${id}/changes?since=${since}`);
      const { data, last } = (await response.json()) as { data: { userId: string }[]; last: string };
      isSeen = data.some(({ userId }) => userId === user);
      since = last;
      if (!isSeen) await wait(LOOK_EVERY_MS);
    }
    times.push(performance.now() - begun);
  }
  return spread(times);
}

const DECISIONS = 300;
const HARMLESS: readonly unknown[] = [undefined, null, 'nothing_matched', 'no_profile'];
const TIME_LIMIT_MS = 5_000;

export interface DecideRow {
  readonly name: string;
  readonly ms: Spread;
}

/**
 * Answers one after the other on one connection, as the caller waits for them, each about somebody else: of stored members alone, and just
 * behind the answer to an event that may change them.
 *
 * @param keys of audiences that the cases name
 */
export async function measureDecide(
  server: Server,
  { profiles, keys }: { readonly profiles: number; readonly keys: readonly string[] },
): Promise<readonly DecideRow[]> {
  const cases = keys.map((audience) => ({
    when: { all: [{ audience }, { trait: '$context.total', gte: 100 }] },
    then: { page: audience },
  }));
  const body = { name: `Bench ${randomUUID()}`, cases: [...cases, { then: { page: 'plain' } }] };
  const created = await ask(server, 'POST /v1/decisions', body);
  const { key: decision } = (await created.json()) as { key: string };
  const lane = await openHttpLane(new URL(server.url));
  const decide = async (userId: string): Promise<number> => {
    const request = { decision, userId, context: { total: 180 }, timeLimitMs: TIME_LIMIT_MS };
    const url = new URL('/v1/decide', server.url);
    const bytes = renderPost(url, JSON.stringify(request), `Bearer ${server.secretKey}`);
    const { ms, result } = await timed(() => lane.send(bytes));
    if (result.status !== 200) throw new Error(`POST /v1/decide: ${result.status} ${result.body}`);
    const { defaultReason } = JSON.parse(result.body) as { defaultReason?: string | null };
    // Of some thousands one was never seen: the events are spread by chance.
    if (!HARMLESS.includes(defaultReason)) throw new Error(`A decision fell back: ${defaultReason}`);
    return ms;
  };
  const stored: number[] = [];
  for (let n = 0; n < DECISIONS; n += 1) {
    const userId = userNear(Math.floor((profiles / DECISIONS) * n));
    stored.push(await decide(userId));
  }
  const fresh: number[] = [];
  for (let n = 0; n < EVENTS; n += 1) {
    const userId = userNear(Math.floor((profiles / DECISIONS) * n));
    const properties = { revenue: 120, currency: 'USD', order_id: randomUUID() };
    await ask(server, 'POST /v1/track', { event: 'Order Completed', userId, properties });
    fresh.push(await decide(userId));
  }
  lane.close();
  return [
    { name: `decide, ${keys.length} audiences`, ms: spread(stored) },
    { name: 'decide, just behind an order', ms: spread(fresh) },
  ];
}

function userNear(n: number): string {
  return isUser(n) ? `user-${n}` : userNear(n + 1);
}

/**
 * @param call such as "GET /health"
 * @throws where the answer is none of success
 */
async function ask(server: Server, call: string, body?: object): Promise<Response> {
  const [method = '', path = ''] = call.split(' ');
  const isPublic = path === '/v1/track';
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      authorization: isPublic
        ? `Basic ${Buffer.from(`${server.writeKey}:`).toString('base64')}`
        : `Bearer ${server.secretKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${call}: ${response.status} ${await response.text()}`);
  return response;
}

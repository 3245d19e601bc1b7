/**
 * A collector on another origin, in the hands of a scenario: it is slow, fails, swallows and lies as it is told, and
 * counts each event on the wire by its ID. Each scenario has a lane of its own, so that many run at once.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, inflateSync } from 'node:zlib';

/** What the server does with a request that brings events. */
export type Mode =
  /** Takes them, and says so after the latency. */
  | { readonly kind: 'take'; readonly latencyMs: number }
  /** Takes them and never says so: whoever sent them is gone, or waits in vain. */
  | { readonly kind: 'take in silence' }
  /** Never answers, and takes nothing: a machine without power. */
  | { readonly kind: 'black hole' }
  /** Closes the connection. */
  | { readonly kind: 'cut' }
  /** Takes nothing and says this. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Answers so that the page may not read it. */
  | { readonly kind: 'hide the answer' }
  /** Says 413 to more events than these. */
  | { readonly kind: 'small'; readonly maxEvents: number }
  /** Says 400 to any batch with an event that has this number. */
  | { readonly kind: 'choke'; readonly poison: number };

export const TAKE: Mode = { kind: 'take', latencyMs: 0 };
const COLLECTOR_ERROR = '{"error":{"code":"no","message":"no"}}';

/** An event on the wire: its number, which the scenario gave it, and its ID, which the library did. */
interface Counted {
  readonly number: number;
  readonly id: string;
}

export interface Lane {
  readonly url: string;
  mode: Mode;
  /** Every request with events, taken or not: when, in monotonic milliseconds, and how many it brought. */
  readonly requests: ReadonlyArray<{ readonly at: number; readonly events: number }>;
  /** How often each number was taken, over all IDs: 1 where all is well. */
  readonly taken: () => ReadonlyMap<number, number>;
  /** The IDs that were taken, each once. */
  readonly ids: () => ReadonlySet<string>;
  /** Nothing is on its way, and everything that was asked is answered. */
  readonly isIdle: () => boolean;
}

export interface DeliveryServer {
  /** @param forwardTo where what is taken goes on to: a real collector's URL */
  readonly openLane: (name: string, forwardTo?: string) => Lane;
  readonly close: () => Promise<void>;
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': '*',
  'access-control-expose-headers': 'retry-after',
};

export async function openDeliveryServer(): Promise<DeliveryServer> {
  const lanes = new Map<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>>();
  const server = createServer((request, response) => {
    const name = /^\/([\w-]+)\//.exec(request.url ?? '')?.[1] ?? '';
    const handle = lanes.get(name);
    if (!handle) return void response.writeHead(404).end();
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    openLane: (name, forwardTo) => {
      const { lane, handle } = createLane(`${origin}/${name}`, forwardTo);
      lanes.set(name, handle);
      return lane;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function createLane(url: string, forwardTo: string | undefined) {
  const requests: Array<{ at: number; events: number }> = [];
  const copies = new Map<string, { number: number; count: number }>();
  let open = 0;

  const take = async (path: string, body: string, counted: readonly Counted[]): Promise<string> => {
    for (const { id, number } of counted) {
      copies.set(id, { number, count: (copies.get(id)?.count ?? 0) + 1 });
    }
    if (forwardTo === undefined) return verdictFor(body);
    const answer = await fetch(forwardTo + path, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body,
    });
    return answer.text();
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request);
    const counted = countedIn(body);
    // Settings that some libraries ask for, and the preflights of those that need one.
    if (counted.length === 0) {
      response.writeHead(200, { ...CORS, 'content-type': 'application/json' }).end('{}');
      return;
    }
    const { mode } = lane;
    requests.push({ at: performance.now(), events: counted.length });
    const isTaken = mode.kind === 'take' || mode.kind === 'take in silence';
    const reply = decide(mode, counted);
    open += 1;
    response.once('close', () => (open -= 1));
    const path = (request.url ?? '').slice(new URL(url).pathname.length);
    const verdict = isTaken || reply === 'take' ? await take(path, body, counted) : '';
    if (mode.kind === 'take' && mode.latencyMs > 0) {
      await new Promise((resolve) => setTimeout(resolve, mode.latencyMs));
    }
    if (reply === 'silence') return;
    if (reply === 'cut') return void response.destroy();
    const { status, headers, text } =
      reply === 'take' ? { status: 200, headers: CORS, text: verdict } : reply;
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
  };
  const lane: Lane = {
    url,
    mode: TAKE,
    requests,
    taken: () => {
      const numbers = new Map<number, number>();
      for (const { number, count } of copies.values())
        numbers.set(number, (numbers.get(number) ?? 0) + count);
      return numbers;
    },
    ids: () => new Set(copies.keys()),
    isIdle: () => open === 0,
  };
  return { lane, handle };
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

function decide(mode: Mode, counted: readonly Counted[]): 'take' | 'silence' | 'cut' | Reply {
  const refuse = (status: number): Reply => ({ status, headers: CORS, text: COLLECTOR_ERROR });
  switch (mode.kind) {
    case 'take':
      return 'take';
    case 'take in silence':
    case 'black hole':
      return 'silence';
    case 'cut':
      return 'cut';
    case 'answer':
      return { status: mode.status, headers: { ...CORS, ...mode.headers }, text: mode.body };
    case 'hide the answer':
      return { status: 200, headers: {}, text: '{}' };
    case 'small':
      return counted.length > mode.maxEvents ? refuse(413) : 'take';
    case 'choke':
      return counted.some(({ number }) => number === mode.poison) ? refuse(400) : 'take';
  }
}

/** What our collector would say, and what makes others content too. */
function verdictFor(body: string): string {
  const isOurs = body.startsWith('{"batch"');
  const { batch } = (isOurs ? JSON.parse(body) : {}) as { batch?: readonly unknown[] };
  return JSON.stringify({
    accepted: batch?.length ?? 1,
    duplicates: 0,
    rejected: [],
    success: true,
    status: 1,
  });
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  if (raw[0] === 0x1f && raw[1] === 0x8b) return gunzipSync(raw).toString('utf8');
  return (raw[0] === 0x78 ? inflateSync(raw) : raw).toString('utf8');
}

/** All events in a body, in whatever form a library gives it: what has `properties.count`. */
function countedIn(body: string): readonly Counted[] {
  const found: Counted[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { properties, messageId, uuid } = value as Readonly<Record<string, unknown>>;
    const number = (properties as { readonly count?: unknown } | undefined)?.count;
    if (typeof number === 'number') found.push({ number, id: String(messageId ?? uuid) });
    else Object.values(value).forEach(visit);
  };
  try {
    // As a form, which some libraries send on leaving.
    const form = body.startsWith('data=') ? new URLSearchParams(body).get('data') : null;
    visit(JSON.parse(form === null ? body : Buffer.from(form, 'base64').toString('utf8')));
  } catch {
    // Not JSON: not events.
  }
  return found;
}

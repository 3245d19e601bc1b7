/** A plain HTTP proxy in front of a collector: it writes down what clients really send, and breaks what a test says. */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** An event as a client sends it. */
export type WireEvent = Readonly<Record<string, unknown>> & { readonly messageId: string };

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>> | null;
  /** Of the answer that the client was given. */
  readonly status: number;
}

/** 503 with Retry-After, before or after the collector has got the request and stored it. */
export const FAULTS = ['refuse', 'lose the answer'] as const;
type Fault = (typeof FAULTS)[number];

export interface Wire {
  readonly url: string;
  /** What was answered, in that order. */
  readonly requests: readonly WireRequest[];
  /** The events of all POSTs, each with the time at which its request says it was sent. */
  readonly events: () => readonly WireEvent[];
  /** The next POST, once. */
  readonly breakNext: (fault: Fault) => void;
  readonly close: () => Promise<void>;
}

const UNAVAILABLE = {
  'retry-after': '1',
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'retry-after',
  'content-type': 'application/json',
};

export async function openWire(target: string): Promise<Wire> {
  const requests: WireRequest[] = [];
  let fault: Fault | null = null;

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const raw = await readAll(incoming);
    const isPost = incoming.method === 'POST';
    const broken = isPost ? fault : null;
    if (isPost) fault = null;
    const answer = broken === 'refuse' ? null : await forward(target, incoming, raw);
    const status = broken === null ? answer!.status : 503;
    requests.push({
      method: incoming.method!,
      path: incoming.url!,
      headers: incoming.headers,
      body: isPost ? readJson(raw) : null,
      status,
    });
    if (broken === null) response.writeHead(status, answer!.headers).end(answer!.body);
    else response.writeHead(status, UNAVAILABLE).end('{}');
  };

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    events: () => requests.flatMap(({ body }) => eventsIn(body)),
    breakNext: (next) => {
      fault = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function eventsIn(body: WireRequest['body']): WireEvent[] {
  if (body === null || 'series' in body) return [];
  const { batch, sentAt } = body;
  const items = (Array.isArray(batch) ? batch : [body]) as WireEvent[];
  return items.map((item) => ({ ...item, sentAt }));
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function readJson(raw: Buffer): WireRequest['body'] {
  const plain = raw[0] === 0x1f ? gunzipSync(raw) : raw;
  return JSON.parse(plain.toString('utf8')) as WireRequest['body'];
}

/** Passes on everything as it is, the Host header too. */
function forward(
  target: string,
  { method, url, headers }: IncomingMessage,
  raw: Buffer,
): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(url!, target), { method: method!, headers }, (answer) => {
      readAll(answer).then(
        (body) => resolve({ status: answer.statusCode!, headers: answer.headers, body }),
        reject,
      );
    });
    outgoing.on('error', reject);
    outgoing.end(raw);
  });
}

/**
 * One keep-alive HTTP/1.1 connection with one request at a time. Written by hand because a load generator shares the
 * machine with what it measures: this costs a fraction of what node:http's client does. It reads only what the
 * collector answers, a status line and a body with a Content-Length (RFC 9112).
 */
import { connect, type Socket } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export interface HttpLane {
  /** @throws when the connection ends, or the answer is none that we read */
  readonly send: (request: Buffer) => Promise<HttpAnswer>;
  readonly close: () => void;
}

const HEAD_END = '\r\n\r\n';

export async function openHttpLane(origin: URL): Promise<HttpLane> {
  const socket = connect(Number(origin.port), origin.hostname);
  socket.setNoDelay(true);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return overSocket(socket);
}

function overSocket(socket: Socket): HttpLane {
  let received = Buffer.alloc(0);
  let waiting: { resolve: (answer: HttpAnswer) => void; reject: (error: Error) => void } | undefined;
  const settle = (act: (who: NonNullable<typeof waiting>) => void): void => {
    const who = waiting;
    waiting = undefined;
    if (who !== undefined) act(who);
  };
  socket.on('data', (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    try {
      const read = readAnswer(received);
      if (read === undefined) return;
      received = received.subarray(read.length);
      settle(({ resolve }) => resolve(read.answer));
    } catch (error) {
      settle(({ reject }) => reject(error as Error));
    }
  });
  socket.on('error', (error) => settle(({ reject }) => reject(error)));
  socket.on('close', () => settle(({ reject }) => reject(new Error('The collector closed the connection.'))));
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(request);
      }),
    close: () => socket.destroy(),
  };
}

/** The first answer in the bytes and how many of them it takes; undefined while it is not complete. */
function readAnswer(bytes: Buffer): { readonly answer: HttpAnswer; readonly length: number } | undefined {
  const headLength = bytes.indexOf(HEAD_END);
  if (headLength === -1) return undefined;
  const head = bytes.toString('latin1', 0, headLength);
  const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(head) ?? [];
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
  if (status === undefined || length === undefined)
    throw new Error(`Not an answer that is read here:\n${head}`);
  const start = headLength + HEAD_END.length;
  const end = start + Number(length);
  if (bytes.length < end) return undefined;
  return { answer: { status: Number(status), body: bytes.toString('utf8', start, end) }, length: end };
}

/**
 * A whole POST request, ready to be written.
 *
 * @param authorization the header's value @default none
 */
export function renderPost(url: URL, json: string, authorization?: string): Buffer {
  const body = Buffer.from(json);
  const head = [
    `POST ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
  ];
  return Buffer.concat([Buffer.from(head.join('\r\n') + HEAD_END), body]);
}

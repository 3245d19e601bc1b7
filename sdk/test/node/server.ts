import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly events: ReadonlyArray<Readonly<Record<string, unknown>> & { readonly messageId: string }>;
}

/** Answers a request; without an answer the request hangs. */
export type Reply = (request: ReceivedRequest, response: ServerResponse, index: number) => void;

export interface FailingServer {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  setReply(reply: Reply): void;
  close(): Promise<void>;
}

export function answer(
  response: ServerResponse,
  status: number,
  { body, headers = {} }: { readonly body: unknown; readonly headers?: Readonly<Record<string, string>> },
): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}

export function refuse(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  answer(response, status, { body: { error: { code: 'no', message: 'no' } }, headers });
}

/** A collector whose answers are in the test's hands: by default it accepts everything. */
export async function openServer(): Promise<FailingServer> {
  const requests: ReceivedRequest[] = [];
  let reply: Reply = accept;
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { batch } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
        batch: ReceivedRequest['events'];
      };
      const { url: path = '', headers } = incoming;
      requests.push({ path, authorization: headers.authorization, events: batch });
      reply(requests.at(-1)!, response, requests.length - 1);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    setReply: (next) => {
      reply = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** As the collector says of a good batch. */
export function accept({ events }: ReceivedRequest, response: ServerResponse): void {
  answer(response, 200, { body: { accepted: events.length, duplicates: 0, rejected: [] } });
}

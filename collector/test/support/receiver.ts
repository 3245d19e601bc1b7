/** Somebody's server, to which webhooks are sent: over HTTP or TLS, with what it answers in the test's hands. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import type { DeliveredChange } from '../../src/core/webhook-body';
import { signWebhook } from '../../src/core/webhook-signature';

/** As JSON has it. */
export type SeenChange = Omit<DeliveredChange, 'at'> & { readonly at: string };

export interface Received {
  readonly id: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly changes: readonly SeenChange[];
  readonly isTest: boolean;
}

export type Reaction = (received: Received, response: ServerResponse) => void;

export interface Receiver {
  readonly url: string;
  /** All that came, in order. */
  readonly received: Received[];
  /** Who is asked for what, from now on. @default 204 */
  react: Reaction;
  /** How many requests were being answered at the same time, at most. */
  readonly mostAtOnce: () => number;
  /** Waits until so many have come. */
  readonly has: (count: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

export const answer =
  (status: number, headers: Readonly<Record<string, string>> = {}, body = ''): Reaction =>
  (_received, response) =>
    void response.writeHead(status, headers).end(body);

/** @param tls a key and a certificate, as PEM */
export async function openReceiver(tls?: { readonly key: string; readonly cert: string }): Promise<Receiver> {
  const received: Received[] = [];
  let [atOnce, mostAtOnce] = [0, 0];
  const waiting = new Set<() => void>();
  const listen = (request: IncomingMessage, response: ServerResponse): void => {
    mostAtOnce = Math.max(mostAtOnce, (atOnce += 1));
    response.on('close', () => (atOnce -= 1));
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      const body = JSON.parse(text) as { data: { changes: SeenChange[]; isTest: boolean } };
      const headers = request.headers as Record<string, string>;
      const seen = { id: headers['webhook-id']!, path: request.url!, headers, text, ...body.data };
      received.push(seen);
      receiver.react(seen, response);
      for (const look of waiting) look();
    });
  };
  const server = tls === undefined ? createServer(listen) : createSecureServer(tls, listen);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/hook`,
    received,
    react: answer(204),
    mostAtOnce: () => mostAtOnce,
    has: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (received.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}

/** That each of the secrets has signed it, and nobody else. */
export function expectSignedBy({ headers, id, text }: Received, secrets: readonly string[]): void {
  const at = new Date(Number(headers['webhook-timestamp']) * 1000);
  const expected = signWebhook({ id, at, body: text }, secrets)['webhook-signature'];
  expect(headers['webhook-signature']!.split(' ').sort()).toEqual(expected.split(' ').sort());
}

/** Who is in, by what came: `audience profile` pairs. */
export function membersBy(received: readonly Received[]): string[] {
  const members = new Set<string>();
  for (const { audience, profileId, change } of received.flatMap(({ changes }) => changes)) {
    if (change === 'entered') members.add(`${audience} ${profileId}`);
    else members.delete(`${audience} ${profileId}`);
  }
  return [...members].sort();
}

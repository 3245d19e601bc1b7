/** A TCP proxy in front of Postgres that reads the protocol's messages and can cut a connection at any of them. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createMessageReader } from './protocol';

export interface Message {
  readonly from: 'collector' | 'postgres';
  /** The letter of the message, e.g. Q, or C for CommandComplete; empty for the first one of a connection. */
  readonly type: string;
  /** Its content as text, one character a byte. */
  readonly text: string;
  /** What the connection calls itself. */
  readonly applicationName: string;
}

/** Asked before a message is passed on; true cuts the connection instead. */
export type Cut = (message: Message) => boolean;

export interface Proxy {
  /** As the URL of the database behind it. */
  readonly url: string;
  /** Cuts by this rule from now on; null passes everything on. */
  readonly cutWhere: (rule: Cut | null) => void;
  /** Cuts all connections now. */
  readonly cutAll: () => void;
  /** While silent, nothing is passed on and nothing is said: what a machine without power does. */
  readonly setSilent: (isSilent: boolean) => void;
  /** While down, connections are taken and cut at once. */
  readonly setDown: (isDown: boolean) => void;
  readonly close: () => Promise<void>;
}

export async function openProxy(databaseUrl: string): Promise<Proxy> {
  const target = new URL(databaseUrl);
  const pairs = new Set<readonly [Socket, Socket]>();
  let rule: Cut | null = null;
  let isDown = false;
  let isSilent = false;

  // Messages are passed on one by one: without noDelay each may wait 40 ms for the acknowledgement of the one before.
  const server = createServer({ noDelay: true }, (near) => {
    near.on('error', () => undefined);
    if (isDown) return void near.resetAndDestroy();
    const far = connect({ port: Number(target.port), host: target.hostname, noDelay: true });
    far.on('error', () => undefined);
    const pair = [near, far] as const;
    pairs.add(pair);
    const cut = (): void => {
      pairs.delete(pair);
      for (const socket of pair) socket.resetAndDestroy();
    };
    let applicationName = '';
    const pass = (from: Message['from'], [source, sink]: readonly [Socket, Socket]): void => {
      const read = createMessageReader(from === 'collector', ({ type, text, bytes }) => {
        if (from === 'collector' && type === '')
          applicationName = /application_name\0([^\0]*)/.exec(text)?.[1] ?? '';
        if (source.destroyed || isSilent) return;
        if (rule?.({ from, type, text, applicationName }) === true) cut();
        else sink.write(bytes);
      });
      source.on('data', read);
      source.on('close', cut);
    };
    pass('collector', [near, far]);
    pass('postgres', [far, near]);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const cutAll = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
    pairs.clear();
  };
  const url = new URL(databaseUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    cutAll,
    cutWhere: (next) => void (rule = next),
    setSilent: (silent) => void (isSilent = silent),
    setDown(next) {
      isDown = next;
      if (isDown) cutAll();
    },
    async close() {
      server.close();
      cutAll();
      await once(server, 'close');
    },
  };
}

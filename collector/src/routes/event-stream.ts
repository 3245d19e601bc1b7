import type { Reply } from './context';

/** A comment line this often keeps proxies from closing a quiet stream. */
const KEEP_ALIVE_MS = 15_000;

export interface Message {
  readonly event: string;
  /** What a browser that comes back sends as Last-Event-ID. */
  readonly id?: string;
  readonly data: unknown;
}

/** Begins to answer with server-sent events (WHATWG HTML, section 9.2), and keeps the connection from being closed. */
export function beginEventStream(reply: Reply): {
  readonly send: (message: Message) => void;
  readonly end: () => void;
  readonly onEnd: (listener: () => void) => void;
} {
  const { raw } = reply.hijack();
  // Hijacked: what hooks set on the reply (CORS, the request's ID) has to be carried over.
  const headers = Object.fromEntries(
    Object.entries(reply.getHeaders()).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  raw.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  raw.write(': connected\n\n');
  const keepAlive = setInterval(() => raw.write(': still here\n\n'), KEEP_ALIVE_MS);
  raw.on('close', () => clearInterval(keepAlive));
  return {
    send: ({ event, id, data }) =>
      raw.write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`),
    end: () => raw.end(),
    onEnd: (listener) => raw.on('close', listener),
  };
}

export interface Polling {
  readonly everyMs: number;
  /** Sends what is new. */
  readonly poll: (send: (message: Message) => void) => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly onEnd: () => void;
}

/** Server-sent events of something that is asked for again and again; returns what ends it. */
export function openEventStream(reply: Reply, { everyMs, poll, onError, onEnd }: Polling): () => void {
  const stream = beginEventStream(reply);
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const look = async (): Promise<void> => {
    await poll(stream.send).catch(onError);
    if (!isOver) timer = setTimeout(() => void look(), everyMs);
  };
  stream.onEnd(() => {
    isOver = true;
    clearTimeout(timer);
    onEnd();
  });
  void look();
  return stream.end;
}

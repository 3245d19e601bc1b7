import 'fake-indexeddb/auto';
import { vi } from 'vitest';
import { browserClock } from '../src/browser/clock';
import type { Clock } from '../src/browser/clock';
import { openDatabase } from '../src/browser/database';
import { openJournal } from '../src/browser/journal';
import { createLocalStore } from '../src/browser/local-storage';
import { createWebLocks } from '../src/browser/locks';
import type { Locks } from '../src/browser/locks';
import { createQueue } from '../src/browser/queue';
import { createSender } from '../src/browser/sender';
import { createTransport } from '../src/browser/transport';
import type { Tell } from '../src/core/receipt';
import { createUuidV7 } from '../src/core/uuid';

export interface TestClock extends Clock {
  /** Lets time pass; what falls due runs in order. */
  advance(ms: number): void;
  /** Moves the date alone, as a visitor or a time server does. */
  setDate(ms: number): void;
}

export const START = Date.UTC(2026, 5, 15, 12);

export function createTestClock(): TestClock {
  let elapsed = 0;
  let date = START;
  let timers: Array<{ at: number; run: () => void }> = [];
  return {
    now: () => date,
    after: (ms, run) => {
      const timer = { at: elapsed + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance: (ms) => {
      const end = elapsed + ms;
      for (;;) {
        const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        timers = timers.filter((timer) => timer !== next);
        date += next.at - elapsed;
        elapsed = next.at;
        next.run();
      }
      date += end - elapsed;
      elapsed = end;
    },
    setDate: (ms) => {
      date = ms;
    },
  };
}

export interface SentRequest {
  readonly url: string;
  readonly keepalive: boolean;
  /** The messageIds, in the order of the batch. */
  readonly ids: readonly string[];
}

export type Reply = (request: SentRequest, index: number) => Response | Promise<Response>;

export function accept({ ids }: { readonly ids: readonly string[] }): Response {
  return Response.json({ accepted: ids.length, duplicates: 0, rejected: [] });
}

export function refuse(status: number, headers: Record<string, string> = {}): Response {
  return Response.json({ error: { code: 'no', message: 'no' } }, { status, headers });
}

/** A collector in memory: a fetch function, and what it was sent. */
export function createCollector(reply: Reply): {
  readonly fetch: typeof fetch;
  readonly wire: SentRequest[];
} {
  const wire: SentRequest[] = [];
  return {
    wire,
    fetch: async (url, init) => {
      const { batch } = JSON.parse(String(init?.body)) as { batch: Array<{ messageId: string }> };
      const request = {
        url: String(url as string),
        keepalive: init?.keepalive === true,
        ids: batch.map(({ messageId }) => messageId),
      };
      wire.push(request);
      return reply(request, wire.length - 1);
    },
  };
}

/** Web Locks as a browser keeps them for all pages of an origin: who asked first is next. */
export function createLockManager(): LockManager {
  const lines = new Map<string, Array<() => void>>();
  const request = async (name: string, run: () => Promise<unknown>): Promise<unknown> => {
    const line = lines.get(name) ?? [];
    lines.set(name, line);
    await new Promise<void>((resolve) => {
      line.push(resolve);
      if (line.length === 1) resolve();
    });
    try {
      return await run();
    } finally {
      line.shift();
      line[0]?.();
    }
  };
  const query = (): Promise<LockManagerSnapshot> => {
    const held = [...lines].flatMap(([name, { length }]) => (length > 0 ? [{ name }] : []));
    return Promise.resolve({ held, pending: [] });
  };
  return { request, query } as unknown as LockManager;
}

/** Of each visitor's browser, by the name of its storage. */
const managers = new Map<string, LockManager>();

function managerOf(storage: string): LockManager {
  const manager = managers.get(storage) ?? createLockManager();
  managers.set(storage, manager);
  return manager;
}

export interface PageOptions {
  readonly reply?: Reply;
  readonly clock?: TestClock;
  /** Names the visitor's storage; pages with the same one share it. */
  readonly storage?: string;
  readonly isOnline?: () => boolean;
  /** Where localStorage takes nothing. */
  readonly area?: () => Storage;
  /** Where they are not as they should be. */
  readonly locks?: Partial<Locks>;
}

let pages = 0;

/** Everything behind the tracker, of one page, on the real stores of the test's browser. */
export function openPage({
  reply = accept,
  clock = createTestClock(),
  storage = `visitor${(pages += 1)}`,
  isOnline = () => true,
  area = () => localStorage,
  locks: brokenLocks = {},
}: PageOptions = {}) {
  // As long as any other: no page's name begins with another one's.
  const tab = `tab${String((pages += 1)).padStart(6, '0')}`;
  const prefix = `${storage}.`;
  const local = createLocalStore(area);
  const journal = openJournal(local, prefix, clock.now);
  const webLocks = createWebLocks(managerOf(storage), { tab, prefix, local, clock });
  const locks = { ...webLocks, ...brokenLocks };
  // IndexedDB runs in real time, so its patience does as well.
  const database = openDatabase(prefix, browserClock);
  const onDrop = vi.fn();
  const onSent = vi.fn();
  const onError = vi.fn();
  /** As the tracker tells of drops; the detail is left out where there is none. */
  const tell: Tell = (id, ...why) => (why.length > 0 ? onDrop(1, ...why) : onSent(id));
  const queue = createQueue({ tab, journal, database, now: clock.now, findLive: locks.findLive, tell });
  const { fetch, wire } = createCollector(reply);
  const transport = createTransport({ fetch, url: 'https://c.example/v1/batch?writeKey=pk', clock, journal });
  const sender = createSender({
    queue,
    transport,
    journal,
    clock,
    isOnline,
    tell,
    onError,
    ...locks,
    random: () => 0.5,
    flushAfterMs: 2_000,
    flushAt: 20,
  });
  const newId = createUuidV7(clock.now, (words) => crypto.getRandomValues(words));
  sender.resume();
  return {
    clock,
    storage,
    tab,
    queue,
    journal,
    database,
    sender,
    wire,
    onDrop,
    onSent,
    onError,
    /** Records an event of about so many bytes; returns its messageId. */
    record: (bytes = 100): string => {
      const messageId = newId();
      queue.add(messageId, JSON.stringify({ messageId, pad: 'x'.repeat(Math.max(0, bytes - 60)) }));
      sender.notice();
      return messageId;
    },
    /** The page is gone, without a word; or it is frozen. */
    die: () => {
      sender.pause();
    },
    /** The page is back out of the back/forward cache. */
    comeBack: () => sender.resume(),
    /** The messageIds that IndexedDB has. */
    stored: async () => ((await database.names()) ?? []).map((name) => name.slice(0, 36)),
    journalled: () => journal.names().map((name) => name.slice(0, 36)),
  };
}

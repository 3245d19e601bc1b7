/**
 * Pages of one visitor in a simulated browser, in which whatever may happen next happens in any order: answers, locks,
 * what IndexedDB completes, deaths, freezes. Ours are all modules; only what the browser and the network do is played.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Database } from '../../src/browser/database';
import { openJournal } from '../../src/browser/journal';
import type { LocalStore } from '../../src/browser/local-storage';
import { createWebLocks } from '../../src/browser/locks';
import { createQueue } from '../../src/browser/queue';
import { createSender } from '../../src/browser/sender';
import { createTransport } from '../../src/browser/transport';
import { createUuidV7 } from '../../src/core/uuid';
import { accept, createTestClock, refuse } from '../support';

type Mode = 'take' | 'refuse' | 'cut' | 'later';
type Step =
  | { readonly kind: 'open' | 'online' | 'offline' }
  | { readonly kind: 'track' | 'flush' | 'hide' | 'kill' | 'freeze' | 'thaw'; readonly page: number }
  | { readonly kind: 'happen'; readonly pick: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'mode'; readonly mode: Mode };

interface Fate {
  isDead: boolean;
  isFrozen: boolean;
  /** Its memory may be behind what others did. */
  wasFrozen: boolean;
}

const ALIVE: Fate = { isDead: false, isFrozen: false, wasFrozen: false };

/** Who has a lock, or waits for it. */
interface Waiter {
  readonly name: string;
  readonly fate: Fate;
  readonly grant: () => void;
}

/** A page as the browser knows it. */
interface Asking {
  readonly fate: Fate;
  /** What it has stored and nobody sees yet. */
  readonly out: Array<() => void>;
  /** What it has said of locks and the browser has not heard yet, and since when. */
  readonly said: Array<() => void>;
  readonly saidAt: number[];
  readonly asked: Set<Waiter>;
}

/** What a page says of locks is heard within so long; meanwhile everything else of it may be seen. */
const HEARD_WITHIN_MS = 1_000;

const page = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('open', 'online', 'offline') }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('track'), page }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('flush', 'hide', 'kill', 'freeze', 'thaw'), page }),
  },
  { weight: 20, arbitrary: fc.record({ kind: fc.constant('happen'), pick: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.constantFrom(100, 2_000, 12_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('mode'),
      mode: fc.constantFrom<Mode>('take', 'refuse', 'cut', 'later'),
    }),
  },
) as fc.Arbitrary<Step>;

// Node's types would let browser code use Node.
declare function setImmediate(run: () => void): void;

/** Lets everything go on that waits for nothing outside. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

function createWorld() {
  const clock = createTestClock();
  const area = new Map<string, string | undefined>();
  const stored = new Map<string, string>();
  const lines = new Map<string, Waiter[]>();
  /** What pages have written and others do not see yet. */
  const unseen: Array<ReadonlyArray<readonly [key: string, value: string | undefined]>> = [];
  const everybody: Asking[] = [];
  const takers = new Map<string, Fate[]>();
  const copies: string[] = [];
  const transactions: Array<() => void> = [];
  let tasks: Array<() => void> = [];
  let mode: Mode = 'take';
  let isOnline = true;
  const newId = createUuidV7(clock.now, (words) => crypto.getRandomValues(words));

  /** @param line what is done one after the other, as IndexedDB does what all pages ask of one store */
  const later = <T>(fate: Fate, act: () => T, line: Array<() => void> = []): Promise<T> =>
    new Promise((resolve) => {
      line.push(() => {
        const result = act();
        // A page that is frozen gets it when it is back.
        const hand = (): void => {
          if (fate.isDead) return;
          if (fate.isFrozen) tasks.push(hand);
          else resolve(result);
        };
        hand();
      });
      tasks.push(() => line.shift()?.());
    });

  /** What a page says of locks gets there in order, but any of its stores may be ahead of it. */
  const openLocks = ({ fate, said, saidAt, asked }: Asking): LockManager => {
    const say = <T>(to: Fate, act: () => T): Promise<T> => {
      saidAt.push(clock.now());
      return later(to, () => (saidAt.shift(), act()), said);
    };
    const leave = (entry: Waiter): void => {
      const line = lines.get(entry.name) ?? [];
      const wasFirst = line[0] === entry;
      lines.set(
        entry.name,
        line.filter((other) => other !== entry),
      );
      if (wasFirst) lines.get(entry.name)![0]?.grant();
    };
    const request = async (name: string, run: () => Promise<unknown>): Promise<unknown> => {
      let granted = (): void => undefined;
      const turn = new Promise<void>((resolve) => (granted = resolve));
      const entry = { name, fate, grant: () => void later(fate, granted) };
      asked.add(entry);
      void say(ALIVE, () => {
        if (fate.isDead) return;
        const line = [...(lines.get(name) ?? []), entry];
        lines.set(name, line);
        if (line[0] === entry) entry.grant();
      });
      await turn;
      try {
        return await run();
      } finally {
        asked.delete(entry);
        void say(ALIVE, () => leave(entry));
      }
    };
    const query = async (): Promise<LockManagerSnapshot> => {
      const held = await say(fate, () => [...lines.values()].flat().map(({ name }) => ({ name })));
      return later(fate, () => ({ held, pending: [] }));
    };
    return { request, query } as unknown as LockManager;
  };

  /** localStorage as one page sees it: what it has written itself at once, what others have when it is through. */
  const openLocal = ({ fate, out }: Asking): LocalStore => {
    const own: Array<readonly [key: string, value: string | undefined]> = [];
    unseen.push(own);
    const write = (key: string, value?: string): void => {
      if (fate.isDead) return;
      own.push([key, value]);
      void later(
        ALIVE,
        () => {
          const [written, as] = own.shift()!;
          area.set(written, as);
        },
        out,
      );
    };
    const view = (): Map<string, string> => {
      const seen = new Map([...area, ...own]);
      return new Map([...seen].flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
    };
    return {
      get: (key) => view().get(key) ?? null,
      set: (key, value) => (write(key, value), !fate.isDead),
      remove: (key) => write(key),
      keys: (prefix) =>
        [...view().keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)),
    };
  };

  const openPage = () => {
    const fate: Fate = { isDead: false, isFrozen: false, wasFrozen: false };
    const tab = newId().slice(-12);
    const isAway = (): boolean => fate.isDead || fate.isFrozen;
    const asking: Asking = { fate, out: [], said: [], saidAt: [], asked: new Set() };
    everybody.push(asking);
    const local = openLocal(asking);
    const ownClock = {
      now: clock.now,
      after: (ms: number, run: () => void) => {
        const fire = (): void => {
          if (fate.isDead) return;
          // Timers of a frozen page go off when it is back.
          if (fate.isFrozen) tasks.push(fire);
          else run();
        };
        return clock.after(ms, fire);
      },
    };
    const transact = async <T>(act: () => T): Promise<T> => {
      await later(ALIVE, () => undefined, asking.out);
      return later(fate, act, transactions);
    };
    const database: Database = {
      put: (events) => transact(() => (events.forEach(({ name, json }) => stored.set(name, json)), true)),
      remove: (names) => transact(() => (names.forEach((name) => stored.delete(name)), true)),
      names: () => transact(() => [...stored.keys()]),
      read: (name) => transact(() => stored.get(name)),
    };
    const take = (body: string): Response => {
      const ids = (JSON.parse(body) as { batch: Array<{ messageId: string }> }).batch.map(
        ({ messageId }) => messageId,
      );
      for (const id of ids) {
        const before = takers.get(id) ?? [];
        if (before.some((taker) => !taker.isDead && !taker.wasFrozen)) copies.push(id);
        takers.set(id, [...before, fate]);
      }
      return accept({ ids });
    };
    const fetch: typeof globalThis.fetch = async (_, init) => {
      if (fate.isDead) return never();
      const reach = (): Response | undefined => {
        // What was not on its way when its page died never arrives, unless it is to outlive it.
        if (fate.isDead && !init?.keepalive) return undefined;
        if (!isOnline || mode === 'cut') return undefined;
        if (mode === 'refuse') return refuse(500);
        if (mode === 'later') return refuse(503, { 'retry-after': '5' });
        return take(init?.body as string);
      };
      const answer = await later(ALIVE, reach);
      const response = await later(fate, () => answer);
      if (!response) throw new TypeError('failed');
      return response;
    };
    const locks = createWebLocks(openLocks(asking), { tab, prefix: 'v.', local, clock: ownClock });
    const journal = openJournal(local, 'v.', clock.now);
    const tell = (): void => undefined;
    const queue = createQueue({ tab, journal, database, now: clock.now, findLive: locks.findLive, tell });
    const sender = createSender({
      queue,
      journal,
      tell,
      clock: ownClock,
      transport: createTransport({ fetch, url: 'https://c.example', clock: ownClock, journal }),
      ...locks,
      random: () => 0.5,
      isOnline: () => isOnline,
      onError: () => undefined,
      flushAfterMs: 2_000,
      flushAt: 3,
    });
    sender.resume();
    const forsake = (): void => {
      for (const [name, line] of lines) {
        const rest = line.filter((entry) => entry.fate !== fate);
        lines.set(name, rest);
        if (rest[0] && rest[0] !== line[0]) rest[0].grant();
      }
    };
    return {
      fate,
      isAway,
      queue,
      sender,
      track: (): string => {
        const messageId = newId();
        queue.add(messageId, JSON.stringify({ messageId }));
        sender.notice();
        return messageId;
      },
      kill: () => {
        fate.isDead = true;
        forsake();
      },
      freeze: () => {
        sender.sendOwn();
        sender.pause();
        fate.isFrozen = true;
        fate.wasFrozen = true;
        // A page that holds a lock is not kept, but ended.
        if (asking.asked.size > 0) {
          fate.isDead = true;
          forsake();
        }
      },
      thaw: () => {
        fate.isFrozen = false;
        sender.resume();
      },
    };
  };

  const wait = (ms: number): void => {
    const until = clock.now() + ms;
    for (const { said, saidAt } of everybody) {
      while (saidAt[0] !== undefined && saidAt[0] + HEARD_WITHIN_MS <= until) said.shift()!();
    }
    clock.advance(ms);
  };

  return {
    openPage,
    wait,
    /** Whatever any page could still find. */
    kept: () => {
      const written = new Map([...area, ...unseen.flat()]);
      return [...[...written.keys()].filter((key) => written.get(key) !== undefined), ...stored.keys()];
    },
    takers,
    copies,
    setMode: (next: Mode) => (mode = next),
    setOnline: (next: boolean) => (isOnline = next),
    happen: (pick: number) => {
      const [task] = tasks.splice(pick % Math.max(1, tasks.length), 1);
      task?.();
    },
    happenAll: () => {
      const due = tasks;
      tasks = [];
      due.forEach((task) => task());
    },
  };
}

type World = ReturnType<typeof createWorld>;

async function play(world: World, steps: readonly Step[]): Promise<readonly string[]> {
  const pages = [world.openPage()];
  const tracked: string[] = [];
  for (const now of steps) {
    const one = 'page' in now ? pages[now.page] : undefined;
    if (now.kind === 'open' && pages.length < 3) pages.push(world.openPage());
    if (now.kind === 'online' || now.kind === 'offline') world.setOnline(now.kind === 'online');
    if (now.kind === 'mode') world.setMode(now.mode);
    if (now.kind === 'happen') world.happen(now.pick);
    if (now.kind === 'wait') world.wait(now.ms);
    if (one && !one.isAway()) {
      if (now.kind === 'track') tracked.push(one.track());
      if (now.kind === 'flush') void one.sender.flush();
      if (now.kind === 'hide') one.sender.sendOwn();
      if (now.kind === 'kill') one.kill();
      if (now.kind === 'freeze') one.freeze();
    } else if (one && now.kind === 'thaw' && !one.fate.isDead) one.thaw();
    await breathe();
  }
  return tracked;
}

/** All is well again, and somebody comes by. */
async function settle(world: World): Promise<void> {
  world.setMode('take');
  world.setOnline(true);
  world.openPage();
  for (let round = 0; round < 120; round += 1) {
    for (let turn = 0; turn < 6; turn += 1) {
      world.happenAll();
      await breathe();
    }
    world.wait(5_000);
  }
}

const happen = (...picks: number[]): Step[] => picks.map((pick) => ({ kind: 'happen', pick }));

/** Two pages, of which one has stored something before the browser has heard of its lock. */
const UNHEARD: Step[] = [
  { kind: 'open' },
  { kind: 'wait', ms: 12_000 },
  { kind: 'track', page: 0 },
  ...happen(6, 6, 2, 6),
  { kind: 'track', page: 0 },
  ...happen(0, 6, 1, 1, 11),
  { kind: 'track', page: 0 },
  { kind: 'flush', page: 0 },
  { kind: 'flush', page: 0 },
  ...happen(3),
];

test('whatever happens in whatever order, every event is taken, and none twice of pages that live', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }), async (steps) => {
      const world = createWorld();
      const tracked = await play(world, steps);
      const kept = new Set(
        world
          .kept()
          .join('\n')
          .match(/[\da-f-]{36}/g),
      );
      // Nothing is deleted without the collector's word.
      expect(tracked.filter((id) => !world.takers.has(id) && !kept.has(id))).toEqual([]);
      await settle(world);
      expect(tracked.filter((id) => !world.takers.has(id))).toEqual([]);
      expect(world.copies).toEqual([]);
    }),
    { numRuns: 300, examples: [[UNHEARD]] },
  );
}, 60_000);

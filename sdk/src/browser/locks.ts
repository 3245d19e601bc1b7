import type { Clock } from './clock';
import type { LocalStore } from './local-storage';

/** Which pages live, and which one of them sends. */
export interface Locks {
  /** Says that this page lives, or that it need not be known any more; a page that dies says so by dying. */
  announce(isOwing: boolean): void;
  /** Tells of each page whether it lives now. */
  findLive(): Promise<(tab: string) => boolean>;
  /** Runs when no other page does; waits for its turn. */
  exclusive(run: () => Promise<void>): Promise<void>;
}

export interface LockEdges {
  /** Unique for this page; a word. */
  readonly tab: string;
  /** Of all lock names and keys. */
  readonly prefix: string;
  readonly local: LocalStore;
  readonly clock: Clock;
}

/** Begins at the first `true`, and undoes that at the first `false` after it. */
function createSwitch(begin: () => () => void): (isOn: boolean) => void {
  let end: (() => void) | undefined;
  return (isOn) => {
    if (isOn) {
      end ??= begin();
    } else {
      end?.();
      end = undefined;
    }
  };
}

/** By Web Locks: the browser itself frees what a page held that crashed. */
export function createWebLocks(manager: LockManager, { tab, prefix }: LockEdges): Locks {
  const livePrefix = `${prefix}live.`;
  return {
    announce: createSwitch(() => {
      let release: () => void;
      const until = new Promise<void>((resolve) => (release = resolve));
      // A page that is going away is refused, and what it would have announced is no longer so.
      manager.request(livePrefix + tab, () => until).catch(() => undefined);
      return release!;
    }),
    findLive: async () => {
      // Whoever waits for a lock lives as well as whoever has one. Names are words, so JSON leaves them as they are.
      const locks = JSON.stringify(await manager.query());
      return (other) => locks.includes(livePrefix + other);
    },
    exclusive: async (run) => manager.request(`${prefix}send`, run),
  };
}

const BEAT_MS = 20_000;
/** Browsers let a hidden page's timers run once a minute. */
const LIVE_MS = 150_000;
/** The same for who sends, but nobody waits longer than need be for a sender that is dead. */
const LEASE_MS = 75_000;
const LOOK_MS = 1_000;

/**
 * Where Web Locks are missing (pages over plain HTTP, Safari before 15.4): heartbeats in localStorage, of who lives
 * and of who sends. It is not atomic: two pages may now and then both send what a third one left behind, and the
 * collector counts it once.
 */
export function createLeaseLocks({ tab, prefix, local, clock }: LockEdges): Locks {
  const livePrefix = `${prefix}live.`;
  const leaseKey = `${prefix}lease`;
  const isRecent = (key: string, ms: number): boolean => Math.abs(clock.now() - Number(local.get(key))) < ms;
  const beat = (key: string): (() => void) => {
    let cancel: () => void;
    const stamp = (): void => {
      local.set(key, String(clock.now()));
      cancel = clock.after(BEAT_MS, stamp);
    };
    stamp();
    return () => {
      cancel();
      local.remove(key);
    };
  };

  return {
    announce: createSwitch(() => beat(livePrefix + tab)),
    findLive: () => Promise.resolve((other) => isRecent(livePrefix + other, LIVE_MS)),
    exclusive: async (run) => {
      while (isRecent(leaseKey, LEASE_MS)) {
        await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve));
      }
      const release = beat(leaseKey);
      await run().finally(release);
    },
  };
}

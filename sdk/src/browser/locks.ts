import type { Clock } from './clock';
import type { LocalStore } from './local-storage';

/** Which pages live, and which one of them sends. */
export interface Locks {
  /** Says that this page lives, until undone; a page that dies undoes it by dying. */
  announce(): () => void;
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

/** By Web Locks: the browser itself frees what a page held that crashed. */
export function createWebLocks(manager: LockManager, { tab, prefix }: LockEdges): Locks {
  const livePrefix = `${prefix}live.`;
  return {
    announce: () => {
      let release = (): void => undefined;
      const until = new Promise<void>((resolve) => (release = resolve));
      manager.request(livePrefix + tab, () => until).catch(ignoreRefusal);
      return release;
    },
    findLive: async () => {
      const { held = [], pending = [] } = await manager.query();
      return (other) => [...held, ...pending].some(({ name }) => name === livePrefix + other);
    },
    exclusive: async (run) => {
      await manager.request(`${prefix}send`, run);
    },
  };
}

/** A page that is going away refuses locks; what it would have announced is no longer so. */
function ignoreRefusal(): void {}

const BEAT_MS = 20_000;
/** Browsers let a hidden page's timers run once a minute. */
const LIVE_MS = 150_000;
/** Longer than a request may take. */
const LEASE_MS = 45_000;
const LOOK_MS = 1_000;

/**
 * Where Web Locks are missing (pages over plain HTTP, Safari before 15.4): heartbeats and a lease in
 * localStorage. It is not atomic: two pages may now and then both send what a third one left behind, and the
 * collector counts it once.
 */
export function createLeaseLocks({ tab, prefix, local, clock }: LockEdges): Locks {
  const livePrefix = `${prefix}live.`;
  const leaseKey = `${prefix}lease`;
  const isRecent = (key: string, ms: number): boolean => Math.abs(clock.now() - Number(local.get(key))) < ms;
  const stamp = (key: string): boolean => local.set(key, String(clock.now()));

  return {
    announce: () => {
      let cancel = (): void => undefined;
      const beat = (): void => {
        stamp(livePrefix + tab);
        cancel = clock.after(BEAT_MS, beat);
      };
      beat();
      return () => {
        cancel();
        local.remove(livePrefix + tab);
      };
    },
    findLive: () => Promise.resolve((other) => isRecent(livePrefix + other, LIVE_MS)),
    exclusive: async (run) => {
      while (isRecent(leaseKey, LEASE_MS)) {
        await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve));
      }
      stamp(leaseKey);
      await run();
      local.remove(leaseKey);
    },
  };
}

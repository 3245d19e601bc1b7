/**
 * One collector to a data folder. The lock is a file that names its holder: one that is left by a process that was
 * killed is recognised (number and start time), also when its number belongs to another process by now.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { processPlace, processStart } from './process-identity';
import { StartError } from './start-error';

export interface FolderLock {
  readonly release: () => void;
}

export interface LockOptions {
  /** Told before the lock has to be watched for a while. */
  readonly onWait?: () => void;
  /**
   * A holder in another container or on another machine cannot be looked at. It touches the lock this often …
   * @default 3000
   */
  readonly touchEveryMs?: number;
  /**
   * … and is taken for gone when it has not for this long.
   * @default 15000
   */
  readonly goneAfterMs?: number;
}

interface Holder {
  readonly pid: number;
  readonly start: string;
  readonly place: string;
  readonly nonce: string;
}

const LOCK_FILE = 'collector.lock';
const ATTEMPTS = 20;

/** @throws StartError when another collector runs on this folder */
export async function lockFolder(folder: string, options: LockOptions = {}): Promise<FolderLock> {
  const path = join(folder, LOCK_FILE);
  const us: Holder = {
    pid: process.pid,
    start: processStart(process.pid) ?? '',
    place: processPlace(),
    nonce: randomUUID(),
  };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (mayCreate(path, us)) return hold(path, us, options.touchEveryMs ?? 3_000);
    const holder = readHolder(path);
    if (holder !== undefined && (await isAlive(path, holder, options))) {
      throw new StartError(
        `Throughline is already running on the data folder ${folder} (process ${holder.pid}). ` +
          'Stop it first; to start another one beside it, set THROUGHLINE_DATA_DIR and PORT.',
      );
    }
    removeLeftover(path, holder);
  }
  throw new StartError(`Too many processes want the data folder ${folder} at once.`);
}

/** Appears whole or not at all, and only where there is none: link(2) never replaces. */
function mayCreate(path: string, us: Holder): boolean {
  const draft = `${path}.${us.nonce}`;
  writeFileSync(draft, JSON.stringify(us));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function hold(path: string, us: Holder, touchEveryMs: number): FolderLock {
  const touching = setInterval(() => {
    try {
      const now = new Date();
      utimesSync(path, now, now);
    } catch {
      // The folder was removed under us: the database will notice, and say so.
    }
  }, touchEveryMs);
  touching.unref();
  return {
    release: () => {
      clearInterval(touching);
      if (readHolder(path)?.nonce === us.nonce) rmSync(path, { force: true });
    },
  };
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    // Gone in between, or not ours to read as JSON: nobody writes this file in place, so it is no live lock.
    return undefined;
  }
}

async function isAlive(path: string, holder: Holder, options: LockOptions): Promise<boolean> {
  if (holder.place === processPlace()) return processStart(holder.pid) === holder.start;
  options.onWait?.();
  const before = touchedAt(path);
  await wait(options.goneAfterMs ?? 15_000);
  return touchedAt(path) !== before;
}

function touchedAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

/** Moves it away before looking again: of several that found the same leftover, one moves it, and nobody a new lock. */
function removeLeftover(path: string, leftover: Holder | undefined): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
    if (readHolder(aside)?.nonce !== leftover?.nonce) linkSync(aside, path);
  } catch {
    // Somebody else was faster; the next attempt sees what they made of it.
  } finally {
    rmSync(aside, { force: true });
  }
}

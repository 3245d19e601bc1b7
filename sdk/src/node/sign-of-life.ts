import { readdirSync, readFileSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { attempt } from '../core/attempt';

const BEAT_MS = 15_000;
/** Without a beat for so long, a process of another machine counts as dead. */
const SILENCE_MS = 60_000;
const ENDING = '.alive';

interface Owner {
  readonly host: string;
  readonly pid: number;
  /** When the process started, in milliseconds since 1970; the first process of a container has the same pid again. */
  readonly startedAt: number;
}

/** A file that says that the owner of others lives: touched now and then, and gone in the end. */
export interface SignOfLife {
  isAlive(owner: string): boolean;
  end(): void;
}

/**
 * Node has no file locks. On one machine the process is asked for; of others (a shared folder, another container) the
 * file's age tells. To take a living one for dead costs copies on the wire, which the collector counts once.
 */
export function createSignOfLife(folder: string, id: string): SignOfLife {
  const path = join(folder, id + ENDING);
  const self: Owner = {
    host: hostname(),
    pid: process.pid,
    startedAt: Math.round(Date.now() - process.uptime() * 1_000),
  };
  writeFileSync(path, JSON.stringify(self), { mode: 0o600 });
  const timer = setInterval(() => {
    const now = new Date();
    attempt(() => utimesSync(path, now, now));
  }, BEAT_MS);
  // It keeps no process from ending.
  timer.unref();

  const isAlive = (owner: string): boolean => {
    const file = join(folder, owner + ENDING);
    const silentMs = attempt(() => Date.now() - statSync(file).mtimeMs, Infinity);
    if (silentMs > SILENCE_MS) return false;
    const other = attempt(() => JSON.parse(readFileSync(file, 'utf8')) as Owner);
    if (other?.host !== self.host) return true;
    return other.pid === self.pid ? Math.abs(other.startedAt - self.startedAt) < 1_000 : isRunning(other.pid);
  };
  for (const name of readdirSync(folder)) {
    const owner = name.slice(0, -ENDING.length);
    if (name.endsWith(ENDING) && !isAlive(owner)) attempt(() => unlinkSync(join(folder, name)));
  }
  return {
    isAlive,
    end: () => {
      clearInterval(timer);
      attempt(() => unlinkSync(path));
    },
  };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's process may not be asked, but it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

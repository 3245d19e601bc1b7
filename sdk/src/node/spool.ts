import { createHash } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { attempt } from '../core/attempt';
import { createSignOfLife } from './sign-of-life';

/** A file that has taken so many events gets no more: it is deleted when all of them are settled. */
const FILE_EVENTS = 500;
const ENDING = '.ndjson';

/**
 * Events on disk. They are appended to small files, one event a line; a file whose events are all settled is deleted.
 * Nothing is rewritten, so there is nothing that a kill could leave half done; what it costs is that after one, events
 * of a file that was settled in part are sent again, and the collector counts them once.
 *
 * A write is with the operating system when it returns: it survives the process, not the machine's power.
 */
export interface Spool {
  /** Appends an event; returns what lets it go. */
  write(json: string): () => void;
  /** Takes over what dead processes left for the same collector and key. */
  adopt(): readonly KeptEvent[];
  /** Ends this process's claim to what is still there: the next one takes it over at once. */
  close(): void;
}

export interface KeptEvent {
  readonly messageId: string;
  readonly json: string;
  readonly release: () => void;
}

export interface SpoolEdges {
  readonly directory: string;
  /** What else must be equal for events to be sent by another process: they go nowhere else, and under no other key. */
  readonly target: string;
  readonly newId: () => string;
  readonly onError: (error: Error) => void;
}

interface SpoolFile {
  readonly path: string;
  /** How many of its events are not settled. */
  waiting: number;
}

/** @throws where the folder cannot be made or written */
export function openSpool({ directory, target, newId, onError }: SpoolEdges): Spool {
  const folder = join(directory, createHash('sha256').update(target).digest('hex').slice(0, 16));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const owner = newId().slice(-12);
  const life = createSignOfLife(folder, owner);
  let current: (SpoolFile & { readonly fd: number; written: number }) | undefined;

  const newPath = (): string => join(folder, `${newId()}.${owner}${ENDING}`);
  const retire = (): void => {
    if (!current) return;
    const { fd } = current;
    current = undefined;
    attempt(() => closeSync(fd));
  };
  const release = (file: SpoolFile): void => {
    file.waiting -= 1;
    if (file.waiting > 0) return;
    if (file === current) retire();
    // Gone already where another process took this one for dead.
    attempt(() => unlinkSync(file.path));
  };
  const append = (json: string): SpoolFile => {
    if (!current) {
      const path = newPath();
      current = { path, fd: openSync(path, 'ax', 0o600), waiting: 0, written: 0 };
    }
    const file = current;
    // A write may be cut short by a disk that is full: what is not whole is no event.
    const line = Buffer.from(`${json}\n`);
    if (writeSync(file.fd, line) < line.length) throw new Error(`${file.path}: not written in full`);
    file.waiting += 1;
    file.written += 1;
    if (file.written >= FILE_EVENTS) retire();
    return file;
  };

  return {
    write: (json) => {
      try {
        const file = append(json);
        return once(() => release(file));
      } catch (error) {
        // It waits in memory alone; the next one is tried with a new file.
        onError(error as Error);
        retire();
        return () => undefined;
      }
    },
    adopt: () =>
      listOrphans(folder, life.isAlive).flatMap((name) => {
        const file: SpoolFile = { path: newPath(), waiting: 0 };
        // Only one process can win this.
        if (!attempt(() => (renameSync(join(folder, name), file.path), true))) return [];
        const events = readEvents(file.path);
        file.waiting = events.length;
        if (events.length === 0) attempt(() => unlinkSync(file.path));
        return events.map((event) => ({ ...event, release: once(() => release(file)) }));
      }),
    close: () => {
      retire();
      life.end();
    },
  };
}

/** The files of processes that are dead, oldest first. */
function listOrphans(folder: string, isAlive: (owner: string) => boolean): readonly string[] {
  const known = new Map<string, boolean>();
  return readdirSync(folder)
    .filter((name) => {
      const [, owner] = /^[\da-f-]{36}\.(\w{12})\.ndjson$/.exec(name) ?? [];
      if (!owner) return false;
      if (!known.has(owner)) known.set(owner, isAlive(owner));
      return !known.get(owner);
    })
    .sort();
}

/** The events of a file; a line that was cut off by a full disk is none. */
function readEvents(path: string): ReadonlyArray<{ readonly messageId: string; readonly json: string }> {
  const lines = attempt(() => readFileSync(path, 'utf8').split('\n'), []);
  return lines.flatMap((json) => {
    const event = attempt(() => JSON.parse(json) as { readonly messageId?: unknown });
    return typeof event?.messageId === 'string' ? { messageId: event.messageId, json } : [];
  });
}

function once(run: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) run();
    isDone = true;
  };
}

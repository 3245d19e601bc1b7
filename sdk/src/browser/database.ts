import { createStore, promisifyRequest } from 'idb-keyval';
import type { Clock } from './clock';

/** An operation that takes longer is given up, and with it IndexedDB, until it comes to an end after all. */
const DATABASE_PATIENCE_MS = 3_000;

/** The store of events by entry name. Never rejects: undefined is what failed. */
export interface Database {
  /** All are stored, or none. */
  put(events: ReadonlyArray<{ readonly name: string; readonly json: string }>): Promise<boolean | undefined>;
  names(): Promise<readonly string[] | undefined>;
  read(name: string): Promise<unknown>;
  remove(names: readonly string[]): Promise<boolean | undefined>;
}

/**
 * Opens on first use. IndexedDB may be missing, blocked, full, corrupt (all of which fail, and are tried again
 * next time) or hang for ever, as Safari's has done: hence the patience.
 */
export function openDatabase(name: string, clock: Clock): Database {
  const store = createStore(name, 'events');
  let hangs = false;

  const attempt = async <T>(
    mode: IDBTransactionMode,
    act: (events: IDBObjectStore) => Promise<T>,
  ): Promise<T | undefined> => {
    if (hangs) return undefined;
    let cancel: (() => void) | undefined;
    const revive = (): void => {
      hangs = false;
    };
    try {
      const work = store(mode, act);
      const impatience = new Promise<undefined>((resolve) => {
        const giveUp = (): void => {
          hangs = true;
          work.then(revive, revive);
          resolve(undefined);
        };
        // In two halves: a page that was busy for long sees its timers before its answers, but not twice.
        cancel = clock.after(DATABASE_PATIENCE_MS / 2, () => {
          cancel = clock.after(DATABASE_PATIENCE_MS / 2, giveUp);
        });
      });
      return await Promise.race([work, impatience]);
    } catch {
      // The callers keep the events in memory and in the journal, and ask again.
      return undefined;
    } finally {
      cancel?.();
    }
  };
  /** Each write is one transaction, so that half of it is never stored, and is over when it is complete. */
  const write = (act: (events: IDBObjectStore) => void): Promise<boolean | undefined> =>
    attempt('readwrite', async (events) => {
      act(events);
      await promisifyRequest(events.transaction);
      return true;
    });

  return {
    put: (entries) => write((events) => entries.forEach(({ name: key, json }) => events.put(json, key))),
    remove: (names) => write((events) => names.forEach((key) => events.delete(key))),
    names: () =>
      attempt('readonly', (events) => promisifyRequest(events.getAllKeys() as IDBRequest<string[]>)),
    read: (key) => attempt('readonly', (events) => promisifyRequest<unknown>(events.get(key))),
  };
}

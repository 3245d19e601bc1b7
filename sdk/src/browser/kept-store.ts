import type { IdentityStorage } from '../api';
import type { LocalStore } from './local-storage';

/**
 * What an application keeps for us, read once and then known, so that calls need not wait. It is one item, which has
 * the namespace as its key. Where it cannot be read or written, memory has it.
 */
export async function openKeptStore(storage: IdentityStorage, namespace: string): Promise<LocalStore> {
  const read = async (): Promise<Record<string, string>> =>
    JSON.parse((await storage.getItem(namespace)) ?? '{}') as Record<string, string>;
  const items = new Map(Object.entries(await read().catch(() => ({}))));
  // One after the other: a slow storage must not end with what was written first.
  let written = Promise.resolve();
  const write = (): void => {
    const text = JSON.stringify(Object.fromEntries(items));
    const isEmpty = items.size === 0;
    written = written
      .then(
        async () => void (await (isEmpty ? storage.removeItem(namespace) : storage.setItem(namespace, text))),
      )
      .catch(() => undefined);
  };
  return {
    get: (key) => items.get(key) ?? null,
    set: (key, value) => {
      items.set(key, value);
      write();
      return true;
    },
    remove: (key) => {
      if (items.delete(key)) write();
    },
    keys: (prefix) =>
      [...items.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)),
  };
}

import { attempt } from '../core/attempt';

/** localStorage that never throws: where it is blocked, full or missing, reads find nothing. */
export interface LocalStore {
  get(key: string): string | null;
  /** Whether the value is now stored. */
  set(key: string, value: string): boolean;
  remove(key: string): void;
  /** The keys that begin with the prefix, without it. */
  keys(prefix: string): readonly string[];
}

/**
 * @param given is asked each time: where storage is blocked, the mere property throws; false where it must not be used
 */
export function createLocalStore(given: () => Storage | false): LocalStore {
  // What is false has no methods, which is as good as blocked.
  const area = given as () => Storage;
  return {
    get: (key) => attempt(() => area().getItem(key), null),
    set: (key, value) => attempt(() => (area().setItem(key, value), true), false),
    remove: (key) => attempt(() => area().removeItem(key)),
    keys: (prefix) => {
      const keys = attempt(() => Object.keys(area()), []);
      return keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
    },
  };
}

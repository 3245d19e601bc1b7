import { attempt } from './attempt';

/** Deeper than this is cut: the collector refuses 32 levels, and the event around the value has some itself. */
const MAX_DEPTH = 20;
/** More values than this cannot fit an event; without the bound `new Array(1e9)` would freeze the page. */
const MAX_VALUES = 4_000;
const MAX_STRING_CHARS = 8_192;

/** Lone surrogates are not text: UTF-8 has no form for them. With the u flag a pair does not match. */
function readString(text: string): string {
  return text.slice(0, MAX_STRING_CHARS).replace(/\p{Surrogate}/gu, '\uFFFD');
}

/**
 * A copy of any value as JSON can carry it, made now, so that what the page changes later does not matter.
 * Never throws: what cannot be copied (cycles, functions, DOM nodes, getters and `toJSON` that throw, revoked
 * proxies, what lies too deep) is replaced by `[cut]`, and the rest stays.
 */
export function snapshot(root: unknown): unknown {
  let values = 0;

  const copy = (value: unknown, above: readonly unknown[]): unknown => {
    if ((values += 1) > MAX_VALUES || above.length > MAX_DEPTH) return '[cut]';
    switch (typeof value) {
      case 'string':
        return readString(value);
      case 'bigint':
        return String(value);
      case 'function':
      case 'symbol':
        return '[cut]';
      case 'object':
        return value && copyObject(value as Readonly<Record<string, unknown>>, above);
      default:
        return value;
    }
  };

  const copyObject = (value: Readonly<Record<string, unknown>>, above: readonly unknown[]): unknown => {
    // Cycles, and what only a DOM node has.
    if (above.includes(value) || 'ownerDocument' in value) return '[cut]';
    const path = [...above, value];
    if (typeof value.toJSON === 'function') return copy(value.toJSON(), path);
    const read = (key: string | number): unknown => attempt(() => copy(value[key], path), '[cut]');
    if (Array.isArray(value)) {
      const length = Math.min(value.length, MAX_VALUES);
      return Array.from({ length }, (_, index) => read(index) ?? null);
    }
    // Made of entries, an object takes `__proto__` for a name like any other; the collector does not.
    const keys = Object.keys(value).filter((key) => key !== '__proto__');
    return Object.fromEntries(keys.map((key) => [readString(key), read(key)]));
  };

  return attempt(() => copy(root, []), '[cut]');
}

export function isObject(value: unknown): boolean {
  return Object(value) === value;
}

/** The snapshot of what should be an object; anything else is absent. */
export function snapshotObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const copied = snapshot(value);
  return isObject(copied) && !Array.isArray(copied)
    ? (copied as Readonly<Record<string, unknown>>)
    : undefined;
}

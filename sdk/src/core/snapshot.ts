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
 * proxies, what lies too deep) is replaced by a short text in brackets, and the rest stays.
 */
export function snapshot(root: unknown): unknown {
  const above = new Set<object>();
  let values = 0;

  const copyObject = (value: object, depth: number): unknown => {
    if ('nodeType' in value && 'nodeName' in value) return '[node]';
    const { toJSON } = value as { readonly toJSON?: unknown };
    if (typeof toJSON === 'function') return copy(toJSON.call(value), depth + 1);
    if (Array.isArray(value)) {
      const list: unknown[] = [];
      for (let index = 0; index < value.length && values < MAX_VALUES; index += 1) {
        list.push(read(value, index, depth) ?? null);
      }
      return list;
    }
    const object: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      // Assigning `__proto__` would set the prototype instead.
      if (key !== '__proto__') object[readString(key)] = read(value, key, depth);
    }
    return object;
  };

  const read = (holder: object, key: string | number, depth: number): unknown =>
    attempt(() => copy((holder as Record<string | number, unknown>)[key], depth + 1), '[unreadable]');

  const copy = (value: unknown, depth: number): unknown => {
    if ((values += 1) > MAX_VALUES || depth > MAX_DEPTH) return '[cut]';
    switch (typeof value) {
      case 'string':
        return readString(value);
      case 'bigint':
        return String(value);
      case 'function':
      case 'symbol':
        return `[${typeof value}]`;
      case 'object':
        return value && copyOnce(value, depth);
      default:
        return value;
    }
  };

  const copyOnce = (value: object, depth: number): unknown => {
    if (above.has(value)) return '[circular]';
    above.add(value);
    try {
      return copyObject(value, depth);
    } finally {
      above.delete(value);
    }
  };

  return read({ root }, 'root', -1);
}

/** The snapshot of what should be an object; anything else is absent. */
export function snapshotObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const copied = snapshot(value);
  return typeof copied === 'object' && copied !== null && !Array.isArray(copied)
    ? (copied as Readonly<Record<string, unknown>>)
    : undefined;
}

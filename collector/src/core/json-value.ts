/** What cleaning found in a value that came from outside. */
export interface Cleaned<T> {
  readonly value: T;
  /** Nested deeper than allowed: the value must be refused. */
  readonly isTooDeep: boolean;
  /** Characters that Postgres cannot store (NUL, lone surrogates) became U+FFFD. */
  readonly hasReplacedCharacters: boolean;
  /** A number became null (it was beyond the range of a double) or is an integer beyond 2^53. */
  readonly hasInexactNumbers: boolean;
}

export const MAX_DEPTH = 32;

/** What JSON calls an object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether the value is what JSON calls an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Never stored under these keys: whoever copies such an object in JavaScript would change its prototype. */
const UNSAFE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** Whether Postgres can store the text as it is: no NUL, and no surrogate without its partner. */
export function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** The text with what cannot be stored replaced by U+FFFD. */
export function toStorableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

interface Findings {
  isTooDeep: boolean;
  hasReplacedCharacters: boolean;
  hasInexactNumbers: boolean;
  hasUnsafeKeys: boolean;
}

/**
 * Makes a JSON value storable. A value without faults is returned as it is (no copy); whatever the input, nothing goes
 * deeper than {@link MAX_DEPTH} objects and arrays, so that none can exhaust the stack.
 */
export function cleanJson<T>(value: T): Cleaned<T> {
  const found = inspect(value);
  const isDirty = found.hasReplacedCharacters || found.hasInexactNumbers || found.hasUnsafeKeys;
  return {
    value: isDirty && !found.isTooDeep ? (rebuild(value) as T) : value,
    isTooDeep: found.isTooDeep,
    hasReplacedCharacters: found.hasReplacedCharacters,
    hasInexactNumbers: found.hasInexactNumbers,
  };
}

function inspect(root: unknown): Findings {
  const found = {
    isTooDeep: false,
    hasReplacedCharacters: false,
    hasInexactNumbers: false,
    hasUnsafeKeys: false,
  };
  inspectBelow(root, { depth: 0, found });
  return found;
}

/** Recursion, which is three times as fast as a list of levels, goes no deeper than is allowed. */
function inspectBelow(value: unknown, at: { readonly depth: number; readonly found: Findings }): void {
  const { depth, found } = at;
  if (typeof value === 'string') {
    if (!isStorableText(value)) found.hasReplacedCharacters = true;
  } else if (typeof value === 'number') {
    if (!isExactNumber(value)) found.hasInexactNumbers = true;
  } else if (typeof value === 'object' && value !== null) {
    if (depth >= MAX_DEPTH) {
      found.isTooDeep = true;
      return;
    }
    const below = { depth: depth + 1, found };
    for (const key in value) {
      if (UNSAFE_KEYS.has(key)) found.hasUnsafeKeys = true;
      else if (!isStorableText(key)) found.hasReplacedCharacters = true;
      inspectBelow((value as Record<string, unknown>)[key], below);
    }
  }
}

/** Whether the number is the one that was written: not beyond a double's range, and no integer beyond 2^53. */
export function isExactNumber(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

/** Recursion is safe here: the depth has been checked. */
function rebuild(value: unknown): unknown {
  if (typeof value === 'string') return isStorableText(value) ? value : toStorableText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map(rebuild);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !UNSAFE_KEYS.has(key))
      .map(([key, item]) => [toStorableText(key), rebuild(item)]),
  );
}

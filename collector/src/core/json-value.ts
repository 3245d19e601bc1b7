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
 * Makes a JSON value storable. A value without faults is returned as it is (no copy); depth is checked first and
 * iteratively, so that no input can exhaust the stack.
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
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return { ...found, isTooDeep: true };
    const next: unknown[] = [];
    for (const value of level) inspectOne(value, { found, next });
    level = next;
  }
  return found;
}

function inspectOne(value: unknown, { found, next }: { found: Findings; next: unknown[] }): void {
  if (typeof value === 'string') {
    if (!isStorableText(value)) found.hasReplacedCharacters = true;
  } else if (typeof value === 'number') {
    if (!isExactNumber(value)) found.hasInexactNumbers = true;
  } else if (Array.isArray(value)) {
    for (const item of value) next.push(item);
  } else if (typeof value === 'object' && value !== null) {
    for (const key of Object.keys(value)) {
      if (UNSAFE_KEYS.has(key)) found.hasUnsafeKeys = true;
      else if (!isStorableText(key)) found.hasReplacedCharacters = true;
      next.push((value as Record<string, unknown>)[key]);
    }
  }
}

function isExactNumber(value: number): boolean {
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

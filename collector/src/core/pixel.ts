import type { EventType } from './event';
import { isObject, type JsonObject } from './json-value';
import { parseJson } from './json-text';

/** What a query says; a parameter that stands twice is an array. */
export type Query = Readonly<Record<string, unknown>>;

/** What an image's address asks to be recorded. */
export type PixelCall =
  | { readonly ok: true; readonly writeKey: unknown; readonly item: JsonObject }
  | { readonly ok: false; readonly writeKey: unknown; readonly given: string; readonly message: string };

/**
 * Reads the event out of the address of a tracking pixel, as Segment's and RudderStack's pixel APIs do: as the JSON of
 * an event in `data`, or as plain parameters, whose dots lead into objects (`properties.plan=pro`). What `data` says
 * goes before a parameter of the same name. A parameter's value is always a text.
 *
 * @param type what the path says that it is; null where the event says it, or else its name: with an `event` it is a
 *   track call, without one a page view
 */
export function readPixel(query: Query, type: EventType | null): PixelCall {
  const { data, writeKey, ...parameters } = query;
  const plain = nest(parameters);
  const inData = data === undefined ? {} : readData(data);
  if (inData === null) {
    const message = 'data must be the JSON object of an event, in base64 or base64url.';
    return { ok: false, writeKey, given: String(data), message };
  }
  const item = { ...plain, ...inData };
  return {
    ok: true,
    writeKey: writeKey ?? item['writeKey'],
    item: { ...item, type: type ?? item['type'] ?? (item['event'] === undefined ? 'page' : 'track') },
  };
}

function readData(data: unknown): JsonObject | null {
  const bytes = typeof data === 'string' ? bytesOf(data) : null;
  if (bytes === null) return null;
  try {
    const value = parseJson(bytes);
    return isObject(value) ? value : null;
  } catch {
    // No JSON, or no UTF-8: null says it.
    return null;
  }
}

/** JSON as it is, or in either alphabet of base64 (RFC 4648): in a query, a plus sign arrives as a space. */
function bytesOf(text: string): Buffer | null {
  if (text.trimStart().startsWith('{')) return Buffer.from(text);
  const base64 = text.replaceAll(' ', '+');
  return /^[\w+/-]+={0,2}$/.test(base64) ? Buffer.from(base64, 'base64') : null;
}

type Branch = Record<string, unknown>;

/** `{'a.b': '1'}` becomes `{a: {b: '1'}}`. Where a name is both a value and a branch, the first one stays. */
function nest(parameters: Query): JsonObject {
  const root = newBranch();
  for (const [name, value] of Object.entries(parameters)) {
    const path = name.split('.');
    const last = path.pop()!;
    let branch: Branch | undefined = root;
    for (const key of path) branch = branch === undefined ? undefined : branchOf(branch, key);
    if (branch !== undefined && !(last in branch)) branch[last] = value;
  }
  return root;
}

function branchOf(parent: Branch, key: string): Branch | undefined {
  parent[key] ??= newBranch();
  return isObject(parent[key]) ? parent[key] : undefined;
}

/** Without a prototype: `__proto__` is a name like any other, and is taken out where all values are cleaned. */
function newBranch(): Branch {
  return Object.create(null) as Branch;
}

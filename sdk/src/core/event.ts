import { snapshot, snapshotObject } from './snapshot';
import type { EventType, Properties, WireEvent } from './wire';

/** What a call itself says; everything else on an event comes from where and when it was made. */
export type Said = Pick<
  WireEvent,
  'event' | 'name' | 'userId' | 'groupId' | 'previousId' | 'properties' | 'traits'
>;

/** What may be said about a call besides. */
export interface CallOptions {
  /** Laid over ours, key by key. */
  readonly context?: Properties;
  /** When it happened: a Date, or what `Date` reads. @default now */
  readonly timestamp?: Date | string | number;
}

/** What surrounds a call: where and when it was made, and by whom. */
export type Surroundings = Pick<WireEvent, 'messageId' | 'timestamp' | 'anonymousId' | 'userId' | 'context'>;

/** An identifier or a name: a text or a number; anything else, and blank, is absent. */
function readText(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && text.trim() ? (snapshot(text) as string) : undefined;
}

function isObject(value: unknown): boolean {
  return Object(value) === value;
}

/** `(category?, name?, properties?, options?)`; one text is the name. */
function readPage([a, b, c, d]: readonly unknown[]): readonly [Said, unknown] {
  const [first, second, properties, options] = isObject(a)
    ? [null, null, a, b]
    : isObject(b)
      ? [null, a, b, c]
      : [a, b, c, d];
  const name = readText(second) ?? readText(first);
  const category = readText(second) && readText(first);
  return [
    {
      name,
      properties: { ...(name && { name }), ...(category && { category }), ...snapshotObject(properties) },
    },
    options,
  ];
}

/**
 * What a call says, and its options, from its arguments in Segment's order; nothing that a page passes makes
 * it throw.
 */
export function readCall(type: EventType, given: readonly unknown[]): readonly [Said, unknown] {
  const [a, b, c] = given;
  switch (type) {
    case 'track':
      return [{ event: readText(a), properties: snapshotObject(b) }, c];
    case 'identify':
    case 'group': {
      // The ID may be left out.
      const [id, traits, options] = isObject(a) ? [null, a, b] : given;
      const idField = type === 'group' ? 'groupId' : 'userId';
      return [{ [idField]: readText(id), traits: snapshotObject(traits) }, options];
    }
    case 'alias':
      return [{ userId: readText(a), previousId: readText(b) }, c];
    case 'page':
    case 'screen':
      return readPage(given);
  }
}

/** The event that goes out: what was said, laid over what surrounds it. */
export function createEvent(
  type: EventType,
  [said, options]: ReturnType<typeof readCall>,
  around: Surroundings,
): WireEvent {
  const { context, timestamp } = snapshotObject(options) ?? {};
  const date = new Date(timestamp as string);
  return {
    type,
    ...around,
    ...said,
    timestamp: Number.isNaN(+date) ? around.timestamp : date.toISOString(),
    userId: said.userId ?? around.userId,
    context: { ...around.context, ...snapshotObject(context) },
    ...(type === 'alias' && { previousId: said.previousId ?? around.anonymousId }),
    ...(type === 'page' && { properties: { ...(around.context.page as Properties), ...said.properties } }),
  };
}

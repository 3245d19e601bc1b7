import { attempt } from './attempt';
import { snapshot, snapshotObject } from './snapshot';
import type { EventType, Properties, WireEvent } from './wire';

/** What may be said about a call besides. */
export interface CallOptions {
  /** Laid over ours, key by key. */
  readonly context?: Properties;
  /** When it happened: a Date, or what `Date` reads. @default now */
  readonly timestamp?: Date | string | number;
  /** Which destinations it is for, in Segment's form; kept with the event. */
  readonly integrations?: Properties;
}

/** What a call itself says, as it was when it was made; everything else on an event comes from around it. */
export type Call = Omit<WireEvent, 'messageId' | 'anonymousId' | 'timestamp' | 'context'> & {
  readonly timestamp?: string | undefined;
  readonly context?: Properties | undefined;
};

/** What surrounds a call: where and when it was made, and by whom. */
export type Surroundings = Pick<WireEvent, 'messageId' | 'timestamp' | 'anonymousId' | 'userId' | 'context'>;

/** An identifier or a name: a text or a number; anything else, and blank, is absent. */
export function readText(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && text.trim() ? (snapshot(text) as string) : undefined;
}

function isObject(value: unknown): boolean {
  return Object(value) === value;
}

/** Pages and screens, from category, name and properties; one text is the name. */
function readPage(first: unknown, second: unknown, given: unknown): Omit<Call, 'type'> {
  const name = readText(second) ?? readText(first);
  const category = readText(second) && readText(first);
  return {
    name,
    properties: { ...(name && { name }), ...(category && { category }), ...snapshotObject(given) },
  };
}

/** What is said, and the call's options, from its arguments in Segment's order. */
function readArguments(type: EventType, given: readonly unknown[]): readonly [Omit<Call, 'type'>, unknown] {
  const [a, b, c, d] = given;
  switch (type) {
    case 'track':
      return [{ event: readText(a), properties: snapshotObject(b) }, c];
    case 'identify':
    case 'group': {
      // The ID may be left out.
      const [id, traits, options] = isObject(a) ? [null, a, b] : given;
      return [
        { [type === 'group' ? 'groupId' : 'userId']: readText(id), traits: snapshotObject(traits) },
        options,
      ];
    }
    case 'alias':
      return [{ userId: readText(a), previousId: readText(b) }, isObject(b) ? b : c];
    default:
      return isObject(a)
        ? [readPage(null, null, a), b]
        : isObject(b)
          ? [readPage(null, a, b), c]
          : [readPage(a, b, c), d];
  }
}

/**
 * What a call says, from its arguments in Segment's order, where a function may come last; nothing that a page
 * passes makes it throw.
 */
export function readCall(type: EventType, given: readonly unknown[]): Call {
  const [said, options] = readArguments(
    type,
    given.filter((value) => typeof value !== 'function'),
  );
  const { context, timestamp, integrations } = snapshotObject(options) ?? {};
  return {
    type,
    ...said,
    context: snapshotObject(context),
    integrations: snapshotObject(integrations),
    timestamp: attempt(() => new Date(timestamp as string).toISOString()),
  };
}

/** The event that goes out: what was said, laid over what surrounds it. */
export function createEvent(call: Call, around: Surroundings): WireEvent {
  return {
    ...around,
    ...call,
    timestamp: call.timestamp ?? around.timestamp,
    userId: call.userId ?? around.userId,
    context: { ...around.context, ...call.context },
    ...(call.type === 'alias' && { previousId: call.previousId ?? around.anonymousId }),
    ...(call.type === 'page' && {
      properties: { ...(around.context.page as Properties), ...call.properties },
    }),
  };
}

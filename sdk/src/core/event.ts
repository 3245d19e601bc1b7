import { attempt } from './attempt';
import { isObject, snapshot, snapshotObject } from './snapshot';
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
  /** Null where the call does not say one. */
  readonly timestamp: string | null | undefined;
  readonly context?: Properties | undefined;
};

/** What surrounds a call: where and when it was made, and by whom. */
export type Surroundings = Pick<WireEvent, 'messageId' | 'timestamp' | 'anonymousId' | 'userId' | 'context'>;

/** An identifier or a name: a text or a number; anything else, and blank, is absent. */
export function readText(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && text.trim() ? (snapshot(text) as string) : undefined;
}

/** Each type's fields for the first text that a call gives, and for what it says besides. */
const FIELDS: Readonly<Record<EventType, readonly [text: keyof Call, data: keyof Call]>> = {
  identify: ['userId', 'traits'],
  track: ['event', 'properties'],
  page: ['name', 'properties'],
  screen: ['name', 'properties'],
  group: ['groupId', 'traits'],
  alias: ['userId', 'properties'],
};

export const EVENT_TYPES = Object.keys(FIELDS) as readonly EventType[];

/**
 * What a call says, from its arguments in Segment's order: one text, or two for pages, screens and aliases, which may
 * be left out; data; options; a function. Nothing that a page passes makes it throw.
 */
export function readCall(type: EventType, all: readonly unknown[]): Call {
  const given = all.filter((value) => typeof value !== 'function');
  const isAlias = type === 'alias';
  const isView = type === 'page' || type === 'screen';
  const most = isAlias || isView ? 2 : 1;
  const [first, second] = given.slice(0, most).map(readText);
  const texts = given.slice(0, most).findIndex(isObject);
  const rest = given.slice(texts < 0 ? most : texts);
  const data = snapshotObject(!isAlias && rest.shift());
  const { context, timestamp, integrations } = snapshotObject(rest[0]) ?? {};
  const [textField, dataField] = FIELDS[type];
  return {
    type,
    [textField]: first,
    [dataField]: data,
    ...(isAlias && { previousId: second }),
    // One text is the name, of two the first is the category.
    ...(isView && {
      name: second ?? first,
      properties: { name: second ?? first, category: second && first, ...data },
    }),
    context: isObject(context) ? (context as Properties) : undefined,
    integrations: integrations as Properties,
    // `toISOString` would throw where there is none, which takes longer than all else here.
    timestamp: attempt(() => new Date(timestamp as string).toJSON()),
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

import { offsetOf, parseInstant, placeInTime } from './clock';
import { mergeContext } from './event-context';
import { readIdentifierText, readIdentity, type Who } from './event-identity';
import { subjectIdOf } from './identifier';
import {
  cleanJson,
  isObject,
  isStorableText,
  type JsonObject,
  MAX_DEPTH,
  toStorableText,
} from './json-value';
import { storedIdOf } from './message-id';
import { type OrderFact, readOrder } from './order';
import { Refused, type Rejection } from './refusal';
import { isOnceReadable } from './traits';
import { readVisit, type Visit } from './visit';

export const EVENT_TYPES = ['track', 'identify', 'page', 'screen', 'group', 'alias'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/**
 * The source of what the collector records itself: on the timeline, and counted in nothing, so that who was merely decided
 * about is neither seen nor busier for it. Nothing that is sent can have it.
 */
export const OWN_SOURCE_ID = '00000000-0000-0000-0000-000000000001';

/** Whether the collector records it itself. */
export function isOwnEvent({ sourceId }: Pick<NormalEvent, 'sourceId'>): boolean {
  return sourceId === OWN_SOURCE_ID;
}

/** An event may be at most this many bytes of JSON, the batch's context included. */
export const MAX_EVENT_BYTES = 32 * 1024;
export const MAX_MESSAGE_ID_LENGTH = 100;
/** Event and page names reach indexes; an index row of Postgres ends at 2.7 KB. */
export const MAX_NAME_LENGTH = 256;

/** An event as it will be stored: a pure function of what arrived and of when it arrived. */
export interface NormalEvent extends Who {
  readonly sourceId: string;
  readonly messageId: string;
  /** The ID as it came, where that is not the text of `messageId`. */
  readonly originalMessageId: string | null;
  readonly type: EventType;
  readonly name: string | null;
  readonly subjectId: string;
  readonly groupId: string | null;
  /** Milliseconds since 1970, as are all times here. */
  readonly occurredAt: number;
  readonly receivedAt: number;
  readonly originalTimestamp: number | null;
  readonly sentAt: number | null;
  /** JSON texts, made once: measured here, stored as they are. */
  readonly properties: string | null;
  readonly traits: string | null;
  readonly context: string | null;
  readonly traitValues: Readonly<Record<string, unknown>> | null;
  readonly visit: Visit | null;
  readonly order: OrderFact | null;
  readonly warnings: readonly string[];
}

export type Normalised =
  { readonly ok: true; readonly event: NormalEvent } | { readonly ok: false; readonly rejection: Rejection };

/** What stands around a batch's items. */
export interface Envelope {
  readonly workspaceId: string;
  /** Where the events come from. */
  readonly sourceId: string;
  readonly receivedAt: number;
  readonly sentAt: number | null;
  /** The earliest time allowed; null for imports. */
  readonly oldest: number | null;
  /** What all of them share; see sharedContextOf(). */
  readonly context: Readonly<Record<string, unknown>> | null;
  /** Makes a message ID for an event that has none. */
  readonly newMessageId: () => string;
  /** Whether the items come from different clocks and days, as in an import: then none shifts another. @default false */
  readonly areUnrelated?: boolean;
}

/**
 * Normalises the items of one batch: IDs, identifiers, names, times, values. One bad item never affects another,
 * except that all share the correction of their client's clock.
 */
export function normaliseBatch(items: readonly unknown[], envelope: Envelope): Normalised[] {
  const ofOneClock = envelope.areUnrelated === true ? [] : items;
  const offset = offsetOf({
    receivedAt: envelope.receivedAt,
    sentAt: envelope.sentAt,
    originals: ofOneClock.flatMap((item) => {
      const given = isObject(item) ? timestampOf(item) : null;
      const at = typeof given === 'string' ? parseInstant(given) : null;
      return at === null ? [] : [at];
    }),
  });
  return items.map((item) => normaliseItem(item, { ...envelope, offset }));
}

function normaliseItem(item: unknown, envelope: Envelope & { offset: number }): Normalised {
  try {
    if (!isObject(item)) throw new Refused('invalid_event', 'An event must be a JSON object.');
    return { ok: true, event: readEvent(item, envelope) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const given = isObject(item) ? item['messageId'] : null;
    const messageId =
      typeof given === 'string' ? toStorableText(given).slice(0, MAX_MESSAGE_ID_LENGTH) : null;
    return { ok: false, rejection: { code: error.code, message: error.message, messageId } };
  }
}

function readEvent(item: JsonObject, envelope: Envelope & { offset: number }): NormalEvent {
  const warnings = new Set<string>();
  const type = readType(item['type']);
  const id = readMessageId(item['messageId'], envelope);
  const values = readValues(item, { type, envelope, warnings });
  const who = readIdentity(item, { type, values, warnings });
  const name = readName(item, { type, properties: values.properties });
  const order = type === 'track' ? readOrder(name!, values.properties ?? {}) : null;
  for (const warning of order?.warnings ?? []) warnings.add(warning);
  const when = readTimes(item, { envelope, warnings });
  const texts = toJsonTexts(values);
  // Field by field: spreading the parts took half the time of normalising, and made objects that are slower to read.
  return {
    sourceId: envelope.sourceId,
    messageId: id.messageId,
    originalMessageId: id.originalMessageId,
    type,
    name,
    subjectId: subjectIdOf(envelope.workspaceId, who.identifiers[0]!),
    userId: who.userId,
    email: who.email,
    anonymousId: who.anonymousId,
    previousId: who.previousId,
    identifiers: who.identifiers,
    groupId: readIdentifierText(item['groupId'], { field: 'groupId', warnings }),
    occurredAt: when.occurredAt,
    receivedAt: envelope.receivedAt,
    originalTimestamp: when.originalTimestamp,
    sentAt: envelope.sentAt,
    properties: texts.properties,
    traits: texts.traits,
    context: texts.context,
    traitValues: values.traits,
    visit: readVisit({ type, name, properties: values.properties, context: values.context }),
    order,
    warnings: [...warnings],
  };
}

function readType(type: unknown): EventType {
  if (typeof type === 'string' && (EVENT_TYPES as readonly string[]).includes(type)) return type as EventType;
  throw new Refused('invalid_type', `type must be one of ${EVENT_TYPES.join(', ')}.`);
}

function readMessageId(
  given: unknown,
  { newMessageId }: Envelope,
): Pick<NormalEvent, 'messageId' | 'originalMessageId'> {
  if (given === undefined || given === null) return { messageId: newMessageId(), originalMessageId: null };
  if (typeof given !== 'string' || given.trim() === '' || given.length > MAX_MESSAGE_ID_LENGTH) {
    throw new Refused(
      'invalid_message_id',
      `messageId must be a text of 1 to ${MAX_MESSAGE_ID_LENGTH} characters.`,
    );
  }
  if (!isStorableText(given)) {
    throw new Refused('invalid_message_id', 'messageId must not contain NUL or lone surrogates.');
  }
  const messageId = storedIdOf(given);
  return { messageId, originalMessageId: messageId === given ? null : given };
}

interface Values {
  readonly properties: JsonObject | null;
  readonly traits: JsonObject | null;
  readonly context: JsonObject | null;
}

function readValues(
  item: JsonObject,
  { type, envelope, warnings }: { type: EventType; envelope: Envelope; warnings: Set<string> },
): Values {
  const own = readObject(item['context'], 'context');
  const cleaned = cleanJson({
    properties: readProperties(item, type),
    traits: readObject(item['traits'], 'traits') ?? (type === 'identify' ? traitsIn(own) : null),
    context: mergeContext({ own, integrations: item['integrations'] }, envelope.context),
  });
  if (cleaned.isTooDeep)
    throw new Refused('too_deep', `An event may be nested at most ${MAX_DEPTH} levels deep.`);
  if (cleaned.hasReplacedCharacters) warnings.add('replaced_characters');
  if (cleaned.hasInexactNumbers) warnings.add('inexact_number');
  if (type === 'identify' && !isOnceReadable(cleaned.value.traits)) warnings.add('invalid_once');
  return cleaned.value;
}

/** The category of a page or screen stands beside its properties or in them; it is kept in them. */
function readProperties(item: JsonObject, type: EventType): JsonObject | null {
  const properties = readObject(item['properties'], 'properties');
  const { category } = item;
  const isPlaced = (type !== 'page' && type !== 'screen') || typeof category !== 'string' || category === '';
  return isPlaced || properties?.['category'] !== undefined ? properties : { ...properties, category };
}

/** RudderStack's browser client says here, and only here, what its identify says about a person. */
function traitsIn(context: JsonObject | null): JsonObject | null {
  const traits = context?.['traits'];
  return isObject(traits) ? traits : null;
}

/** Clients write null where they have nothing. */
function readObject(value: unknown, field: 'properties' | 'traits' | 'context'): JsonObject | null {
  if (value === undefined || value === null) return null;
  if (isObject(value)) return value;
  throw new Refused(`invalid_${field}`, `${field[0]!.toUpperCase()}${field.slice(1)} must be a JSON object.`);
}

function toJsonTexts(values: Values): Pick<NormalEvent, 'properties' | 'traits' | 'context'> {
  const texts = {
    properties: values.properties === null ? null : JSON.stringify(values.properties),
    traits: values.traits === null ? null : JSON.stringify(values.traits),
    context: values.context === null ? null : JSON.stringify(values.context),
  };
  const bytes = byteLength(texts.properties) + byteLength(texts.traits) + byteLength(texts.context);
  if (bytes > MAX_EVENT_BYTES) {
    throw new Refused(
      'too_large',
      `An event may be at most ${MAX_EVENT_BYTES} bytes; this one has ${bytes}.`,
    );
  }
  return texts;
}

function byteLength(text: string | null): number {
  return text === null ? 0 : Buffer.byteLength(text);
}

function readName(
  item: JsonObject,
  { type, properties }: { type: EventType; properties: JsonObject | null },
): string | null {
  if (type === 'track') {
    const name = item['event'];
    if (typeof name !== 'string' || name.trim() === '') {
      throw new Refused('invalid_name', 'Event name is required: event must be a text that is not blank.');
    }
    return requireName(name, 'event');
  }
  if (type !== 'page' && type !== 'screen') return null;
  const name = item['name'] ?? properties?.['name'];
  return typeof name === 'string' && name.trim() !== '' ? requireName(name, 'name') : null;
}

function requireName(name: string, field: string): string {
  if (!isStorableText(name)) {
    throw new Refused('invalid_name', `${field} must not contain NUL or lone surrogates.`);
  }
  if (name.length > MAX_NAME_LENGTH) {
    throw new Refused('invalid_name', `${field} may have at most ${MAX_NAME_LENGTH} characters.`);
  }
  return name;
}

type Times = Pick<NormalEvent, 'occurredAt' | 'originalTimestamp'>;

function readTimes(
  item: JsonObject,
  { envelope, warnings }: { envelope: Envelope & { offset: number }; warnings: Set<string> },
): Times {
  const { receivedAt, oldest, offset } = envelope;
  const given = timestampOf(item);
  if (given === undefined || given === null) {
    return { occurredAt: receivedAt, originalTimestamp: null };
  }
  const originalTimestamp = typeof given === 'string' ? parseInstant(given) : null;
  if (originalTimestamp === null) {
    throw new Refused(
      'invalid_timestamp',
      'timestamp must be an RFC 3339 instant such as 2026-01-31T12:00:00.000Z.',
    );
  }
  const { occurredAt, isClamped } = placeInTime(originalTimestamp + offset, { receivedAt, oldest });
  if (isClamped) warnings.add('timestamp_clamped');
  else if (offset !== 0) warnings.add('clock_corrected');
  return { occurredAt, originalTimestamp };
}

/** When it happened, by the client's clock. RudderStack's clients call it by the name that Segment's server gives it. */
function timestampOf(item: JsonObject): unknown {
  return item['timestamp'] ?? item['originalTimestamp'];
}

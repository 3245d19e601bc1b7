import { offsetOf, parseInstant, placeInTime } from './clock';
import { cleanJson, isStorableText, toStorableText } from './json-value';
import { type Identifier, isJunkIdentifier, normaliseEmail, subjectIdOf } from './identifier';
import { type OrderFact, readOrder } from './order';
import { isUuid, THROUGHLINE_NAMESPACE, uuidV5 } from './uuid';

export const EVENT_TYPES = ['track', 'identify', 'page', 'screen', 'group', 'alias'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** An event may be at most this many bytes of JSON, the batch's context included. */
export const MAX_EVENT_BYTES = 32 * 1024;
export const MAX_MESSAGE_ID_LENGTH = 100;
/** Event and page names reach indexes; an index row of Postgres ends at 2.7 KB. */
export const MAX_NAME_LENGTH = 256;

/** Why an event was refused. The codes are part of the API; docs/errors.md lists them and is tested against this. */
export const REJECTION_CODES = [
  'invalid_event',
  'invalid_type',
  'invalid_message_id',
  'invalid_identifier',
  'invalid_name',
  'invalid_properties',
  'invalid_traits',
  'invalid_context',
  'invalid_timestamp',
  'no_identity',
  'too_deep',
  'too_large',
  'not_storable',
] as const;
export type RejectionCode = (typeof REJECTION_CODES)[number];

export interface Rejection {
  readonly code: RejectionCode;
  readonly message: string;
  readonly messageId: string | null;
}

/** An event as it will be stored: a pure function of what arrived and of when it arrived. */
export interface NormalEvent {
  readonly messageId: string;
  /** The ID as it came, where that is not the text of `messageId`. */
  readonly originalMessageId: string | null;
  readonly type: EventType;
  readonly name: string | null;
  readonly subjectId: string;
  readonly userId: string | null;
  readonly email: string | null;
  readonly anonymousId: string | null;
  readonly groupId: string | null;
  readonly previousId: string | null;
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
  readonly order: OrderFact | null;
  /** The identifiers that it carries, the strongest first; the first one is the subject. */
  readonly identifiers: readonly Identifier[];
  readonly warnings: readonly string[];
}

export type Normalised =
  { readonly ok: true; readonly event: NormalEvent } | { readonly ok: false; readonly rejection: Rejection };

/** What stands around a batch's items. */
export interface Envelope {
  readonly workspaceId: string;
  readonly receivedAt: number;
  readonly sentAt: number | null;
  /** The earliest time allowed; null for imports. */
  readonly oldest: number | null;
  readonly context: Readonly<Record<string, unknown>> | null;
  /** Makes a message ID for an event that has none. */
  readonly newMessageId: () => string;
}

type Fields = Readonly<Record<string, unknown>>;

class Refused extends Error {
  constructor(
    readonly code: RejectionCode,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Normalises the items of one batch: IDs, identifiers, names, times, values. One bad item never affects another,
 * except that all share the correction of their client's clock.
 */
export function normaliseBatch(items: readonly unknown[], envelope: Envelope): Normalised[] {
  const offset = offsetOf({
    receivedAt: envelope.receivedAt,
    sentAt: envelope.sentAt,
    originals: items.flatMap((item) => {
      const at =
        isObject(item) && typeof item['timestamp'] === 'string' ? parseInstant(item['timestamp']) : null;
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

function readEvent(item: Fields, envelope: Envelope & { offset: number }): NormalEvent {
  const warnings = new Set<string>();
  const type = readType(item['type']);
  const id = readMessageId(item['messageId'], envelope);
  const values = readValues(item, { envelope, warnings });
  const who = readIdentity(item, { type, values, warnings });
  const name = readName(item, { type, properties: values.properties });
  const order = type === 'track' ? readOrder(name!, values.properties ?? {}) : null;
  for (const warning of order?.warnings ?? []) warnings.add(warning);
  const when = readTimes(item, { envelope, warnings });
  return {
    ...id,
    ...who,
    ...when,
    type,
    name,
    groupId: readIdentifierText(item['groupId'], { field: 'groupId', warnings }),
    ...toJsonTexts(values),
    traitValues: values.traits,
    order,
    subjectId: subjectIdOf(envelope.workspaceId, who.identifiers[0]!),
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
  const messageId = isUuid(given) ? given.toLowerCase() : uuidV5(THROUGHLINE_NAMESPACE, given);
  return { messageId, originalMessageId: messageId === given ? null : given };
}

interface Values {
  readonly properties: Fields | null;
  readonly traits: Fields | null;
  readonly context: Fields | null;
}

function readValues(
  item: Fields,
  { envelope, warnings }: { envelope: Envelope; warnings: Set<string> },
): Values {
  const context = readObject(item['context'], 'context');
  const merged = envelope.context === null ? context : { ...envelope.context, ...context };
  const cleaned = cleanJson({
    properties: readObject(item['properties'], 'properties'),
    traits: readObject(item['traits'], 'traits'),
    context: withoutAddress(merged),
  });
  if (cleaned.isTooDeep) throw new Refused('too_deep', 'An event may be nested at most 30 levels deep.');
  if (cleaned.hasReplacedCharacters) warnings.add('replaced_characters');
  if (cleaned.hasInexactNumbers) warnings.add('inexact_number');
  return cleaned.value;
}

function readObject(value: unknown, field: 'properties' | 'traits' | 'context'): Fields | null {
  if (value === undefined) return null;
  if (isObject(value)) return value;
  throw new Refused(`invalid_${field}`, `${field[0]!.toUpperCase()}${field.slice(1)} must be a JSON object.`);
}

/** No raw address of a visitor is stored. */
function withoutAddress(context: Fields | null): Fields | null {
  if (context === null || !('ip' in context)) return context;
  return Object.fromEntries(Object.entries(context).filter(([key]) => key !== 'ip'));
}

function toJsonTexts(values: Values): Pick<NormalEvent, 'properties' | 'traits' | 'context'> {
  const texts = {
    properties: values.properties === null ? null : JSON.stringify(values.properties),
    traits: values.traits === null ? null : JSON.stringify(values.traits),
    context: values.context === null ? null : JSON.stringify(values.context),
  };
  const bytes = Object.values(texts).reduce(
    (sum, text) => sum + (text === null ? 0 : Buffer.byteLength(text)),
    0,
  );
  if (bytes > MAX_EVENT_BYTES) {
    throw new Refused(
      'too_large',
      `An event may be at most ${MAX_EVENT_BYTES} bytes; this one has ${bytes}.`,
    );
  }
  return texts;
}

function readName(
  item: Fields,
  { type, properties }: { type: EventType; properties: Fields | null },
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

type Who = Pick<NormalEvent, 'userId' | 'email' | 'anonymousId' | 'previousId' | 'identifiers'>;

function readIdentity(
  item: Fields,
  { type, values, warnings }: { type: EventType; values: Values; warnings: Set<string> },
): Who {
  const read = (field: 'userId' | 'anonymousId' | 'previousId') =>
    readIdentifierText(item[field], { field, warnings });
  const userId = read('userId');
  const email = readEmail({ type, values, warnings });
  const anonymousId = read('anonymousId');
  const previousId = type === 'alias' ? read('previousId') : null;
  const identifiers: Identifier[] = [];
  if (userId !== null) identifiers.push({ kind: 'user', value: userId });
  if (email !== null) identifiers.push({ kind: 'email', value: email });
  // An alias' previous ID is read as an anonymous one: it names the past of whoever it aliases.
  for (const value of new Set([anonymousId, previousId])) {
    if (value !== null) identifiers.push({ kind: 'anonymous', value });
  }
  if (identifiers.length === 0) {
    throw new Refused('no_identity', 'An event needs a userId, an email in its traits, or an anonymousId.');
  }
  return { userId, email, anonymousId, previousId, identifiers };
}

function readIdentifierText(
  given: unknown,
  { field, warnings }: { field: string; warnings: Set<string> },
): string | null {
  if (given === undefined || given === null || given === '') return null;
  if (typeof given !== 'string' && typeof given !== 'number') {
    throw new Refused('invalid_identifier', `${field} must be a text.`);
  }
  const text = String(given).trim();
  if (!isStorableText(text)) {
    throw new Refused('invalid_identifier', `${field} must not contain NUL or lone surrogates.`);
  }
  if (!isJunkIdentifier(text)) return text;
  warnings.add(`junk_${field}`);
  return null;
}

/** A group call's traits are about the group, not about who called. */
function readEmail({
  type,
  values,
  warnings,
}: {
  type: EventType;
  values: Values;
  warnings: Set<string>;
}): string | null {
  const contextTraits = values.context?.['traits'];
  const candidates = [
    type === 'group' ? undefined : values.traits?.['email'],
    isObject(contextTraits) ? contextTraits['email'] : undefined,
  ];
  for (const candidate of candidates) {
    if (typeof candidate !== 'string' || candidate === '') continue;
    const email = normaliseEmail(candidate);
    if (email !== null) return email;
    warnings.add('junk_email');
  }
  return null;
}

type Times = Pick<NormalEvent, 'occurredAt' | 'receivedAt' | 'originalTimestamp' | 'sentAt'>;

function readTimes(
  item: Fields,
  { envelope, warnings }: { envelope: Envelope & { offset: number }; warnings: Set<string> },
): Times {
  const { receivedAt, sentAt, oldest, offset } = envelope;
  const given = item['timestamp'];
  if (given === undefined || given === null) {
    return { occurredAt: receivedAt, receivedAt, originalTimestamp: null, sentAt };
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
  return { occurredAt, receivedAt, originalTimestamp, sentAt };
}

/** Whether the value is what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

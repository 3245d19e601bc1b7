import { describe, expect, it } from 'vitest';
import { MAX_EVENT_BYTES, type NormalEvent, normaliseBatch } from '../../src/core/event';
import { sharedContextOf } from '../../src/core/event-context';
import { subjectIdOf } from '../../src/core/identifier';
import type { Rejection } from '../../src/core/refusal';
import { THROUGHLINE_NAMESPACE, uuidV5 } from '../../src/core/uuid';

const WORKSPACE = '7b0e6f0a-6a1c-4a7e-9d5e-0c3f1a2b4c5d';
const RECEIVED_AT = Date.parse('2026-06-15T12:00:00.000Z');
const NEW_ID = '01900000-0000-7000-8000-000000000000';

function normalise(item: unknown, context: Readonly<Record<string, unknown>> | null = null) {
  const [result] = normaliseBatch([item], {
    workspaceId: WORKSPACE,
    sourceId: WORKSPACE,
    receivedAt: RECEIVED_AT,
    sentAt: null,
    oldest: RECEIVED_AT - 30 * 24 * 3_600_000,
    context,
    newMessageId: () => NEW_ID,
  });
  return result!;
}

function accepted(item: unknown, context?: Readonly<Record<string, unknown>>): NormalEvent {
  const result = normalise(item, context);
  if (!result.ok) throw new Error(`${result.rejection.code}: ${result.rejection.message}`);
  return result.event;
}

function refused(item: unknown): Rejection {
  const result = normalise(item);
  if (result.ok) throw new Error('It was accepted.');
  return result.rejection;
}

const track = { type: 'track', event: 'Clicked', anonymousId: 'device-1' };

describe('a message ID', () => {
  it('that is a UUID is kept, in lower case, and echoed as it came', () => {
    const messageId = '0190A1B2-C3D4-7E5F-8A6B-7C8D9E0F1A2B';
    expect(accepted({ ...track, messageId })).toMatchObject({
      messageId: messageId.toLowerCase(),
      originalMessageId: messageId,
    });
  });

  it('of another form becomes a UUIDv5 of its whole text', () => {
    const messageId = 'ajs-next-1718452800000-abcdef';
    expect(accepted({ ...track, messageId })).toMatchObject({
      messageId: uuidV5(THROUGHLINE_NAMESPACE, messageId),
      originalMessageId: messageId,
    });
  });

  it('is made where there is none', () => {
    expect(accepted(track)).toMatchObject({ messageId: NEW_ID, originalMessageId: null });
  });

  it.each([['x'.repeat(101)], [''], ['   '], [7], ['a\0b'], ['\uD800']])('%j is refused', (messageId) => {
    expect(refused({ ...track, messageId }).code).toBe('invalid_message_id');
  });
});

describe('an event belongs to', () => {
  const subject = (kind: 'user' | 'email' | 'anonymous', value: string) =>
    subjectIdOf(WORKSPACE, { kind, value });

  it('the user before the email before the anonymous ID', () => {
    const all = { ...track, userId: 'u1', traits: { email: 'A@x.test' } };
    expect(accepted(all).subjectId).toBe(subject('user', 'u1'));
    expect(accepted({ ...all, userId: undefined }).subjectId).toBe(subject('email', 'a@x.test'));
    expect(accepted(track).subjectId).toBe(subject('anonymous', 'device-1'));
  });

  it('an email from context.traits where traits have none', () => {
    expect(accepted({ ...track, context: { traits: { email: ' B@x.test ' } } }).email).toBe('b@x.test');
  });

  it('nobody by an email without an @, or by the email of a group', () => {
    expect(accepted({ ...track, traits: { email: 'nobody' } }).email).toBeNull();
    expect(
      accepted({ type: 'group', groupId: 'g', anonymousId: 'a', traits: { email: 'g@x.test' } }).email,
    ).toBeNull();
  });

  it.each([
    'null',
    ' Undefined ',
    'NaN',
    '0',
    '-1',
    '00000000-0000-0000-0000-000000000000',
    '[object Object]',
    '000',
    'x'.repeat(201),
  ])('nobody called %s, which is warned about', (userId) => {
    expect(accepted({ ...track, userId })).toMatchObject({ userId: null, warnings: ['junk_userId'] });
  });

  it('nobody by an email that holds what cannot be stored: others would become the same', () => {
    for (const email of ['a\0@x.test', 'a\uD800@x.test', 'a\uFFFD@x.test']) {
      const event = accepted({ ...track, traits: { email } });
      expect(event.email).toBeNull();
      expect(event.warnings).toContain('junk_email');
    }
  });

  it('somebody, or it is refused', () => {
    expect(refused({ type: 'track', event: 'Clicked', userId: 'null' }).code).toBe('no_identity');
  });

  it('a user whose ID is a number, as its text', () => {
    expect(accepted({ ...track, userId: 42 }).userId).toBe('42');
  });

  it.each([[{}], [[]], [true], ['a\0b'], ['\uDC00'], [1e400], [2 ** 53], [-(2 ** 53)], [1e21]])(
    'no identifier like %j, which is refused',
    (userId) => {
      expect(refused({ ...track, userId }).code).toBe('invalid_identifier');
    },
  );
});

describe('an event is refused', () => {
  it.each([
    ['that is no object', 'text', 'invalid_event'],
    ['without a type', { anonymousId: 'a' }, 'invalid_type'],
    ['of a type of its own', { type: 'purchase', anonymousId: 'a' }, 'invalid_type'],
    ['that tracks nothing', { ...track, event: '  ' }, 'invalid_name'],
    ['whose name is endless', { ...track, event: 'x'.repeat(257) }, 'invalid_name'],
    ['whose name cannot be stored', { ...track, event: 'a\0' }, 'invalid_name'],
    ['whose properties are an array', { ...track, properties: [] }, 'invalid_properties'],
    ['whose traits are a text', { ...track, traits: 'x' }, 'invalid_traits'],
    ['whose context is a number', { ...track, context: 1 }, 'invalid_context'],
    ['of yesterday, in words', { ...track, timestamp: 'yesterday' }, 'invalid_timestamp'],
    ['whose time is a number', { ...track, timestamp: 0 }, 'invalid_timestamp'],
    ['whose only time is no time', { ...track, originalTimestamp: 'now' }, 'invalid_timestamp'],
    ['that is too large', { ...track, properties: { text: 'x'.repeat(MAX_EVENT_BYTES) } }, 'too_large'],
  ])('%s', (_what, item, code) => {
    expect(refused(item).code).toBe(code);
  });

  it('that has one byte too many, and not before', () => {
    const context = { locale: 'de' };
    const rest = Buffer.byteLength('{"text":""}{"plan":"pro"}{"locale":"de"}');
    const ofBytes = (bytes: number) => ({
      ...track,
      traits: { plan: 'pro' },
      // Two bytes a character: bytes are counted, not characters.
      properties: { text: 'é'.repeat((bytes - rest) / 2) },
    });
    expect((MAX_EVENT_BYTES - rest) % 2).toBe(0);
    expect(normalise(ofBytes(MAX_EVENT_BYTES), context).ok).toBe(true);
    const tooLarge = ofBytes(MAX_EVENT_BYTES);
    tooLarge.properties.text += 'x';
    expect(normalise(tooLarge, context)).toMatchObject({ ok: false, rejection: { code: 'too_large' } });
  });

  it('that has a hundred thousand keys', () => {
    const properties = Object.fromEntries(Array.from({ length: 100_000 }, (_, key) => [`k${key}`, 1]));
    expect(refused({ ...track, properties }).code).toBe('too_large');
  });

  it('that is nested deeper than 32 levels, itself the first, and not before', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : { nested: nested(levels - 1) });
    expect(accepted({ ...track, properties: nested(31) }).properties).toContain('nested');
    expect(refused({ ...track, properties: nested(32) }).code).toBe('too_deep');
  });

  it('that is nested without end, without exhausting the stack', () => {
    let nested: unknown = 1;
    for (let depth = 0; depth < 50_000; depth += 1) nested = { nested };
    expect(refused({ ...track, properties: { nested } }).code).toBe('too_deep');
  });
});

describe('what an event carries', () => {
  it('is stored with what Postgres cannot store replaced, and flagged', () => {
    const event = accepted({ ...track, properties: { 'a\0': 'b\0', c: ['\uD800'] } });
    expect(JSON.parse(event.properties!)).toEqual({ 'a\uFFFD': 'b\uFFFD', c: ['\uFFFD'] });
    expect(event.warnings).toEqual(['replaced_characters']);
  });

  it('loses keys that would change a prototype', () => {
    const properties: unknown = JSON.parse(
      '{"__proto__": {"admin": true}, "constructor": 1, "ok": {"__proto__": 2}}',
    );
    expect(accepted({ ...track, properties }).properties).toBe('{"ok":{}}');
  });

  it('keeps numbers, and flags those that JSON cannot carry exactly', () => {
    const properties: unknown = JSON.parse('{"huge": 1e400, "long": 9007199254740993, "fine": 0.1}');
    const event = accepted({ ...track, properties });
    expect(JSON.parse(event.properties!)).toEqual({ huge: null, long: 9007199254740992, fine: 0.1 });
    expect(event.warnings).toEqual(['inexact_number']);
  });

  it("takes the batch's context where its own says nothing", () => {
    const event = accepted({ ...track, context: { locale: 'de' } }, { locale: 'en', library: { name: 'x' } });
    expect(JSON.parse(event.context!)).toEqual({ locale: 'de', library: { name: 'x' } });
  });

  it.each([
    ['the batch', undefined, { All: false }, { All: false }],
    ['the event', { Mail: true }, undefined, { Mail: true }],
    ['both, the event’s own first', { Mail: true }, { Mail: false, All: false }, { Mail: true, All: false }],
    ['nobody, where there are none', {}, {}, undefined],
    ['the event, where it is no object', 'All', { Mail: false }, 'All'],
  ])('has its integrations in its context, from %s', (_from, ...[own, batch, expected]) => {
    const shared = sharedContextOf({ context: { locale: 'de' }, integrations: batch });
    const event = accepted({ ...track, integrations: own }, shared!);
    expect(JSON.parse(event.context!)).toEqual({
      locale: 'de',
      ...(expected === undefined ? {} : { integrations: expected }),
    });
  });

  it('never includes an address', () => {
    expect(accepted({ ...track, context: { ip: '203.0.113.7', locale: 'de' } }).context).toBe(
      '{"locale":"de"}',
    );
  });

  it('may have any name that is not blank', () => {
    expect(accepted({ ...track, event: 'ünï code/π' }).name).toBe('ünï code/π');
  });

  it('has its time to the millisecond, or the time of arrival', () => {
    expect(accepted({ ...track, timestamp: '2026-06-15T11:00:00.001Z' }).occurredAt).toBe(
      RECEIVED_AT - 3_599_999,
    );
    expect(accepted(track)).toMatchObject({ occurredAt: RECEIVED_AT, originalTimestamp: null });
  });

  it('is nothing where a client says null', () => {
    const nulls = { properties: null, traits: null, context: null, timestamp: null, messageId: null };
    expect(accepted({ ...track, ...nulls })).toMatchObject({ properties: null, traits: null, context: null });
  });

  it('has the time that some clients call original, unless it has one of its own', () => {
    const originalTimestamp = '2026-06-15T11:00:00.000Z';
    expect(accepted({ ...track, originalTimestamp }).occurredAt).toBe(RECEIVED_AT - 3_600_000);
    const timestamp = '2026-06-15T10:00:00.000Z';
    expect(accepted({ ...track, originalTimestamp, timestamp }).occurredAt).toBe(RECEIVED_AT - 7_200_000);
  });

  it('is, of an identify without traits, what its context says about the person', () => {
    const context = { traits: { plan: 'pro' } };
    const identify = { type: 'identify', userId: 'ada', context };
    expect(accepted(identify)).toMatchObject({ traits: '{"plan":"pro"}', traitValues: { plan: 'pro' } });
    expect(accepted({ ...identify, traits: {} }).traits).toBe('{}');
    expect(accepted({ ...track, context }).traits).toBeNull();
  });

  it('has the category of a page or a screen among its properties', () => {
    const screen = { type: 'screen', anonymousId: 'device-1', category: 'Shop' };
    expect(accepted(screen).properties).toBe('{"category":"Shop"}');
    expect(accepted({ ...screen, properties: { category: 'Own', x: 1 } }).properties).toBe(
      '{"category":"Own","x":1}',
    );
    expect(accepted({ ...track, category: 'Shop' }).properties).toBeNull();
  });
});

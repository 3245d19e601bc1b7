import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { deflateRawSync, brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { inWorkspace } from '../../src/db/connect';
import { type Answer, type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());
// Whatever was sent: the process lives, and takes events.
afterEach(async () => {
  const answer = await api.batch([{ type: 'page', anonymousId: randomUUID() }]);
  expect([answer.status, answer.body.accepted]).toEqual([200, 1]);
});

type Body = string | Uint8Array<ArrayBuffer>;
const bytes = (...values: readonly (number | string)[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    Buffer.concat(values.map((value) => Buffer.from(typeof value === 'string' ? value : [value]))),
  );
const JSON_TYPE = { 'content-type': 'application/json' };

function send(body: Body, headers: Record<string, string> = JSON_TYPE): Promise<Answer> {
  return api.call('POST', `/v1/batch?writeKey=${api.writeKey}`, { headers, body });
}

const outcomeOf = ({ status, body }: Answer) => [status, body.error?.code];

describe('a body that cannot be read', () => {
  it.each<readonly [string, Body, string]>([
    ['nothing', '', 'invalid_json'],
    ['blanks', ' \n\t', 'invalid_json'],
    ['a byte order mark alone', '\uFEFF', 'invalid_json'],
    ['JSON cut short', '{"batch":[{"type":"page"', 'invalid_json'],
    ['JSON with something behind it', '{"batch":[]} x', 'invalid_json'],
    ['NaN', '{"batch":[NaN]}', 'invalid_json'],
    ['a number with a plus sign', '{"batch":[+1]}', 'invalid_json'],
    ['single quotes', `{'batch':[]}`, 'invalid_json'],
    ['a comma too many', '{"batch":[],}', 'invalid_json'],
    ['a NUL as it is', '{"batch":["\0"]}', 'invalid_json'],
    ['a form', 'batch=%5B%5D', 'invalid_json'],
    ['brackets that are opened and never closed', '['.repeat(100_000), 'invalid_json'],
    ['a byte that is no UTF-8', bytes('{"batch":["', 0xff, '"]}'), 'invalid_json'],
    ['an overlong form of UTF-8', bytes('{"batch":["', 0xc0, 0x80, '"]}'), 'invalid_json'],
    ['half a surrogate pair as UTF-8', bytes('{"batch":["', 0xed, 0xa0, 0x80, '"]}'), 'invalid_json'],
    ['a character cut short', bytes('{"batch":["', 0xe2, 0x82, '"]}'), 'invalid_json'],
    ['UTF-16', new Uint8Array(Buffer.from('{"batch":[]}', 'utf16le')), 'invalid_json'],
    ['gzip cut short', new Uint8Array(gzipSync('{"batch":[]}').subarray(0, 15)), 'invalid_json'],
    ['gzip of nothing', new Uint8Array(gzipSync('')), 'invalid_json'],
    ['gzip in gzip', new Uint8Array(gzipSync(gzipSync('{"batch":[]}'))), 'invalid_json'],
    ['null', 'null', 'invalid_body'],
    ['a number', '1e400', 'invalid_body'],
    ['a text', '"batch"', 'invalid_body'],
    ['an array', '[{"batch":[]}]', 'invalid_body'],
    ['arrays a hundred thousand deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'invalid_body'],
    ['no batch', '{"events":[]}', 'invalid_body'],
    ['a batch by inheritance', '{"__proto__":{"batch":[]}}', 'invalid_body'],
    ['a batch that is an object', '{"batch":{"0":{}}}', 'invalid_body'],
    ['a batch that is null', '{"batch":null}', 'invalid_body'],
  ])('is refused: %s', async (_what, body, code) => {
    expect(outcomeOf(await send(body))).toEqual([400, code]);
  });

  it.each<readonly [string, Body]>([
    ['a byte order mark before it', '\uFEFF{"batch":[]}'],
    ['line breaks around it', '\r\n{"batch":[]}\r\n'],
    ['keys that nobody knows', '{"batch":[],"constructor":{"prototype":1},"__proto__":null}'],
    ['a key twice: the last one counts', '{"batch":null,"batch":[]}'],
    ['a time of sending that is none', '{"batch":[],"sentAt":"infinity"}'],
    ['a context that is none', '{"batch":[],"context":7,"integrations":7}'],
  ])('is not meant: %s', async (_what, body) => {
    expect((await send(body)).body).toEqual({ accepted: 0, duplicates: 0, rejected: [] });
  });
});

describe('a kind of content', () => {
  const good = '{"batch":[]}';
  it.each<readonly [string, Body, Record<string, string>, number]>([
    ['XML', '<batch/>', { 'content-type': 'application/xml' }, 415],
    ['a form', 'data=%7B%7D', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['a form in parts', good, { 'content-type': 'multipart/form-data; boundary=x' }, 415],
    ['bytes', good, { 'content-type': 'application/octet-stream' }, 415],
    ['a type that only begins like ours', good, { 'content-type': 'application/jsonp' }, 415],
    ['brotli', new Uint8Array(brotliCompressSync(good)), { ...JSON_TYPE, 'content-encoding': 'br' }, 415],
    ['deflate', new Uint8Array(deflateRawSync(good)), { ...JSON_TYPE, 'content-encoding': 'deflate' }, 415],
    ['zstd', bytes(0x28, 0xb5, 0x2f, 0xfd), { ...JSON_TYPE, 'content-encoding': 'zstd' }, 415],
    ['gzip and then brotli', good, { ...JSON_TYPE, 'content-encoding': 'gzip, br' }, 415],
    ['JSON in UTF-8', good, { 'content-type': 'application/json; charset=utf-8' }, 200],
    ['plain text', good, { 'content-type': 'text/plain' }, 200],
    ['gzip that says so', new Uint8Array(gzipSync(good)), { ...JSON_TYPE, 'content-encoding': 'GZIP' }, 200],
    ['gzip that was unpacked on the way', good, { ...JSON_TYPE, 'content-encoding': 'gzip' }, 200],
    ['what it is', good, { ...JSON_TYPE, 'content-encoding': 'identity' }, 200],
  ])('is taken or refused: %s', async (_what, body, ...[headers, status]) => {
    const answer = await send(body, headers);
    expect(outcomeOf(answer)).toEqual([status, status === 415 ? 'unsupported_media_type' : undefined]);
  });
});

describe('a size', () => {
  const KB = 1024;
  const ofSize = (size: number) =>
    `{"batch":[],"filler":"${'x'.repeat(size - '{"batch":[],"filler":""}'.length)}"}`;
  const page = { ...JSON_TYPE, origin: 'https://any.example' };

  it.each<readonly [string, number, Record<string, string>]>([
    ['500 KB from a page', 500 * KB, page],
    ['4 MB from a server', 4 * KB * KB, JSON_TYPE],
  ])('is bounded to the byte, also when it is unpacked: %s', async (_what, limit, headers) => {
    expect((await send(ofSize(limit), headers)).status).toBe(200);
    expect(outcomeOf(await send(ofSize(limit + 1), headers))).toEqual([413, 'payload_too_large']);
    const packed = (size: number) => new Uint8Array(gzipSync(ofSize(size)));
    expect((await send(packed(limit), headers)).status).toBe(200);
    expect(outcomeOf(await send(packed(limit + 1), headers))).toEqual([413, 'payload_too_large']);
  });

  it('is bounded where nobody has said it before', async () => {
    const inChunks = async (size: number): Promise<number> => {
      const response = await fetch(`${api.url}/v1/batch?writeKey=${api.writeKey}`, {
        method: 'POST',
        headers: JSON_TYPE,
        body: new Blob([ofSize(size)]).stream(),
        duplex: 'half',
      } as RequestInit);
      await response.arrayBuffer();
      return response.status;
    };
    expect(await inChunks(4 * KB * KB)).toBe(200);
    expect(await inChunks(4 * KB * KB + 1)).toBe(413);
  });

  it('of a bomb is never unpacked: 128 MB in 128 KB', async () => {
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(128 * KB * KB, '{"batch":[')));
    expect(bomb.length).toBeLessThan(1024 * KB);
    const before = process.memoryUsage().arrayBuffers;
    expect(outcomeOf(await send(bomb))).toEqual([413, 'payload_too_large']);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * KB * KB);
  });
});

/** Sends the event, as JSON text, between two good ones. */
async function sendAmidGood(event: string): Promise<{ answer: Answer; goodId: string }> {
  // Rows of this event alone are the newest.
  api.clock.now = new Date(api.clock.now.getTime() + 1);
  const goodId = randomUUID();
  const good = JSON.stringify({ type: 'page', anonymousId: goodId });
  const answer = await send(`{"batch":[${good},${event},${good}]}`);
  expect((await api.get(`/v1/profiles/anonymous:${goodId}`)).body.events).toBe(2);
  return { answer, goodId };
}

const event = (more: string): string => `{"type":"track","event":"x","anonymousId":"a",${more}}`;
const deep = (levels: number, inside = '1'): string => '{"a":'.repeat(levels) + inside + '}'.repeat(levels);

describe('an event that is refused costs no other, and is kept with its reason:', () => {
  it.each([
    ['a number', '1e400', 'invalid_event'],
    ['null', 'null', 'invalid_event'],
    ['an array', '[]', 'invalid_event'],
    ['arrays a hundred thousand deep', '['.repeat(100_000) + ']'.repeat(100_000), 'invalid_event'],
    ['a type by inheritance', '{"__proto__":{"type":"page","userId":"u"}}', 'invalid_type'],
    ['a type with NUL', '{"type":"page\\u0000","userId":"u"}', 'invalid_type'],
    ['a type that every object has', '{"type":"constructor","userId":"u"}', 'invalid_type'],
    ['objects a hundred thousand deep', event(`"properties":${deep(100_000)}`), 'too_deep'],
    ['traits a hundred thousand deep', event(`"traits":${deep(100_000)}`), 'too_deep'],
    ['a context a hundred thousand deep', event(`"context":${deep(100_000)}`), 'too_deep'],
    ['integrations a hundred thousand deep', event(`"integrations":${deep(100_000)}`), 'too_deep'],
    ['one level too many', event(`"properties":${deep(32)}`), 'too_deep'],
    ['a user a hundred thousand deep', event(`"userId":${deep(100_000)}`), 'invalid_identifier'],
    ['a hundred thousand keys', event(`"properties":{${manyKeys(100_000)}}`), 'too_large'],
    ['more than 32 KB', event(`"properties":{"text":"${'x'.repeat(32 * 1024)}"}`), 'too_large'],
    ['an ID with NUL', event('"messageId":"a\\u0000b"'), 'invalid_message_id'],
    ['an ID with half a surrogate pair', event('"messageId":"a\\ud800"'), 'invalid_message_id'],
    ['an ID of 101 characters', event(`"messageId":"${'x'.repeat(101)}"`), 'invalid_message_id'],
    ['an ID that is a number', event('"messageId":9007199254740993'), 'invalid_message_id'],
    ['an ID that is blank', event('"messageId":" \\n"'), 'invalid_message_id'],
    ['a user with NUL', event('"userId":"a\\u0000b"'), 'invalid_identifier'],
    ['a user with half a surrogate pair', event('"userId":"\\udc00"'), 'invalid_identifier'],
    ['a user beyond what a number holds', event('"userId":9007199254740993'), 'invalid_identifier'],
    ['a user without end', event('"userId":1e400'), 'invalid_identifier'],
    ['a user that is true', event('"userId":true'), 'invalid_identifier'],
    ['a device with NUL', event('"anonymousId":"a\\u0000"'), 'invalid_identifier'],
    ['a group with NUL', event('"groupId":"a\\u0000"'), 'invalid_identifier'],
    [
      'an email with NUL, and nobody else',
      '{"type":"identify","traits":{"email":"a\\u0000@x.test"}}',
      'no_identity',
    ],
    ['nobody', '{"type":"page","userId":"[object Object]"}', 'no_identity'],
    ['a name with NUL', event('"event":"a\\u0000"'), 'invalid_name'],
    ['a name with half a surrogate pair', event('"event":"\\ud83d"'), 'invalid_name'],
    ['a name of 257 characters', event(`"event":"${'x'.repeat(257)}"`), 'invalid_name'],
    ['a name that is an object', event('"event":{"toString":"x"}'), 'invalid_name'],
    ['a page’s name with NUL', '{"type":"page","userId":"u","name":"a\\u0000"}', 'invalid_name'],
    ['properties that are a list', event('"properties":[1]'), 'invalid_properties'],
    ['traits that are a text', event('"traits":"x"'), 'invalid_traits'],
    ['a context that is a number', event('"context":1'), 'invalid_context'],
    ['a time without end', event('"timestamp":"infinity"'), 'invalid_timestamp'],
    ['a time in words', event('"timestamp":"now"'), 'invalid_timestamp'],
    ['a day alone', event('"timestamp":"2026-06-15"'), 'invalid_timestamp'],
    ['a time without its zone', event('"timestamp":"2026-06-15T12:00:00"'), 'invalid_timestamp'],
    ['a blank instead of the T', event('"timestamp":"2026-06-15 12:00:00Z"'), 'invalid_timestamp'],
    ['the 30th of February', event('"timestamp":"2026-02-30T12:00:00Z"'), 'invalid_timestamp'],
    ['the year 0', event('"timestamp":"0000-01-01T00:00:00Z"'), 'invalid_timestamp'],
    ['the last day that Date knows', event('"timestamp":"+275760-09-13T00:00:00.000Z"'), 'invalid_timestamp'],
    ['a time in milliseconds', event('"timestamp":1781524800000'), 'invalid_timestamp'],
    ['a time beyond all numbers', event('"timestamp":1e400'), 'invalid_timestamp'],
  ])('%s', async (_what, json, code) => {
    const { answer } = await sendAmidGood(json);
    expect(answer.body).toMatchObject({ accepted: 2, rejected: [{ index: 1, code }] });
    const { body } = await api.get('/v1/rejected?limit=2');
    const [row, older] = body.data;
    const receivedAt = api.clock.now.toISOString();
    expect(row).toMatchObject({ code, message: answer.body.rejected[0].message, receivedAt });
    expect(older?.receivedAt).not.toBe(receivedAt);
    // Numbers and escapes may be written in another way than they came.
    expect(row.payload.slice(0, 4)).toBe(json === '1e400' ? 'null' : json.slice(0, 4));
    expect(row.payload.length).toBeLessThanOrEqual(2_000);
  });
});

function manyKeys(count: number): string {
  return Array.from({ length: count }, (_, index) => `"k${index}":1`).join();
}

/** The event as it is stored, whatever its answer showed. */
function readStored(messageId: string) {
  return inWorkspace(api.db, api.workspaceId, (transaction) =>
    transaction
      .selectFrom('event')
      .select(['name', 'properties', 'traits', 'context', 'occurred_at', 'warnings', 'user_id'])
      .where('original_message_id', '=', messageId)
      .executeTakeFirstOrThrow(),
  );
}

describe('an event with something odd in it is stored, and says what was mended:', () => {
  it.each<readonly [string, string, object]>([
    [
      'what cannot be stored',
      '"properties":{"a\\u0000":["\\ud800",{"b":"\\u0000"}],"fine":"😀"}',
      {
        properties: { 'a\uFFFD': ['\uFFFD', { b: '\uFFFD' }], fine: '😀' },
        warnings: ['replaced_characters'],
      },
    ],
    [
      'keys that would change a prototype',
      '"properties":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":[{"__proto__":1}]}',
      { properties: { a: [{}] }, warnings: null },
    ],
    [
      'such keys beside its own',
      '"__proto__":{"userId":"admin"},"constructor":1',
      { user_id: null, warnings: null },
    ],
    [
      'numbers that JSON does not carry exactly',
      '"properties":{"a":1e400,"b":-1e400,"c":9007199254740993,"d":0.1,"e":9007199254740991}',
      {
        properties: { a: null, b: null, c: 9007199254740992, d: 0.1, e: 9007199254740991 },
        warnings: ['inexact_number'],
      },
    ],
    [
      'a key twice: the last one counts',
      '"properties":{"a":1,"a":2}',
      { properties: { a: 2 }, warnings: null },
    ],
    [
      'SQL in names, keys and values',
      `"event":"'); drop table event; --","properties":{"'; drop table event; --":"$1' or 1=1; \\\\"}`,
      {
        name: "'); drop table event; --",
        properties: { "'; drop table event; --": "$1' or 1=1; \\" },
        warnings: null,
      },
    ],
    [
      'HTML, which is text',
      '"event":"<script>alert(1)</script>","properties":{"a":"<img src=x onerror=alert(1)>"}',
      {
        name: '<script>alert(1)</script>',
        properties: { a: '<img src=x onerror=alert(1)>' },
        warnings: null,
      },
    ],
    [
      'line breaks that could end a header',
      '"event":"a\\r\\nSet-Cookie: b","properties":{"a":"\\r\\n\\r\\n"}',
      { name: 'a\r\nSet-Cookie: b', properties: { a: '\r\n\r\n' }, warnings: null },
    ],
    ['formulas of spreadsheets', '"properties":{"a":"=1+1"}', { properties: { a: '=1+1' }, warnings: null }],
    [
      'a user whose number is exact',
      '"userId":9007199254740991',
      { user_id: '9007199254740991', warnings: null },
    ],
    ['32 levels', `"properties":${deep(31)}`, { warnings: null }],
    [
      'a time in the far future',
      '"timestamp":"9999-12-31T23:59:59.999Z"',
      { occurred_at: 'now', warnings: ['clock_corrected'] },
    ],
    [
      'a time in the far past',
      '"timestamp":"0001-01-01T00:00:00Z"',
      { occurred_at: 'oldest', warnings: ['timestamp_clamped'] },
    ],
  ])('%s', async (_what, more, expected) => {
    const messageId = `odd ${randomUUID()}`;
    const { answer } = await sendAmidGood(event(`"messageId":${JSON.stringify(messageId)},${more}`));
    expect(answer.body).toEqual({ accepted: 3, duplicates: 0, rejected: [] });
    const { occurred_at: occurredAt, ...stored } = await readStored(messageId);
    const age = api.clock.now.getTime() - occurredAt.getTime();
    const when = { 0: 'now', [30 * 86_400_000]: 'oldest' }[age];
    expect({ ...stored, occurred_at: when }).toMatchObject(expected);
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('what a batch says of all its events', () => {
  it('reaches each of them, and cannot exceed their bounds', async () => {
    const messageId = `shared ${randomUUID()}`;
    const shared = '"context":{"locale":"de"},"integrations":{"All":false,"Mail":true}';
    const own = event(`"messageId":"${messageId}","integrations":{"Mail":false}`);
    expect((await send(`{"batch":[${own}],${shared}}`)).body.accepted).toBe(1);
    expect((await readStored(messageId)).context).toEqual({
      locale: 'de',
      integrations: { All: false, Mail: false },
    });
    for (const [more, code] of [
      [`"context":${deep(100_000)}`, 'too_deep'],
      [`"integrations":${deep(100_000)}`, 'too_deep'],
      [`"context":{"text":"${'x'.repeat(32 * 1024)}"}`, 'too_large'],
    ]) {
      expect((await send(`{"batch":[${event('"a":1')}],${more}}`)).body.rejected).toMatchObject([{ code }]);
    }
  });
});

describe('a key that opens nothing', () => {
  it('is answered with one message, whatever is wrong with it', async () => {
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    await revoke(true);
    const answers = await Promise.all([
      api.call('POST', `/v1/batch?writeKey=${api.writeKey}`, { headers: JSON_TYPE, body: '{"batch":[]}' }),
      ...[
        { headers: basic('pk_unknown:') },
        { headers: basic(`${api.writeKey}x:`) },
        { headers: basic("' or 1=1 --:") },
        { headers: basic('\0:') },
        { headers: { authorization: `Basic ${'x'.repeat(10_000)}` } },
        { headers: { authorization: 'Bearer sk_unknown' } },
        { headers: JSON_TYPE, body: '{"batch":[],"writeKey":"pk_unknown"}' },
      ].map((options) => api.call('POST', '/v1/batch', { body: '{"batch":[]}', ...options })),
    ]);
    await revoke(false);
    const told = answers.map(({ status, body }) => `${status} ${body.error.code} ${body.error.message}`);
    expect([...new Set(told)]).toEqual(['401 unauthorized A valid key is required.']);
  });

  it.each([
    '{"batch":[],"writeKey":7}',
    '{"batch":[],"writeKey":{"length":5}}',
    '{"batch":[],"writeKey":null}',
  ])('is none at all: %s', async (body) => {
    const answer = await api.call('POST', '/v1/batch', { headers: JSON_TYPE, body });
    expect(outcomeOf(answer)).toEqual([401, 'unauthorized']);
  });
});

async function revoke(isRevoked: boolean): Promise<void> {
  const client = await api.pool.connect();
  await client.query('begin');
  await client.query(`select set_config('throughline.workspace', $1, true)`, [api.workspaceId]);
  const { rowCount } = await client.query(
    `update access_key set revoked_at = case when $1 then now() end where kind = 'write'`,
    [isRevoked],
  );
  await client.query('commit');
  client.release();
  expect(rowCount).toBe(1);
  // Keys are remembered for a second.
  api.clock.now = new Date(api.clock.now.getTime() + 2_000);
}

describe('a header', () => {
  it.each([
    ['of 101 characters as Idempotency-Key', 'x'.repeat(101)],
    ['of 10,000 characters as Idempotency-Key', 'x'.repeat(10_000)],
  ])('%s is no ID', async (_what, key) => {
    const answer = await api.call('POST', `/v1/t?writeKey=${api.writeKey}`, {
      headers: { ...JSON_TYPE, 'idempotency-key': key },
      body: { event: 'x', userId: 'u' },
    });
    expect(outcomeOf(answer)).toEqual([400, 'invalid_event']);
    expect(answer.body.error.detail.code).toBe('invalid_message_id');
  });

  it('that is endless is refused before anything is read', async () => {
    const answer = await sendRaw(
      `POST /v1/batch HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(100_000)}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });

  it.each([
    ['without a colon', 'POST /v1/batch HTTP/1.1\r\nhost: x\r\nnonsense\r\n\r\n'],
    [
      'with two lengths',
      'POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}',
    ],
    [
      'with a length and in chunks',
      'POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['that is no HTTP', '\x16\x03\x01\x02\x00\x01\x00'],
  ])('%s is refused', async (_what, text) => {
    expect(await sendRaw(text)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

/** What the collector answers to bytes that no client of HTTP would send, until it hangs up. */
async function sendRaw(text: string): Promise<string> {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  // It hangs up while we still write.
  socket.on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

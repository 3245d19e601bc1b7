import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as send } from 'node:http';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inWorkspace } from '../../src/db/connect';
import { type Api, openApi } from '../support/api';

/** As long as it takes on a busy machine. */
const PATIENCE = { timeout: 30_000, interval: 20 };
/** More than an import keeps for itself while it waits for more. */
const LINES_OF_A_BATCH = 500;

let api: Api;
beforeEach(async () => {
  api = await openApi();
});
afterEach(() => api.close());

const visit = (number: number): string =>
  `{"type":"page","anonymousId":"visitor-${number % 50}","messageId":"visit-${number}","timestamp":"2020-01-01T00:00:00.000Z"}\n`;
const visits = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => visit(from + index)).join('');

function importFile(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  return api.call('POST', '/v1/import', {
    body,
    headers: { authorization: `Bearer ${api.secretKey}`, 'content-type': 'application/x-ndjson', ...headers },
  });
}

const linesOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const lastOf = (text: string) => linesOf(text).at(-1)!;

const DONE = { done: true, duplicates: 0, rejected: 0, firstRejected: [] };

function countEvents(): Promise<number> {
  return inWorkspace(api.db, api.workspaceId, async (transaction) => {
    const { rows } = await sql<{ count: number }>`select count(*) as count from event`.execute(transaction);
    return rows[0]!.count;
  });
}

const readRejected = () =>
  inWorkspace(api.db, api.workspaceId, (transaction) =>
    transaction
      .selectFrom('rejected_event')
      .select(['code', 'reason', 'payload', 'message_id'])
      .orderBy('reason')
      .execute(),
  );

/** A request whose body the test writes bit by bit. */
function openImport(headers: Record<string, string> = {}): ClientRequest {
  const request = send(`${api.url}/v1/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${api.secretKey}`, ...headers },
  });
  request.on('error', () => undefined);
  return request;
}

async function* answerOf(request: ClientRequest): AsyncGenerator<Record<string, unknown>, void, undefined> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  for await (const line of createInterface({ input: response })) yield JSON.parse(line);
}

describe('an import', () => {
  it('takes a file in, and tells how it went in the last line', async () => {
    const file = visits(0, 1_200);
    const { status, headers, body } = await importFile(file);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/x-ndjson');
    expect(lastOf(body)).toEqual({ ...DONE, lines: 1_200, bytes: Buffer.byteLength(file), accepted: 1_200 });
    expect(await countEvents()).toBe(1_200);
  });

  it('takes gzip by its first bytes, and counts bytes as they were sent', async () => {
    const packed = gzipSync(visits(0, 700));
    const { body } = await importFile(new Uint8Array(packed));
    expect(lastOf(body)).toEqual({ ...DONE, lines: 700, bytes: packed.length, accepted: 700 });
  });

  it('takes files that were packed one by one and then joined', async () => {
    const packed = Buffer.concat([gzipSync(visits(0, 3)), gzipSync(visits(3, 5))]);
    expect(lastOf((await importFile(new Uint8Array(packed))).body)).toMatchObject({ accepted: 5 });
  });

  it('of nothing is done at once', async () => {
    expect(lastOf((await importFile('')).body)).toEqual({ ...DONE, lines: 0, bytes: 0, accepted: 0 });
    expect(lastOf((await importFile('\n\n')).body)).toMatchObject({ done: true, lines: 2, accepted: 0 });
  });

  it('keeps the times, however old, and joins history to people as any event does', async () => {
    await importFile(
      '{"type":"page","anonymousId":"a","timestamp":"2009-02-03T04:05:06.000Z"}\n' +
        '{"type":"identify","anonymousId":"a","userId":"ada","timestamp":"2010-01-01T00:00:00.000Z"}\n',
    );
    const { body } = await api.get('/v1/profiles/user:ada/timeline');
    expect(body.data.map(({ occurredAt }: { occurredAt: string }) => occurredAt)).toEqual([
      '2010-01-01T00:00:00.000Z',
      '2009-02-03T04:05:06.000Z',
    ]);
  });

  it('that is sent again changes nothing, with and without messageIds', async () => {
    const file = visits(0, 600) + '{"type":"page","anonymousId":"no ID"}\n'.repeat(3);
    expect(lastOf((await importFile(file)).body)).toMatchObject({ accepted: 601, duplicates: 2 });
    // Another system's line ends, and packed: still the same lines.
    const again = new Uint8Array(gzipSync(file.replaceAll('\n', '\r\n')));
    expect(lastOf((await importFile(again)).body)).toMatchObject({ accepted: 0, duplicates: 603 });
    expect(await countEvents()).toBe(601);
  });

  it('keeps each line that is refused, with its number and its reason, and takes in all others', async () => {
    const tooLong = `{"type":"page","userId":"ada","name":"${'x'.repeat(200_000)}"}`;
    const lines = [
      visit(1).trim(),
      '{broken',
      '',
      '{"type":"page"}',
      tooLong,
      '{"type":"x","messageId":"m"}',
    ];
    const file = Buffer.concat([
      Buffer.from(`${lines.join('\n')}\n{"type":"page","userId":"`),
      Buffer.from([0xc3, 0x28]),
      Buffer.from(`"}\n${visit(2).trim()}`),
    ]);
    const last = lastOf((await importFile(new Uint8Array(file))).body);
    expect(last).toMatchObject({ done: true, lines: 8, accepted: 2, duplicates: 0, rejected: 5 });
    const refusal = (line: number, code: string, messageId: string | null = null) => ({
      line,
      messageId,
      code,
      message: expect.stringMatching(new RegExp(`^Line ${line}: \\w`)),
    });
    const expected = [
      refusal(2, 'invalid_json'),
      refusal(4, 'no_identity'),
      refusal(5, 'too_large'),
      refusal(6, 'invalid_type', 'm'),
      refusal(7, 'invalid_json'),
    ];
    expect(last['firstRejected']).toEqual(expected);
    const rows = await readRejected();
    expect(
      rows.map(({ code, reason, message_id }) => ({ code, message: reason, messageId: message_id })),
    ).toEqual(expected.map(({ code, message, messageId }) => ({ code, message, messageId })));
    expect(rows.map(({ payload }) => payload.slice(0, 8))).toEqual([
      '"{broken',
      '{"type":',
      '"{\\"type',
      '{"type":',
      '"{\\"type',
    ]);
  });

  it('names the first refusals only, and counts and keeps all', async () => {
    const last = lastOf((await importFile('nonsense\n'.repeat(700))).body);
    expect(last).toMatchObject({ lines: 700, rejected: 700 });
    expect(last['firstRejected']).toHaveLength(20);
    expect(await readRejected()).toHaveLength(700);
  });
});

describe('the progress of an import', () => {
  it('comes while the file is still being sent, and counts what is committed', async () => {
    const request = openImport();
    const answer = answerOf(request);
    request.write(visits(0, LINES_OF_A_BATCH));
    await vi.waitFor(async () => expect(await countEvents()).toBe(LINES_OF_A_BATCH), PATIENCE);
    api.clock.now = new Date(api.clock.now.getTime() + 1_000);
    request.write(visits(LINES_OF_A_BATCH, 2 * LINES_OF_A_BATCH));
    const { value: first } = await answer.next();
    expect(first).toEqual({
      lines: 2 * LINES_OF_A_BATCH,
      bytes: Buffer.byteLength(visits(0, 2 * LINES_OF_A_BATCH)),
      ...{ accepted: 2 * LINES_OF_A_BATCH, duplicates: 0, rejected: 0 },
    });
    request.end(visit(2 * LINES_OF_A_BATCH));
    const { value: last } = await answer.next();
    expect(last).toMatchObject({ done: true, accepted: 2 * LINES_OF_A_BATCH + 1 });
    expect(await answer.next()).toEqual({ done: true, value: undefined });
  });
});

describe('before its first line an import is refused as any request is', () => {
  it.each([
    { why: 'without a key', headers: { authorization: '' }, error: [401, 'unauthorized'] },
    { why: 'with a wrong key', headers: { authorization: 'Bearer sk_wrong' }, error: [401, 'unauthorized'] },
    {
      why: 'for another type of content',
      headers: { 'content-type': 'image/png' },
      error: [415, 'unsupported_media_type'],
    },
    {
      why: 'for a form with parts',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      error: [415, 'unsupported_media_type'],
    },
    {
      why: 'for another packing',
      headers: { 'content-encoding': 'br' },
      error: [415, 'unsupported_media_type'],
    },
    {
      why: 'for a page that holds the secret key',
      headers: { origin: 'https://shop.example' },
      error: [403, 'forbidden_origin'],
    },
  ])('$why', async ({ headers, error }) => {
    const answer = await importFile(visit(1), headers as Record<string, string>);
    expect([answer.status, answer.body.error.code]).toEqual(error);
    expect(await countEvents()).toBe(0);
  });

  it('with a write key, which everybody can see, and with a secret key in the address', async () => {
    const basic = `Basic ${Buffer.from(`${api.writeKey}:`).toString('base64')}`;
    expect((await importFile(visit(1), { authorization: basic })).status).toBe(401);
    const inAddress = await api.call('POST', `/v1/import?writeKey=${api.secretKey}`, {
      headers: { 'content-type': 'text/plain' },
      body: visit(1),
    });
    expect(inAddress.status).toBe(401);
  });

  it('for what only begins as gzip does', async () => {
    for (const body of [Buffer.from([0x1f, 0x8b, 1, 2, 3]), gzipSync(visits(0, 900)).subarray(0, -9)]) {
      const answer = await importFile(new Uint8Array(body));
      expect([answer.status, answer.body.error?.code]).toEqual([400, 'invalid_json']);
    }
  });

  it('and with the secret key as Basic user name it is taken', async () => {
    const basic = `Basic ${Buffer.from(`${api.secretKey}:`).toString('base64')}`;
    expect(lastOf((await importFile(visit(1), { authorization: basic })).body)).toMatchObject({
      accepted: 1,
    });
  });

  it('while the collector stops', async () => {
    api.draining.isDraining = true;
    const answer = await importFile(visit(1));
    expect([answer.status, answer.body.error.code]).toEqual([503, 'shutting_down']);
  });

  it('where two run already', async () => {
    const running = [openImport(), openImport()];
    for (const request of running) request.write(visits(0, LINES_OF_A_BATCH));
    await vi.waitFor(async () => expect(await countEvents()).toBe(LINES_OF_A_BATCH), PATIENCE);
    await vi.waitFor(async () => {
      const third = await importFile('');
      expect([third.status, third.body.error?.code]).toEqual([503, 'overloaded']);
      expect(third.headers.get('retry-after')).not.toBeNull();
    }, PATIENCE);
    for (const request of running) {
      request.end();
      for await (const line of answerOf(request)) expect(line).toMatchObject({ done: true });
    }
    expect((await importFile('')).status).toBe(200);
  });
});

describe('a connection that is cut in the middle', () => {
  it('leaves what was written, and the whole file again stores each event once', async () => {
    const file = visits(0, 3 * LINES_OF_A_BATCH);
    const request = openImport();
    request.write(visits(0, 2 * LINES_OF_A_BATCH) + visit(2 * LINES_OF_A_BATCH).slice(0, 20));
    await vi.waitFor(async () => expect(await countEvents()).toBe(2 * LINES_OF_A_BATCH), PATIENCE);
    request.destroy();
    const last = lastOf((await importFile(file)).body);
    expect(last).toMatchObject({
      ...{ done: true, lines: 3 * LINES_OF_A_BATCH },
      ...{ accepted: LINES_OF_A_BATCH, duplicates: 2 * LINES_OF_A_BATCH, rejected: 0 },
    });
    expect(await countEvents()).toBe(3 * LINES_OF_A_BATCH);
    expect(await readRejected()).toEqual([]);
  });

  it('frees its place for the next one', async () => {
    for (let round = 0; round < 4; round += 1) {
      const request = openImport();
      request.write(visits(0, LINES_OF_A_BATCH));
      await vi.waitFor(async () => expect(await countEvents()).toBe(LINES_OF_A_BATCH), PATIENCE);
      request.destroy();
    }
    await vi.waitFor(async () => expect((await importFile(visit(0))).status).toBe(200), PATIENCE);
  });
});

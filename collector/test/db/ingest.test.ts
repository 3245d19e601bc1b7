import { gzipSync } from 'node:zlib';
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inWorkspace } from '../../src/db/connect';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const track = (more: object = {}) => ({
  type: 'track',
  event: 'Clicked',
  anonymousId: randomUUID(),
  ...more,
});
const basic = (key: string) => ({ authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` });
const json = { 'content-type': 'application/json' };

function countEvents(): Promise<number> {
  return inWorkspace(api.db, api.workspaceId, async (transaction) => {
    const { rows } = await sql<{ count: number }>`select count(*) as count from event`.execute(transaction);
    return rows[0]!.count;
  });
}

function readRejected(): Promise<
  { code: string; reason: string; payload: string; message_id: string | null }[]
> {
  return inWorkspace(api.db, api.workspaceId, (transaction) =>
    transaction
      .selectFrom('rejected_event')
      .select(['code', 'reason', 'payload', 'message_id'])
      .orderBy('rejected_id')
      .execute(),
  );
}

describe('a batch', () => {
  it('is answered with a verdict per event, and stored', async () => {
    const messageId = randomUUID();
    const answer = await api.batch([track({ messageId }), track({ messageId }), track({ event: '' })]);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      accepted: 1,
      duplicates: 1,
      rejected: [
        { index: 2, messageId: null, code: 'invalid_name', message: expect.stringContaining('required') },
      ],
    });
  });

  it('that arrives again changes nothing', async () => {
    const items = [track({ messageId: 'order-1 of the client' }), track({ messageId: randomUUID() })];
    await api.batch(items);
    const before = await countEvents();
    expect((await api.batch(items)).body).toEqual({ accepted: 0, duplicates: 2, rejected: [] });
    expect(await countEvents()).toBe(before);
  });

  it('keeps what was refused, with its reason and its beginning', async () => {
    await api.batch([{ type: 'nonsense', messageId: 'bad-1', note: 'x'.repeat(5000) }]);
    const row = (await readRejected()).find((rejected) => rejected.message_id === 'bad-1');
    expect(row).toMatchObject({ code: 'invalid_type', reason: expect.stringContaining('track, identify') });
    expect(row!.payload).toHaveLength(2000);
  });

  it('of nothing is fine', async () => {
    expect((await api.batch([])).body).toEqual({ accepted: 0, duplicates: 0, rejected: [] });
  });

  it('lends its context to its events', async () => {
    const anonymousId = randomUUID();
    await api.batch([track({ anonymousId })], { context: { locale: 'fr' } });
    const { body } = await api.get(`/v1/profiles/anonymous:${anonymousId}/timeline?include=context`);
    expect(body.data[0].context).toEqual({ locale: 'fr' });
  });

  it('is also taken under its short name and the beacon’s', async () => {
    for (const path of ['/v1/b', '/beacon/v1/batch']) {
      const answer = await api.call('POST', `${path}?writeKey=${api.writeKey}`, {
        headers: json,
        body: { batch: [track()] },
      });
      expect(answer.body.accepted).toBe(1);
    }
  });
});

describe('fifty identical requests at once', () => {
  it('store one event: one is accepted, 49 are duplicates', async () => {
    const event = track({ messageId: randomUUID() });
    const before = await countEvents();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        api.call('POST', '/v1/track', { headers: { ...basic(api.writeKey), ...json }, body: event }),
      ),
    );
    const statuses = answers.map(({ body }) => body.status as string);
    expect(statuses.filter((status) => status === 'accepted')).toHaveLength(1);
    expect(statuses.filter((status) => status === 'duplicate')).toHaveLength(49);
    expect(await countEvents()).toBe(before + 1);
  });
});

describe('a single call', () => {
  it.each([
    ['track', 't', { event: 'x' }],
    ['identify', 'i', { traits: { a: 1 } }],
    ['page', 'p', {}],
    ['screen', 's', {}],
    ['group', 'g', { groupId: 'g' }],
    ['alias', 'a', { previousId: 'before' }],
  ])('%s takes its type from the path, long or short', async (long, short, fields) => {
    for (const path of [long, short]) {
      const userId = randomUUID();
      const answer = await api.call('POST', `/v1/${path}`, {
        headers: { ...basic(api.writeKey), ...json },
        body: { ...fields, userId },
      });
      expect(answer.body).toEqual({ status: 'accepted', messageId: expect.any(String) });
      const { body } = await api.get(`/v1/profiles/user:${userId}/timeline`);
      expect(body.data[0]).toMatchObject({ type: long, messageId: answer.body.messageId });
    }
  });

  it('is repeated safely by its Idempotency-Key, on the long path and the short one; its own ID goes before', async () => {
    const send = (path: string, body: object = {}) =>
      api.call('POST', path, {
        headers: { ...basic(api.writeKey), ...json, 'idempotency-key': 'key-123' },
        body: { event: 'x', userId: 'u', ...body },
      });
    expect((await send('/v1/track')).body).toEqual({ status: 'accepted', messageId: 'key-123' });
    expect((await send('/v1/track')).body).toEqual({ status: 'duplicate', messageId: 'key-123' });
    expect((await send('/v1/t', { messageId: null })).body.status).toBe('duplicate');
    expect((await send('/v1/t', { messageId: 'own-123' })).body).toEqual({
      status: 'accepted',
      messageId: 'own-123',
    });
  });

  it('that is refused says why', async () => {
    const answer = await api.call('POST', '/v1/track', {
      headers: { ...basic(api.writeKey), ...json },
      body: { userId: 'u' },
    });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({ code: 'invalid_event', detail: { code: 'invalid_name' } });
  });

  it('tells whose it is to a secret key only: a public one must not be an identity oracle', async () => {
    const body = { event: 'x', userId: 'somebody' };
    const secret = await api.call('POST', '/v1/track', {
      headers: { authorization: `Bearer ${api.secretKey}`, ...json },
      body,
    });
    const open = await api.call('POST', '/v1/track', { headers: { ...basic(api.writeKey), ...json }, body });
    const { body: profile } = await api.get('/v1/profiles/user:somebody');
    expect(secret.body.profileId).toBe(profile.id);
    expect(open.body).not.toHaveProperty('profileId');
  });
});

describe('a write key', () => {
  it('may stand in the query, in Basic authentication, or in the body', async () => {
    const send = (path: string, headers: Record<string, string>, more: object = {}) =>
      api.call('POST', path, { headers: { ...json, ...headers }, body: { batch: [track()], ...more } });
    const answers = await Promise.all([
      send(`/v1/batch?writeKey=${api.writeKey}`, {}),
      send('/v1/batch', basic(api.writeKey)),
      send('/v1/batch', {}, { writeKey: api.writeKey }),
    ]);
    expect(answers.map(({ body }) => body.accepted)).toEqual([1, 1, 1]);
  });

  it.each([
    ['absent', '/v1/batch'],
    ['unknown', '/v1/batch?writeKey=pk_unknown'],
    ['empty', '/v1/batch?writeKey='],
  ])('that is %s opens nothing', async (_what, path) => {
    const answer = await api.call('POST', path, { headers: json, body: { batch: [track()] } });
    expect(answer.status).toBe(401);
    expect(answer.body.error.code).toBe('unauthorized');
  });

  it('sends only from the origins of its source, where it has any', async () => {
    await setOrigins(['https://shop.example']);
    const send = (origin: string) =>
      api.call('POST', `/v1/batch?writeKey=${api.writeKey}`, {
        headers: { origin, ...json },
        body: { batch: [track()] },
      });
    api.clock.now = new Date(api.clock.now.getTime() + 2_000);
    expect((await send('https://shop.example')).status).toBe(200);
    const refused = await send('https://elsewhere.example');
    expect(refused.status).toBe(403);
    expect(refused.headers.get('access-control-allow-origin')).toBe('*');
    await setOrigins(null);
    api.clock.now = new Date(api.clock.now.getTime() + 2_000);
  });
});

async function setOrigins(origins: string[] | null): Promise<void> {
  const client = await api.pool.connect();
  await client.query('begin');
  await client.query(`select set_config('throughline.workspace', $1, true)`, [api.workspaceId]);
  const { rowCount } = await client.query('update source set allowed_origins = $1', [origins]);
  await client.query('commit');
  client.release();
  expect(rowCount).toBe(1);
}

describe('any page', () => {
  it('may send: plain text needs no preflight, and every answer can be read', async () => {
    const answers = await Promise.all([
      api.call('POST', `/v1/batch?writeKey=${api.writeKey}`, {
        headers: { origin: 'https://any.example', 'content-type': 'text/plain;charset=UTF-8' },
        body: JSON.stringify({ batch: [track()] }),
      }),
      api.call('POST', '/v1/batch?writeKey=wrong', {
        headers: { origin: 'https://any.example' },
        body: '{}',
      }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 401]);
    for (const { headers } of answers) {
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-expose-headers')).toContain('Retry-After');
    }
  });

  it('may ask first', async () => {
    const answer = await api.call('OPTIONS', '/v1/batch', {
      headers: {
        origin: 'https://any.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,anonymousid',
      },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('access-control-allow-headers')).toContain('anonymousid');
  });

  it('may not read, unless it is listed', async () => {
    const read = (origin: string) =>
      api.call('GET', '/v1/profiles', { headers: { origin, authorization: `Bearer ${api.secretKey}` } });
    expect((await read('https://any.example')).status).toBe(403);
    const listed = await read('https://analyst.example');
    expect(listed.status).toBe(200);
    expect(listed.headers.get('access-control-allow-origin')).toBe('https://analyst.example');
  });
});

describe('a body', () => {
  const path = () => `/v1/batch?writeKey=${api.writeKey}`;
  const send = (body: string | Uint8Array<ArrayBuffer>, contentType = 'application/json') =>
    api.call('POST', path(), { headers: { 'content-type': contentType }, body });

  it('may be gzipped, whatever its headers say', async () => {
    const gzipped = new Uint8Array(gzipSync(JSON.stringify({ batch: [track()] })));
    expect((await send(gzipped, 'application/x-www-form-urlencoded')).body.accepted).toBe(1);
    expect((await send(gzipped)).body.accepted).toBe(1);
  });

  it.each([
    ['that is no JSON', '{bad', 400, 'invalid_json'],
    ['that is empty', '', 400, 'invalid_json'],
    ['that is an array', '[]', 400, 'invalid_body'],
    ['without a batch', '{}', 400, 'invalid_body'],
    ['whose batch is an object', '{"batch":{}}', 400, 'invalid_body'],
    ['that is no UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400, 'invalid_json'],
    ['that is broken gzip', new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0]), 400, 'invalid_json'],
  ])('%s is refused', async (_what, body, ...[status, code]) => {
    const answer = await send(body as string);
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
  });

  it('of another type is refused', async () => {
    expect((await send('<xml/>', 'application/xml')).status).toBe(415);
  });

  it('that is too large is refused, also where it only grows so when it is unpacked', async () => {
    const large = JSON.stringify({ batch: [], filler: 'x'.repeat(4 * 1024 * 1024) });
    expect((await send(large)).status).toBe(413);
    expect((await send(new Uint8Array(gzipSync(large)))).status).toBe(413);
    const ofAPage = await api.call('POST', path(), {
      headers: { ...json, origin: 'https://any.example' },
      body: JSON.stringify({ batch: [], filler: 'x'.repeat(500 * 1024) }),
    });
    expect(ofAPage.status).toBe(413);
  });
});

describe('a batch of very many', () => {
  it('is refused before it can fill the database with refusals', async () => {
    const answer = await api.batch(Array.from({ length: 5_001 }, () => 1));
    expect([answer.status, answer.body.error.code]).toEqual([413, 'payload_too_large']);
  });
});

describe('money', () => {
  it('is exact, counts an order once, and takes refunds away', async () => {
    const userId = randomUUID();
    const order = (properties: object, event = 'Order Completed') => ({
      type: 'track',
      event,
      userId,
      properties,
    });
    await api.batch([
      order({ order_id: 'o-1', revenue: 59.99, currency: 'USD' }),
      order({ order_id: 'o-2', revenue: 0.01 }),
      order({ order_id: 'o-1', revenue: 59.99 }),
      order({ order_id: 'o-3', revenue: '10.10', currency: 'EUR' }),
      order({ order_id: 'o-4', revenue: 'oops' }),
    ]);
    await api.batch([order({ refund_id: 'r-1', revenue: 0.1, currency: 'EUR' }, 'Order Refunded')]);
    const { body } = await api.get(`/v1/profiles/user:${userId}`);
    expect(body).toMatchObject({ orders: 4, events: 6, revenue: { USD: '60', EUR: '10' } });
  });
});

describe('when the database refuses one event', () => {
  it('that event is kept as a bad row, and the others are stored', async () => {
    // What normalising lets through and Postgres refuses is not known to exist: a constraint stands in for it.
    const [good, other] = [track({ messageId: randomUUID() }), track({ messageId: randomUUID() })];
    const poison = track({ messageId: 'poison' });
    await api.pool.query(
      `alter table event add constraint no_poison check (original_message_id <> 'poison')`,
    );
    const answer = await api.batch([good, poison, other]);
    await api.pool.query('alter table event drop constraint no_poison');
    expect(answer.body).toMatchObject({
      accepted: 2,
      rejected: [{ index: 1, messageId: 'poison', code: 'not_storable' }],
    });
    expect((await readRejected()).map((row) => row.message_id)).toContain('poison');
    expect((await api.batch([good, poison, other])).body).toMatchObject({ accepted: 1, duplicates: 2 });
  });
});

import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const base64 = (value: unknown) => encodeURIComponent(Buffer.from(JSON.stringify(value)).toString('base64'));

/** Loads the image as a browser does, and makes sure that it is one. */
async function load(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
  const response = await fetch(api.url + path, { method, headers });
  expect([path.slice(0, 80), response.status]).toEqual([path.slice(0, 80), 200]);
  expect(response.headers.get('content-type')).toBe('image/gif');
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(response.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
  expect(response.headers.get('content-length')).toBe('42');
  const image = Buffer.from(await response.arrayBuffer());
  if (method === 'GET') {
    expect(image.subarray(0, 6).toString()).toBe('GIF89a');
    expect([image.readUInt16LE(6), image.readUInt16LE(8)]).toEqual([1, 1]);
  }
  return response;
}

async function timelineOf(reference: string): Promise<Record<string, unknown>[]> {
  const { status, body } = await api.get(`/v1/profiles/${reference}/timeline?include=context`);
  return status === 404 ? [] : body.data;
}

async function rejectedSince(before: number): Promise<{ code: string; message: string; payload: string }[]> {
  const { body } = await api.get('/v1/rejected?limit=1000');
  return body.data.slice(0, body.data.length - before);
}

/** How many there are; those that come from now on are newer. */
async function countRejected(): Promise<number> {
  api.clock.now = new Date(api.clock.now.getTime() + 1);
  return (await api.get('/v1/rejected?limit=1000')).body.data.length;
}

describe('a pixel', () => {
  it('records the event in data, as Segment’s pixel does, on both kinds of address', async () => {
    const userId = randomUUID();
    const event = { writeKey: api.writeKey, userId, event: 'Email Opened', properties: { amount: 9.5 } };
    await load(`/v1/pixel/track?data=${base64(event)}`);
    await load(`/v1/pixel.gif?data=${base64({ ...event, event: 'Email Read' })}`);
    await load(`/v1/pixel/identify?data=${base64({ ...event, traits: { plan: 'pro' } })}`);
    expect(await timelineOf(`user:${userId}`)).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ type: 'track', event: 'Email Opened', properties: { amount: 9.5 } }),
        expect.objectContaining({ type: 'track', event: 'Email Read' }),
        expect.objectContaining({ type: 'identify', traits: { plan: 'pro' } }),
      ]),
    );
  });

  it('records plain parameters: a page view without a script', async () => {
    const anonymousId = randomUUID();
    await load(
      `/v1/pixel.gif?writeKey=${api.writeKey}&anonymousId=${anonymousId}&name=Mugs&properties.shelf.row=2`,
      { referer: 'https://shop.example/mugs?utm_source=mail', 'user-agent': 'Lynx/2.9' },
    );
    expect(await timelineOf(`anonymous:${anonymousId}`)).toMatchObject([
      {
        type: 'page',
        event: 'Mugs',
        properties: { shelf: { row: '2' } },
        context: { userAgent: 'Lynx/2.9', page: { url: 'https://shop.example/mugs?utm_source=mail' } },
      },
    ]);
  });

  it('believes the event rather than the headers', async () => {
    const anonymousId = randomUUID();
    const context = { userAgent: 'mine', page: { url: 'https://mine.example/', title: 'Mine' } };
    const data = base64({ anonymousId, context });
    await load(`/v1/pixel.gif?writeKey=${api.writeKey}&data=${data}`, {
      referer: 'https://webmail.example/',
      'user-agent': 'Lynx/2.9',
    });
    expect((await timelineOf(`anonymous:${anonymousId}`))[0]).toMatchObject({ context });
  });

  it('counts once by its messageId, however often the image is loaded; without one each time', async () => {
    const path = (userId: string) => `/v1/pixel.gif?writeKey=${api.writeKey}&event=Opened&userId=${userId}`;
    const [once, often] = [randomUUID(), randomUUID()];
    const loads = [`${path(once)}&messageId=open-${once}`, path(often)];
    for (const address of [...loads, ...loads, ...loads]) await load(address);
    expect(await timelineOf(`user:${once}`)).toHaveLength(1);
    expect(await timelineOf(`user:${often}`)).toHaveLength(3);
  });

  it('answers who only asks whether it is there, and records nothing', async () => {
    const userId = randomUUID();
    await load(`/v1/pixel.gif?writeKey=${api.writeKey}&userId=${userId}`, {}, 'HEAD');
    expect(await timelineOf(`user:${userId}`)).toEqual([]);
  });

  it('keeps what was wrong with its event as a bad row, with the reason', async () => {
    const key = `writeKey=${api.writeKey}`;
    const cases = [
      [`${key}&event=Opened`, 'no_identity'],
      [`${key}&data=%25%25`, 'invalid_event'],
      [`${key}&data=${base64([1])}`, 'invalid_event'],
      [`${key}&type=purchase&userId=u`, 'invalid_type'],
      [`${key}&type=track&userId=u`, 'invalid_name'],
      [`${key}&userId=u&userId=v`, 'invalid_identifier'],
      [`${key}&userId=u%00`, 'invalid_identifier'],
      [`${key}&userId=u&properties=5`, 'invalid_properties'],
      [`${key}&userId=u&timestamp=yesterday`, 'invalid_timestamp'],
      [`${key}&userId=u&properties.${'a.'.repeat(20_000)}a=1`, 'too_deep'],
      [`${key}&data=${base64({ userId: 'u', properties: { text: 'x'.repeat(40_000) } })}`, 'too_large'],
      [`data=${base64({ writeKey: api.writeKey, event: 5, userId: 'u' })}`, 'invalid_name'],
    ] as const;
    for (const [query, code] of cases) {
      const before = await countRejected();
      await load(`/v1/pixel.gif?${query}`);
      const rows = await rejectedSince(before);
      expect([query.slice(0, 120), rows.map((row) => row.code)]).toEqual([query.slice(0, 120), [code]]);
    }
  });

  it('shows what it could not read', async () => {
    const before = await countRejected();
    await load(`/v1/pixel.gif?writeKey=${api.writeKey}&data=bm90IGpzb24`);
    expect(await rejectedSince(before)).toMatchObject([
      { message: expect.stringContaining('base64'), payload: '"bm90IGpzb24"' },
    ]);
  });

  it.each([
    ['no key', () => 'userId=u'],
    ['an empty key', () => 'writeKey=&userId=u'],
    ['two keys', () => `writeKey=${api.writeKey}&writeKey=${api.writeKey}&userId=u`],
    ['an unknown key', () => 'writeKey=pk_unknown&userId=u'],
    ['a secret key, which has no business in an address', () => `writeKey=${api.secretKey}&userId=u`],
    ['a key that cannot be read', () => 'data=%00&userId=u'],
    ['broken percent signs', () => '%E0%A4%A=%&writeKey=%ff'],
  ])('with %s is an image all the same, and leaves no row', async (_what, query) => {
    const before = await countRejected();
    await load(`/v1/pixel.gif?${query()}`);
    expect(await countRejected()).toBe(before);
  });

  it('records nothing for a page of an origin that the source does not list', async () => {
    const userId = randomUUID();
    await setOrigins(['https://shop.example']);
    const path = `/v1/pixel.gif?writeKey=${api.writeKey}&userId=${userId}`;
    await load(path, { origin: 'https://elsewhere.example' });
    expect(await timelineOf(`user:${userId}`)).toEqual([]);
    await load(path, { origin: 'https://shop.example' });
    // Mail has no origin.
    await load(path);
    expect(await timelineOf(`user:${userId}`)).toHaveLength(2);
    await setOrigins(null);
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
  // Keys are remembered for a second.
  api.clock.now = new Date(api.clock.now.getTime() + 2_000);
}

describe('while the database cannot take it', () => {
  it('because it is busy, the image comes soon, and the event later', async () => {
    const userId = randomUUID();
    const path = `/v1/pixel.gif?writeKey=${api.writeKey}&userId=${userId}`;
    await load(`${path}&messageId=before`);
    const lock = await api.pool.connect();
    await lock.query('begin');
    await lock.query('lock table event in access exclusive mode');
    await load(`${path}&messageId=meanwhile`);
    await lock.query('commit');
    lock.release();
    // One commit after another: what comes back as stored was written behind it.
    await api.batch([{ type: 'page', userId, messageId: `after-${userId}` }]);
    await expect.poll(() => timelineOf(`user:${userId}`)).toHaveLength(3);
  });

  it('because too much waits already, the image comes at once', async () => {
    const narrow = await openApi({ maxBytesInFlight: 1 });
    const lock = await narrow.pool.connect();
    await lock.query('begin');
    await lock.query('lock table event in access exclusive mode');
    const waiting = narrow.batch([{ type: 'page', userId: 'u' }]);
    await expect
      .poll(async () => (await narrow.get('/health')).body.queue.bytesInFlight as number)
      .toBeGreaterThan(0);
    const response = await fetch(`${narrow.url}/v1/pixel.gif?writeKey=${narrow.writeKey}&userId=v`);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/gif']);
    await lock.query('rollback');
    lock.release();
    expect((await waiting).body.accepted).toBe(1);
    expect((await narrow.get('/v1/profiles/user:v')).status).toBe(404);
    await narrow.close();
  });

  it('because it is gone, the image comes too, and the process lives', async () => {
    const lonely = await openApi();
    const { rows } = await lonely.pool.query<{ name: string }>('select current_database() as name');
    await closeDoors(rows[0]!.name, true);
    const response = await fetch(`${lonely.url}/v1/pixel.gif?writeKey=${lonely.writeKey}&userId=v`);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/gif']);
    expect((await lonely.batch([{ type: 'page', userId: 'v' }])).status).toBe(503);
    await closeDoors(rows[0]!.name, false);
    await lonely.close();
  });
});

/** Lets nobody into a database any more, and throws everybody out. */
async function closeDoors(name: string, isClosed: boolean): Promise<void> {
  const admin = new pg.Client(inject('postgres').adminUrl);
  await admin.connect();
  await admin.query(`alter database ${name} connection limit ${isClosed ? 0 : -1}`);
  if (isClosed) {
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
  }
  await admin.end();
}

import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readMemberColumns } from '../../src/core/member-column';
import { exportMembers } from '../../src/db/audience-export';
import { changeWorkspace } from '../../src/db/connect';
import { type Api, openApi } from '../support/api';
import { queryDuckDb } from '../support/duckdb';

const NOW = '2026-06-15T12:00:00.000Z';
/** Those that an export has when none are asked for. */
const HEADER = 'profileId,userId,email,anonymousId,firstSeenAt,lastSeenAt,events,orders,revenue,enteredAt';

let api: Api;
let folder: string;
beforeAll(async () => {
  api = await openApi();
  folder = mkdtempSync(join(tmpdir(), 'throughline-audience-export-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await api.close();
});

async function createAudience(rule: unknown, key = `a-${randomUUID().slice(0, 8)}`): Promise<string> {
  const { status, body } = await api.call('POST', '/v1/audiences', { body: { name: key, key, rule } });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.id;
}

/** An audience of so many members who have no events, entered at the same moment. */
async function createLargeAudience(size: number): Promise<string> {
  const id = await createAudience({ trait: 'nobody', exists: true });
  await changeWorkspace(api.db, api.workspaceId, async (transaction) => {
    await sql`select set_config('statement_timeout', '0', true)`.execute(transaction);
    await sql`insert into audience_member (workspace_id, audience_id, profile_id, entered_at)
      select ${api.workspaceId}, ${id}, md5(n::text)::uuid, ${NOW} from generate_series(1, ${size}) as n`.execute(
      transaction,
    );
  });
  return id;
}

/** A last member whose sum is beyond all bounds, so that an export of it fails in the middle. */
async function addUncountable(id: string): Promise<void> {
  const profileId = randomUUID();
  await changeWorkspace(api.db, api.workspaceId, async (transaction) => {
    await sql`insert into profile_part
        (workspace_id, owner_id, subject_id, first_seen_at, last_seen_at, last_seen_hour, event_count)
      select ${api.workspaceId}, ${profileId}, md5(n::text)::uuid, ${NOW}, ${NOW}, ${NOW}, 9223372036854775807
      from generate_series(1, 2) as n`.execute(transaction);
    await sql`insert into audience_member (workspace_id, audience_id, profile_id, entered_at)
      values (${api.workspaceId}, ${id}, ${profileId}, '2020-01-01T00:00:00Z')`.execute(transaction);
  });
}

function download(id: string, format: string, more = ''): Promise<Response> {
  return fetch(`${api.url}/v1/audiences/${id}/export?format=${format}${more}`, {
    headers: { authorization: `Bearer ${api.secretKey}` },
  });
}

/** Begins a download over a connection of its own and takes nothing of it; destroying the answer hangs up. */
function begin(id: string, query = 'format=ndjson', headers: object = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const url = `${api.url}/v1/audiences/${id}/export?${query}`;
    get(
      url,
      { agent: false, headers: { authorization: `Bearer ${api.secretKey}`, ...headers } },
      (answer) => {
        answer.on('error', () => undefined);
        resolve(answer.pause());
      },
    ).on('error', reject);
  });
}

async function bytesOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What a warehouse makes of a Parquet file: types by column, and rows. */
async function readParquet(file: Buffer): Promise<{ types: object; rows: Record<string, unknown>[] }> {
  const path = join(folder, `${randomUUID()}.parquet`);
  writeFileSync(path, file);
  const described = await queryDuckDb(`describe select * from '${path}'`);
  return {
    types: Object.fromEntries(described.map((column) => [column['column_name'], column['column_type']])),
    rows: await queryDuckDb(`select * from '${path}'`),
  };
}

async function parquetOf(id: string, columns: string): Promise<ReturnType<typeof readParquet>> {
  const response = await download(id, 'parquet', `&columns=${columns}`);
  expect(response.status, await response.clone().text()).toBe(200);
  return readParquet(Buffer.from(await response.arrayBuffer()));
}

const columnsOf = (list: string) => {
  const read = readMemberColumns(list);
  if (!read.ok) throw new Error(read.culprit);
  return read.columns;
};

/** The exports' transactions that are open in this test's database. */
async function openCursors(): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%'`.execute(
    api.db,
  );
  return rows[0]!.count;
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise(setImmediate);
}

/** More than what the sockets between us hold, so that it waits for who reads it. */
const LARGE_ROWS = `format=ndjson&columns=profileId,${[...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].map((letter) => `revenue.${letter.repeat(3)}`).join(',')}`;

describe('an export', () => {
  it('as CSV has a row for each member, quoted, with formulas made harmless and money exact', async () => {
    const mark = randomUUID();
    await api.batch([
      {
        type: 'identify',
        userId: '=HYPERLINK("http://evil.test")',
        traits: { mark, email: '+a,b@shop.test' },
      },
      {
        type: 'track',
        event: 'Order Completed',
        userId: '=HYPERLINK("http://evil.test")',
        properties: { revenue: 59.99, currency: 'USD' },
      },
      // Another currency is not added to the workspace's.
      {
        type: 'track',
        event: 'Order Completed',
        userId: '=HYPERLINK("http://evil.test")',
        properties: { revenue: 7, currency: 'EUR' },
      },
      {
        type: 'track',
        event: 'Order Refunded',
        userId: '=HYPERLINK("http://evil.test")',
        properties: { revenue: 100, currency: 'USD' },
      },
      { type: 'identify', anonymousId: '北京 "device"', traits: { mark } },
    ]);
    const id = await createAudience({ trait: 'mark', eq: mark }, 'with-formulas');
    const response = await download(id, 'csv');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="with-formulas.csv"');
    const text = await response.text();
    const lines = text.split('\r\n');
    expect([lines[0], lines.length, lines.at(-1)]).toEqual([HEADER, 4, '']);
    const withoutId = lines.slice(1, 3).map((line) => line.slice(line.indexOf(',')));
    expect(withoutId.sort()).toEqual(
      [
        `,"'=HYPERLINK(""http://evil.test"")","'+a,b@shop.test",,${NOW},${NOW},4,2,-40.01,${NOW}`,
        `,,,"北京 ""device""",${NOW},${NOW},1,0,0,${NOW}`,
      ].sort(),
    );
  });

  it('as NDJSON has an object for each member', async () => {
    const mark = randomUUID();
    await api.batch([{ type: 'identify', userId: '=1+1', traits: { mark } }]);
    const id = await createAudience({ trait: 'mark', eq: mark });
    const response = await download(id, 'ndjson');
    expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    const lines = (await response.text()).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        profileId: expect.any(String),
        userId: '=1+1',
        email: null,
        anonymousId: null,
        firstSeenAt: NOW,
        lastSeenAt: NOW,
        events: 1,
        orders: 0,
        revenue: '0',
        enteredAt: NOW,
      },
    ]);
  });

  it('of nobody is an empty file, and another format is refused', async () => {
    const id = await createAudience({ trait: 'nobody', exists: true });
    expect(await (await download(id, 'csv')).text()).toBe(`${HEADER}\r\n`);
    expect(await (await download(id, 'ndjson')).text()).toBe('');
    expect((await download(id, 'xlsx')).status).toBe(400);
  });

  it('has the columns that were asked for, in their order; an ad platform gets the email’s hash', async () => {
    const mark = randomUUID();
    await api.batch([
      {
        type: 'identify',
        userId: 'columns',
        anonymousId: 'phone',
        traits: {
          mark,
          email: '  Ünï.Code+Tag@SHOP.test ',
          plan: '=pro',
          score: -12.5,
          vip: true,
          gone: null,
          tags: ['a', '-b'],
          address: { city: 'Köln', '': 1 },
          $once: { plan: 'trial', referrer: 'x' },
        },
      },
      { type: 'identify', userId: 'columns', anonymousId: 'laptop' },
      { type: 'page', userId: 'columns' },
      {
        type: 'track',
        event: 'Order Completed',
        userId: 'columns',
        properties: { revenue: 0.1 + 0.2, currency: 'EUR' },
      },
    ]);
    const id = await createAudience({ trait: 'mark', eq: mark });
    const columns =
      'userId,email,emailSha256,anonymousIds,pages,revenue,revenue.EUR,trait.plan,trait.score,trait.vip,trait.gone,trait.tags,trait.address.city,trait.referrer,traits,cause';
    const email = 'ünï.code+tag@shop.test';
    const emailSha256 = createHash('sha256').update(email).digest('hex');
    const row = {
      ...{ userId: 'columns', email, emailSha256, anonymousIds: ['laptop', 'phone'], pages: 1 },
      ...{ revenue: '0', 'revenue.EUR': '0.30000000000000004' },
      ...{ 'trait.plan': '=pro', 'trait.score': -12.5, 'trait.vip': true, 'trait.gone': null },
      ...{ 'trait.tags': ['a', '-b'], 'trait.address.city': 'Köln', 'trait.referrer': 'x' },
      traits: {
        ...{ mark, email: '  Ünï.Code+Tag@SHOP.test ', plan: '=pro', score: -12.5, vip: true },
        ...{ tags: ['a', '-b'], address: { city: 'Köln', '': 1 }, referrer: 'x' },
      },
      cause: 'rebuild',
    };
    const ndjson = await (await download(id, 'ndjson', `&columns=${columns}`)).text();
    expect(JSON.parse(ndjson)).toEqual(row);
    expect(ndjson.match(/"[\w.]+":/g)!.slice(0, 2)).toEqual(['"userId":', '"email":']);
    // What it says of traits is what the profile's own page says.
    expect((await api.get('/v1/profiles/user:columns')).body.traits).toEqual(row.traits);
    const [, line] = (await (await download(id, 'csv', `&columns=${columns}`)).text()).split('\r\n');
    expect(line!.slice(0, line!.indexOf(',"{'))).toBe(
      `columns,${email},${emailSha256},"[""laptop"", ""phone""]",1,0,0.30000000000000004,'=pro,-12.5,true,,"[""a"", ""-b""]",Köln,x`,
    );
    const asked = 'emailSha256,trait.plan,profileId';
    const unsafe = await (
      await download(id, 'csv', `&columns=${asked}&formulaSafe=false&bom=true`)
    ).arrayBuffer();
    expect(Buffer.from(unsafe).toString()).toMatch(
      new RegExp(`^\uFEFFemailSha256,trait\\.plan,profileId\r\n${emailSha256},=pro,[0-9a-f-]{36}\r\n$`),
    );
    const parquet = await parquetOf(id, columns);
    expect(parquet.types).toEqual(
      Object.fromEntries(
        Object.keys(row).map((name) => [
          name,
          name.startsWith('revenue') ? 'DECIMAL(38,18)' : name === 'pages' ? 'BIGINT' : 'VARCHAR',
        ]),
      ),
    );
    expect(parquet.rows).toMatchObject([
      {
        ...{ userId: 'columns', emailSha256, pages: '1', anonymousIds: '["laptop", "phone"]' },
        ...{ revenue: '0.000000000000000000', 'revenue.EUR': '0.300000000000000040' },
        ...{ 'trait.plan': '=pro', 'trait.score': '-12.5', 'trait.vip': 'true', 'trait.gone': null },
        ...{ 'trait.tags': '["a", "-b"]', 'trait.address.city': 'Köln' },
      },
    ]);
    expect(JSON.parse(parquet.rows[0]!['traits'] as string)).toEqual(row.traits);
  });

  it('tells numbers as they are stored, however many digits they have', async () => {
    const id = await createAudience({ trait: 'nobody', exists: true });
    const profileId = randomUUID();
    await changeWorkspace(api.db, api.workspaceId, async (transaction) => {
      const registers =
        '{"big": [123456789012345678901234567890.5, "2026-01-31T12:00:00.000Z", "00000000-0000-4000-8000-000000000000"]}';
      await sql`insert into profile_part (workspace_id, owner_id, subject_id, first_seen_at, last_seen_at, last_seen_hour, traits)
        values (${api.workspaceId}, ${profileId}, ${profileId}, ${NOW}, ${NOW}, ${NOW}, ${registers})`.execute(
        transaction,
      );
      await sql`insert into profile_revenue (workspace_id, owner_id, subject_id, currency, amount)
        values (${api.workspaceId}, ${profileId}, ${profileId}, 'USD', 99999999999999999999.999999999999999999),
          (${api.workspaceId}, ${profileId}, ${profileId}, 'JPY', 1e20)`.execute(transaction);
      await sql`insert into audience_member (workspace_id, audience_id, profile_id, entered_at)
        values (${api.workspaceId}, ${id}, ${profileId}, ${NOW})`.execute(transaction);
    });
    const columns = 'trait.big,traits,revenue,revenue.JPY';
    const big = '123456789012345678901234567890.5';
    const money = '99999999999999999999.999999999999999999';
    expect(await (await download(id, 'ndjson', `&columns=${columns}`)).text()).toBe(
      `{"trait.big":${big},"traits":{"big": ${big}},"revenue":"${money}","revenue.JPY":"100000000000000000000"}\n`,
    );
    const { rows } = await parquetOf(id, columns);
    // A decimal that has no room in its column is missing there rather than wrong.
    expect(rows).toEqual([
      { 'trait.big': big, traits: `{"big": ${big}}`, revenue: money, 'revenue.JPY': null },
    ]);
  });

  it('is packed where that is asked for or accepted, and the same file otherwise', async () => {
    const id = await createLargeAudience(1_500);
    const plain = await begin(id, 'format=csv');
    const expected = await bytesOf(plain);
    expect([plain.headers['content-encoding'], plain.headers['vary']]).toEqual([
      undefined,
      'accept-encoding',
    ]);
    const onItsWay = await begin(id, 'format=csv', { 'accept-encoding': 'br;q=1, gzip;q=0.5' });
    expect([onItsWay.headers['content-encoding'], onItsWay.headers['content-type']]).toEqual([
      'gzip',
      'text/csv; charset=utf-8',
    ]);
    const packed = await bytesOf(onItsWay);
    expect(packed.length).toBeLessThan(expected.length / 2);
    expect(gunzipSync(packed).equals(expected)).toBe(true);
    const unwanted = await begin(id, 'format=csv', { 'accept-encoding': 'gzip;q=0, br' });
    expect((await bytesOf(unwanted)).equals(expected)).toBe(true);
    const file = await begin(id, 'format=csv&gzip=true', { 'accept-encoding': 'gzip' });
    expect([file.headers['content-encoding'], file.headers['content-type']]).toEqual([
      undefined,
      'application/gzip',
    ]);
    expect(file.headers['content-disposition']).toMatch(/filename="a-[0-9a-f]{8}\.csv\.gz"$/);
    expect(gunzipSync(await bytesOf(file)).equals(expected)).toBe(true);
    expect((await download(id, 'parquet', '&gzip=true')).status).toBe(400);
  });

  it('as Parquet has typed columns and every member once, in groups of rows; of nobody it has none', async () => {
    const id = await createLargeAudience(11_000);
    const { types, rows } = await parquetOf(id, HEADER);
    expect(types).toEqual({
      ...{ profileId: 'VARCHAR', userId: 'VARCHAR', email: 'VARCHAR', anonymousId: 'VARCHAR' },
      ...{ firstSeenAt: 'TIMESTAMP WITH TIME ZONE', lastSeenAt: 'TIMESTAMP WITH TIME ZONE' },
      ...{ events: 'BIGINT', orders: 'BIGINT', revenue: 'DECIMAL(38,18)' },
      enteredAt: 'TIMESTAMP WITH TIME ZONE',
    });
    expect([rows.length, new Set(rows.map(({ profileId }) => profileId)).size]).toEqual([11_000, 11_000]);
    expect(rows[0]).toMatchObject({ userId: null, events: '0', enteredAt: '2026-06-15 12:00:00+00' });
    const nobody = await parquetOf(await createAudience({ trait: 'nobody', exists: true }), HEADER);
    expect([Object.keys(nobody.types), nobody.rows]).toEqual([Object.keys(types), []]);
  });

  it('says which column is none', async () => {
    const id = await createAudience({ trait: 'nobody', exists: true });
    const { status, body } = await api.get(`/v1/audiences/${id}/export?columns=email,e_mail`);
    expect([status, body.error.code, body.error.detail[0].path]).toEqual([
      400,
      'invalid_request',
      'querystring.columns',
    ]);
    expect(body.error.detail[0].message).toMatch(/emailSha256.*, not "e_mail"$/);
  });

  it.each([
    ['format=csv&columns=profileId,events', {}],
    ['format=csv&columns=profileId,events', { 'accept-encoding': 'gzip' }],
    ['format=ndjson&columns=profileId,events&gzip=true', {}],
    ['format=parquet&columns=profileId,events', {}],
  ])('that breaks off is no whole file: %s %j', async (query, headers) => {
    const id = await createLargeAudience(12_000);
    await addUncountable(id);
    const answer = await begin(id, query, headers);
    expect(answer.statusCode).toBe(200);
    await expect(bytesOf(answer)).rejects.toThrow('aborted');
    expect(answer.complete).toBe(false);
    // And whoever asks next is served.
    await until(async () => (await openCursors()) === 0);
    expect((await download(id, 'csv', '&columns=profileId')).status).toBe(200);
  });

  it('has every member once, however many chunks they are', async () => {
    const id = await createLargeAudience(9_500);
    const lines = (await (await download(id, 'csv')).text()).trimEnd().split('\r\n').slice(1);
    const ids = lines.map((line) => line.split(',')[0]);
    expect([ids.length, new Set(ids).size]).toEqual([9_500, 9_500]);
  });

  it('is one snapshot: members who come and go while it is read change nothing in it', async () => {
    const id = await createLargeAudience(12_000);
    const chunks = exportMembers(api.db, api.workspaceId, {
      audienceId: id,
      columns: columnsOf('profileId,events,revenue'),
    });
    const first = await chunks.next();
    const seen = (first.value ?? []).map(([profileId]) => profileId);
    expect(seen).toHaveLength(4_000);
    // All leave, and as many others enter at every place of the order.
    await changeWorkspace(api.db, api.workspaceId, async (transaction) => {
      await sql`delete from audience_member where audience_id = ${id}`.execute(transaction);
      await sql`insert into audience_member (workspace_id, audience_id, profile_id, entered_at)
        select ${api.workspaceId}, ${id}, md5('new' || n)::uuid, ${NOW} from generate_series(1, 12000) as n`.execute(
        transaction,
      );
    });
    for await (const members of chunks) seen.push(...members.map(([profileId]) => profileId));
    const { rows } = await sql<{ id: string }>`
      select md5(n::text)::uuid as id from generate_series(1, 12000) as n`.execute(api.db);
    expect(seen.sort()).toEqual(rows.map((row) => row.id).sort());
  });

  it('whose reader goes away gives its connection back', async () => {
    const id = await createLargeAudience(60_000);
    for (let round = 0; round < 5; round += 1) {
      const answer = await begin(id, LARGE_ROWS);
      expect(answer.statusCode).toBe(200);
      await until(async () => (await openCursors()) === 1);
      answer.destroy();
      await until(async () => (await openCursors()) === 0);
    }
  });

  it('waits for a slow reader instead of filling memory, and only so many may wait', async () => {
    const id = await createLargeAudience(60_000);
    const answers = await Promise.all(Array.from({ length: 4 }, () => begin(id, LARGE_ROWS)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200]);
    const refused = await download(id, 'ndjson');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
    // Everybody else is still served.
    expect((await api.get('/v1/audiences')).status).toBe(200);
    for (const answer of answers) answer.destroy();
    // A place is free once the connection is back in its pool, which is a moment after its cursor is gone.
    let again = await download(id, 'ndjson');
    await until(async () => {
      if (again.status === 503) again = await download(id, 'ndjson');
      return again.status !== 503;
    });
    expect(again.status).toBe(200);
    expect((await again.text()).trimEnd().split('\n')).toHaveLength(60_000);
  }, 300_000);
});

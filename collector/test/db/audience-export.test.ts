import { randomUUID } from 'node:crypto';
import { get, type IncomingMessage } from 'node:http';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportMembers } from '../../src/db/audience-export';
import { changeWorkspace } from '../../src/db/connect';
import { type Api, openApi } from '../support/api';

const NOW = '2026-06-15T12:00:00.000Z';
const HEADER = 'profileId,userId,email,anonymousId,firstSeenAt,lastSeenAt,events,orders,revenue,enteredAt';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

async function createAudience(rule: unknown, key = `a-${randomUUID().slice(0, 8)}`): Promise<string> {
  const { status, body } = await api.call('POST', '/v1/audiences', { body: { name: key, key, rule } });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.id;
}

/** An audience of so many members who have no events, entered at the same moment. */
async function createLargeAudience(size: number): Promise<string> {
  const id = await createAudience({ trait: 'nobody', exists: true });
  await changeWorkspace(api.db, api.workspaceId, async (transaction) => {
    await sql`insert into audience_member (workspace_id, audience_id, profile_id, entered_at)
      select ${api.workspaceId}, ${id}, md5(n::text)::uuid, ${NOW} from generate_series(1, ${size}) as n`.execute(
      transaction,
    );
  });
  return id;
}

function download(id: string, format: string): Promise<Response> {
  return fetch(`${api.url}/v1/audiences/${id}/export?format=${format}`, {
    headers: { authorization: `Bearer ${api.secretKey}` },
  });
}

/** Begins a download over a connection of its own and takes nothing of it; destroying the answer hangs up. */
function begin(id: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const url = `${api.url}/v1/audiences/${id}/export?format=ndjson`;
    get(url, { agent: false, headers: { authorization: `Bearer ${api.secretKey}` } }, (answer) => {
      answer.on('error', () => undefined);
      resolve(answer.pause());
    }).on('error', reject);
  });
}

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

  it('has every member once, however many chunks they are', async () => {
    const id = await createLargeAudience(2_500);
    const lines = (await (await download(id, 'csv')).text()).trimEnd().split('\r\n').slice(1);
    const ids = lines.map((line) => line.split(',')[0]);
    expect([ids.length, new Set(ids).size]).toEqual([2_500, 2_500]);
  });

  it('is one snapshot: members who come and go while it is read change nothing in it', async () => {
    const id = await createLargeAudience(3_000);
    const chunks = exportMembers(api.db, api.workspaceId, id);
    const first = await chunks.next();
    const seen = (first.value ?? []).map(({ profileId }) => profileId);
    expect(seen).toHaveLength(1_000);
    // All leave, and as many others enter at every place of the order.
    await changeWorkspace(api.db, api.workspaceId, async (transaction) => {
      await sql`delete from audience_member where audience_id = ${id}`.execute(transaction);
      await sql`insert into audience_member (workspace_id, audience_id, profile_id, entered_at)
        select ${api.workspaceId}, ${id}, md5('new' || n)::uuid, ${NOW} from generate_series(1, 3000) as n`.execute(
        transaction,
      );
    });
    for await (const members of chunks) seen.push(...members.map(({ profileId }) => profileId));
    const { rows } = await sql<{ id: string }>`
      select md5(n::text)::uuid as id from generate_series(1, 3000) as n`.execute(api.db);
    expect(seen.sort()).toEqual(rows.map((row) => row.id).sort());
  });

  it('whose reader goes away gives its connection back', async () => {
    const id = await createLargeAudience(60_000);
    for (let round = 0; round < 5; round += 1) {
      const answer = await begin(id);
      expect(answer.statusCode).toBe(200);
      await until(async () => (await openCursors()) === 1);
      answer.destroy();
      await until(async () => (await openCursors()) === 0);
    }
  });

  it('waits for a slow reader instead of filling memory, and only so many may wait', async () => {
    const id = await createLargeAudience(100_000);
    const answers = await Promise.all(Array.from({ length: 4 }, () => begin(id)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200]);
    const refused = await download(id, 'ndjson');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
    // Everybody else is still served.
    expect((await api.get('/v1/audiences')).status).toBe(200);
    for (const answer of answers) answer.destroy();
    await until(async () => (await openCursors()) === 0);
    const again = await download(id, 'ndjson');
    expect(again.status).toBe(200);
    expect((await again.text()).trimEnd().split('\n')).toHaveLength(100_000);
  });
});

import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { changeWorkspace, inWorkspace } from '../../src/db/connect';
import { createWorker } from '../../src/worker';
import { type Api, openApi } from '../support/api';

const NOW = new Date('2026-06-15T12:00:00.000Z');
const DAY_MS = 86_400_000;

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  api.clock.now = NOW;
  await changeWorkspace(api.db, api.workspaceId, (transaction) =>
    sql`delete from rejected_event`.execute(transaction),
  );
});

const later = (ms: number): void => void (api.clock.now = new Date(api.clock.now.getTime() + ms));
const nameless = (messageId: string) => ({ type: 'track', anonymousId: 'a', messageId });

async function idsOf(query: string): Promise<string[]> {
  const answer = await api.get(`/v1/rejected${query}`);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body.data.map(({ messageId }: { messageId: string }) => messageId);
}

describe('a refused event', () => {
  it('is listed with its reason, where it came from, and how it began', async () => {
    await api.batch([{ ...nameless('bad-1'), note: 'x'.repeat(5_000) }]);
    const { body } = await api.get('/v1/rejected');
    expect(body).toEqual({
      data: [
        {
          id: expect.any(String),
          receivedAt: NOW.toISOString(),
          messageId: 'bad-1',
          code: 'invalid_name',
          message: expect.stringContaining('required'),
          payload: expect.stringMatching(
            /^\{"type":"track","anonymousId":"a","messageId":"bad-1","note":"x+$/,
          ),
          source: { id: expect.any(String), name: 'Website' },
        },
      ],
      nextCursor: null,
    });
    expect(body.data[0].payload).toHaveLength(2_000);
  });

  it('of a server came through no source', async () => {
    await api.call('POST', '/v1/batch', { body: { batch: [nameless('bad-1')] } });
    const { body } = await api.get('/v1/rejected');
    expect(body.data[0].source).toEqual({ id: '00000000-0000-0000-0000-000000000000', name: null });
  });
});

describe('the list', () => {
  it('shows the newest first, page by page, each once, also those of one moment', async () => {
    await api.batch([nameless('1')]);
    later(1);
    await api.batch(['2', '3', '4'].map(nameless));
    later(1);
    await api.batch([nameless('5')]);
    const seen: string[][] = [];
    let cursor = '';
    do {
      const { body } = await api.get(`/v1/rejected?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(body.data.map(({ messageId }: { messageId: string }) => messageId));
      cursor = body.nextCursor ?? '';
    } while (cursor !== '');
    expect(seen.map(({ length }) => length)).toEqual([2, 2, 1]);
    expect([seen.flat()[0], seen.flat()[4]]).toEqual(['5', '1']);
    expect(seen.flat().sort()).toEqual(['1', '2', '3', '4', '5']);
  });

  it('is narrowed by code, source and time', async () => {
    await api.batch([nameless('page'), { type: 'x', messageId: 'typeless' }]);
    later(1_000);
    await api.call('POST', '/v1/batch', { body: { batch: [nameless('server')] } });
    const { body } = await api.get('/v1/rejected?code=invalid_type');
    expect(await idsOf('?code=invalid_type')).toEqual(['typeless']);
    expect((await idsOf(`?source=${body.data[0].source.id}`)).sort()).toEqual(['page', 'typeless']);
    expect(await idsOf(`?source=${randomUUID()}`)).toEqual([]);
    expect(await idsOf(`?from=${api.clock.now.toISOString()}`)).toEqual(['server']);
    expect((await idsOf(`?to=${api.clock.now.toISOString()}`)).sort()).toEqual(['page', 'typeless']);
    expect(await idsOf(`?code=invalid_name&to=${api.clock.now.toISOString()}`)).toEqual(['page']);
  });

  it.each(['code=nonsense', 'source=website', 'from=yesterday', 'limit=0', 'other=1'])(
    'refuses what it does not know: %s',
    async (query) => {
      const answer = await api.get(`/v1/rejected?${query}`);
      expect([answer.status, answer.body.error.code]).toEqual([400, 'invalid_request']);
    },
  );

  it('refuses a cursor that is none', async () => {
    const answer = await api.get('/v1/rejected?cursor=x');
    expect([answer.status, answer.body.error.code]).toEqual([400, 'invalid_cursor']);
  });

  it('is for a secret key only', async () => {
    const headers = { authorization: `Bearer ${api.writeKey}` };
    expect((await api.call('GET', '/v1/rejected', { headers })).status).toBe(401);
  });
});

describe('the worker', () => {
  const open = () => createWorker({ db: api.db, now: () => api.clock.now, log: SILENT });

  it('deletes what was refused more than 30 days ago, and nothing younger', async () => {
    await api.batch([nameless('old')]);
    later(1);
    await api.batch([nameless('young')]);
    const worker = open();
    api.clock.now = new Date(NOW.getTime() + 30 * DAY_MS);
    await worker.tick();
    expect(await idsOf('')).toEqual(['young', 'old']);
    later(3_600_000 - 1);
    await worker.tick();
    expect(await idsOf('')).toEqual(['young', 'old']);
    api.clock.now = new Date(NOW.getTime() + 30 * DAY_MS + 3_600_000);
    await worker.tick();
    expect(await idsOf('')).toEqual([]);
  });

  it('deletes however many there are, of every workspace', async () => {
    const other = randomUUID();
    await api.db.insertInto('workspace').values({ workspace_id: other, name: 'Other' }).execute();
    for (const workspaceId of [api.workspaceId, other]) await fill(workspaceId, 12_000);
    api.clock.now = new Date(NOW.getTime() + 31 * DAY_MS);
    await open().tick();
    expect([await countIn(api.workspaceId), await countIn(other)]).toEqual([0, 0]);
  });
});

const SILENT = { error: () => undefined, warn: () => undefined };

async function fill(workspaceId: string, count: number): Promise<void> {
  await changeWorkspace(api.db, workspaceId, (transaction) =>
    sql`insert into rejected_event (workspace_id, received_at, rejected_id, source_id, code, reason, payload)
      select ${workspaceId}, ${NOW}, gen_random_uuid(), gen_random_uuid(), 'invalid_type', 'x', '{}'
      from generate_series(1, ${count}::int)`.execute(transaction),
  );
  expect(await countIn(workspaceId)).toBe(count);
}

function countIn(workspaceId: string): Promise<number> {
  return inWorkspace(api.db, workspaceId, async (transaction) => {
    const { rows } = await sql<{ count: number }>`select count(*) as count from rejected_event`.execute(
      transaction,
    );
    return rows[0]!.count;
  });
}

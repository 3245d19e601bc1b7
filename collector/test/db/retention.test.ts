import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashToken } from '../../src/core/key';
import { changeWorkspace } from '../../src/db/connect';
import { createWorker } from '../../src/worker';
import { type Api, openApi } from '../support/api';

const SILENT = { error: () => undefined, warn: () => undefined };

let api: Api;
beforeEach(async () => {
  api = await openApi({ clock: { now: new Date('2031-01-10T12:00:00.000Z') } });
  await tick();
});
afterEach(() => api.close());

/** What a day's and an hour's work is, done now. */
const tick = () => createWorker({ db: api.db, now: () => api.clock.now, log: SILENT }).tick();
const keepFor = (retentionDays: number | null) =>
  api.call('PATCH', '/v1/workspace', { body: { retentionDays } });
const order = (messageId: string) => ({
  ...{ type: 'track', event: 'Order Completed', userId: 'ada', messageId },
  properties: { order_id: messageId, revenue: 10, currency: 'USD' },
});

async function partitions(): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select inhrelid::regclass::text as name from pg_inherits
    where inhparent = 'event'::regclass order by 1`.execute(api.db);
  return rows.map(({ name }) => name).filter((name) => name.startsWith('event_2031'));
}

async function timeline(secretKey = api.secretKey): Promise<string[]> {
  const { body } = await api.call('GET', '/v1/profiles/user:ada/timeline', {
    headers: { authorization: `Bearer ${secretKey}` },
  });
  return body.data.map(({ messageId }: { messageId: string }) => messageId) as string[];
}

async function addWorkspace() {
  const [workspaceId, sourceId] = [randomUUID(), randomUUID()];
  const [secretKey, writeKey] = ['sk', 'pk'].map((kind) => `${kind}_${randomBytes(20).toString('hex')}`);
  await changeWorkspace(api.db, workspaceId, async (transaction) => {
    const its = { workspace_id: workspaceId };
    await transaction
      .insertInto('workspace')
      .values({ ...its, name: 'Other' })
      .execute();
    await transaction
      .insertInto('source')
      .values({ ...its, source_id: sourceId, name: 'Other' })
      .execute();
    const keys = [
      { ...its, key_id: randomUUID(), kind: 'secret' as const, hash: hashToken(secretKey!) },
      {
        ...its,
        key_id: randomUUID(),
        kind: 'write' as const,
        hash: hashToken(writeKey!),
        source_id: sourceId,
      },
    ];
    for (const key of keys) await transaction.insertInto('access_key').values(key).execute();
  });
  return { secretKey: secretKey!, writeKey: writeKey! };
}

describe('a month that no workspace keeps', () => {
  it('is dropped when its last day is past retention; sums, traits and keys stay', async () => {
    await api.batch([order('january'), { type: 'identify', userId: 'ada', traits: { plan: 'pro' } }]);
    api.clock.now = new Date('2031-02-10T12:00:00.000Z');
    await api.batch([order('february')]);
    await keepFor(30);

    // 30 days after the end of January is the second of March.
    api.clock.now = new Date('2031-03-02T23:59:59.000Z');
    await tick();
    expect(await partitions()).toContain('event_2031_01');
    expect(await timeline()).toContain('january');
    api.clock.now = new Date('2031-03-03T00:00:00.000Z');
    await tick();
    expect(await partitions()).toEqual(['event_2031_02', 'event_2031_03', 'event_2031_04', 'event_2031_05']);
    expect(await timeline()).toEqual(['february']);

    const { body: ada } = await api.get('/v1/profiles/user:ada');
    expect(ada).toMatchObject({ events: 3, orders: 2, revenue: { USD: '20' }, traits: { plan: 'pro' } });
    expect((await api.batch([order('january')])).body).toMatchObject({ accepted: 0, duplicates: 1 });
    expect(await timeline()).toEqual(['february']);

    api.clock.now = new Date('2031-07-01T00:00:00.000Z');
    await tick();
    expect(await timeline()).toEqual([]);
    expect((await api.get('/v1/profiles/user:ada')).body).toMatchObject({ events: 3, orders: 2 });
  });

  it('waits while somebody reads it, and goes the next time', async () => {
    await keepFor(1);
    api.clock.now = new Date('2031-02-10T12:00:00.000Z');
    const reader = await api.pool.connect();
    await reader.query('begin');
    await reader.query('select count(*) from event_2031_01');
    await tick();
    expect(await partitions()).toContain('event_2031_01');
    await reader.query('rollback');
    reader.release();
    await tick();
    expect(await partitions()).not.toContain('event_2031_01');
  });
});

describe('a month that one workspace keeps', () => {
  it('loses the events of the others, which are deleted; and nothing of who keeps everything', async () => {
    const other = await addWorkspace();
    const theirs = () =>
      api.call('POST', `/v1/batch?writeKey=${other.writeKey}`, {
        headers: { 'content-type': 'text/plain' },
        body: { batch: [order('theirs')] },
      });
    expect((await theirs()).body).toMatchObject({ accepted: 1 });
    await api.batch([order('ours')]);
    await keepFor(30);
    api.clock.now = new Date('2031-03-10T12:00:00.000Z');
    await tick();
    expect(await partitions()).toContain('event_2031_01');
    expect(await timeline()).toEqual([]);
    expect(await timeline(other.secretKey)).toEqual(['theirs']);
    expect((await api.batch([order('ours')])).body).toMatchObject({ accepted: 0, duplicates: 1 });
  });

  it('keeps everything where no retention is set', async () => {
    await api.batch([order('old')]);
    api.clock.now = new Date('2041-01-10T12:00:00.000Z');
    await tick();
    expect(await partitions()).toContain('event_2031_01');
    expect(await timeline()).toEqual(['old']);
  });

  it('loses what lies beside the monthly partitions, too', async () => {
    api.clock.now = new Date('2030-01-10T12:00:00.000Z');
    await api.batch([order('beside')]);
    await keepFor(30);
    api.clock.now = new Date('2030-03-01T12:00:00.000Z');
    await tick();
    expect(await timeline()).toEqual(['beside']);
    api.clock.now = new Date('2030-03-03T12:00:00.000Z');
    await tick();
    expect(await timeline()).toEqual([]);
  });
});

describe('a workspace', () => {
  it('shows its settings, and takes a new name, time zone and retention', async () => {
    const { body: before } = await api.get('/v1/workspace');
    expect(before).toMatchObject({
      id: api.workspaceId,
      timezone: 'UTC',
      currency: 'USD',
      retentionDays: null,
    });
    const { status, body } = await api.call('PATCH', '/v1/workspace', {
      body: { name: 'Mugs', timezone: 'Europe/Berlin', retentionDays: 90 },
    });
    expect(status).toBe(200);
    expect(body).toEqual({ ...before, name: 'Mugs', timezone: 'Europe/Berlin', retentionDays: 90 });
    expect((await keepFor(null)).body).toEqual({ ...body, retentionDays: null });
    expect((await api.call('PATCH', '/v1/workspace', { body: {} })).body.name).toBe('Mugs');
  });

  it.each([
    { retentionDays: 0 },
    { retentionDays: 1.5 },
    { retentionDays: 'a month' },
    { retentionDays: 1_000_000 },
    { name: '' },
    { name: '   ' },
    { name: 'a\u0000b' },
    { name: 'x'.repeat(201) },
    { name: null },
    { timezone: 'Mars/Olympus' },
    { timezone: "UTC'; drop table event" },
    { currency: 'EUR' },
    { id: '00000000-0000-4000-8000-000000000000' },
  ])('refuses %j, and stays as it was', async (body) => {
    const before = (await api.get('/v1/workspace')).body as unknown;
    const answer = await api.call('PATCH', '/v1/workspace', { body });
    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe('invalid_request');
    expect((await api.get('/v1/workspace')).body).toEqual(before);
  });
});

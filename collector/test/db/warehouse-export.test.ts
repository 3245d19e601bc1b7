import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RawBuilder, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { subjectIdOf } from '../../src/core/identifier';
import { WAREHOUSE_TABLES } from '../../src/core/warehouse-table';
import { changeWorkspace } from '../../src/db/connect';
import { ExportStopped } from '../../src/export/export-error';
import { openFolderTarget } from '../../src/export/folder-target';
import { type FinishedRun, runExport, type RunOptions } from '../../src/export/run-export';
import { type Api, METRICS_TOKEN, openApi } from '../support/api';
import { expectWhole, makeWarehouse, openWarehouse, type Warehouse } from '../support/warehouse';

const MINUTE = 60_000;

let api: Api;
let place: Warehouse;
/** Below which the workspace's own folder is. */
let warehouse: ReturnType<typeof openWarehouse>;
beforeEach(async () => {
  place = makeWarehouse();
  api = await openApi({
    clock: { now: new Date('2026-06-15T12:00:00.000Z') },
    exportPlaces: { exportDir: place.folder },
  });
  warehouse = openWarehouse(join(place.folder, api.workspaceId));
});
afterEach(async () => {
  await api.close();
  place.remove();
});

const pass = (ms: number): void => void (api.clock.now = new Date(api.clock.now.getTime() + ms));

/** As many events as there are names, each with an ID that is its name. */
const sendPages = (...names: string[]) =>
  api.batch(names.map((name) => ({ type: 'page', name, messageId: name, anonymousId: 'device' })));

/** Asks for an export and has the worker do it; how it ended. */
async function exportNow(body: object = { format: 'ndjson' }) {
  const { status, body: created } = await api.call('POST', '/v1/exports', { body });
  expect([status, created.status]).toEqual([201, 'pending']);
  await api.worker.exports.work();
  return (await api.get(`/v1/exports/${created.id}`)).body;
}

/** A run of one's own, with what a test wants of it. */
async function runInto(folder: string, more: Partial<RunOptions> = {}): Promise<FinishedRun> {
  const target = more.target ?? (await openFolderTarget(folder));
  try {
    return await runExport({
      ...{
        db: api.db,
        target,
        now: () => api.clock.now,
        mayGoOn: () => undefined,
        onProgress: () => undefined,
      },
      order: { workspaceId: api.workspaceId, format: 'ndjson', tables: WAREHOUSE_TABLES },
      ...more,
      target,
    });
  } finally {
    await target.close();
  }
}

const namesIn = (table: readonly Readonly<Record<string, unknown>>[]) => table.map(({ name }) => name).sort();

describe('an export', () => {
  it('has what is stored: events by the day of their receipt, profiles, members, and whose identifiers are', async () => {
    await api.batch([
      { type: 'page', name: 'Before', messageId: 'before', anonymousId: 'phone', properties: { n: 0.1 } },
      {
        ...{ type: 'identify', messageId: 'sign-in', userId: 'ada', anonymousId: 'phone' },
        ...{
          traits: { email: ' Ada@Shop.test ', plan: '=pro' },
          context: { ip: '192.0.2.1', page: { path: '/' } },
        },
      },
    ]);
    pass(24 * 60 * MINUTE);
    await api.batch([
      {
        ...{ type: 'track', event: 'Order Completed', userId: 'ada', messageId: randomUUID() },
        properties: { order_id: '1', revenue: '0.3000000001', currency: 'EUR' },
      },
    ]);
    const audience = { name: 'Pro', key: 'pro', rule: { trait: 'plan', eq: '=pro' } };
    expect((await api.call('POST', '/v1/audiences', { body: audience })).status).toBe(201);
    pass(MINUTE);
    const done = await exportNow();
    expect(done).toMatchObject({
      ...{ status: 'done', target: 'folder', format: 'ndjson', tables: WAREHOUSE_TABLES, error: null },
      progress: {
        ...{ run: 1, isResumed: false, rows: 8, files: 5, manifest: 'manifests/000001.json' },
        rowsByTable: { events: 3, profiles: 1, audience_members: 1, identities: 3 },
        events: { from: null, until: '2026-06-16T12:00:50.000Z' },
      },
    });
    expectWhole(warehouse);
    expect(warehouse.files()).toEqual([
      'audience_members/run=000001/000001.ndjson',
      'events/received_date=2026-06-15/000001-000001.ndjson',
      'events/received_date=2026-06-16/000001-000001.ndjson',
      'identities/run=000001/000001.ndjson',
      'profiles/run=000001/000001.ndjson',
    ]);
    const ada = subjectIdOf(api.workspaceId, { kind: 'user', value: 'ada' });
    const phone = subjectIdOf(api.workspaceId, { kind: 'anonymous', value: 'phone' });
    const [before, signIn] = warehouse.rows('events');
    const eventsById = [before, signIn].sort((a) => (a!['type'] === 'page' ? -1 : 1));
    expect(eventsById).toMatchObject([
      {
        ...{ original_message_id: 'before', type: 'page', name: 'Before', subject_id: phone, user_id: null },
        ...{ received_at: '2026-06-15T12:00:00.000Z', properties: { n: 0.1 }, warnings: null },
      },
      {
        ...{ subject_id: ada, user_id: 'ada', email: 'ada@shop.test', anonymous_id: 'phone' },
        ...{ traits: { email: ' Ada@Shop.test ', plan: '=pro' }, properties: null },
      },
    ]);
    expect(warehouse.rows('profiles')).toMatchObject([
      {
        ...{
          profile_id: ada,
          user_id: 'ada',
          email: 'ada@shop.test',
          anonymous_id: 'phone',
          events: 3,
          pages: 1,
        },
        email_sha256: createHash('sha256').update('ada@shop.test').digest('hex'),
        ...{ orders: 1, revenue: '0', currency: 'USD', revenue_by_currency: { EUR: '0.3000000001' } },
        traits: { email: ' Ada@Shop.test ', plan: '=pro' },
      },
    ]);
    expect(warehouse.rows('audience_members')).toMatchObject([
      { audience_key: 'pro', audience_name: 'Pro', profile_id: ada, cause: 'rebuild' },
    ]);
    const identities = warehouse
      .rows('identities')
      .map(({ kind, value, from_at, to_at, profile_id }) => [...[kind, value, from_at, to_at, profile_id]]);
    expect(identities.sort()).toEqual([
      ['anonymous', 'phone', null, null, ada],
      ['email', 'ada@shop.test', null, null, ada],
      ['user', 'ada', null, null, ada],
    ]);
  });

  it('begins where the one before ended, and leaves its files alone', async () => {
    await sendPages('first', 'second');
    pass(MINUTE);
    const first = await exportNow();
    const files = warehouse.files();
    // Received a moment ago: too late for the next one.
    await sendPages('third');
    pass(MINUTE);
    await sendPages('fourth');
    const second = await exportNow();
    expect(second.progress.events.from).toBe(first.progress.events.until);
    expect(namesIn(warehouse.rows('events', 2))).toEqual(['third']);
    pass(MINUTE);
    const third = await exportNow({ format: 'ndjson', tables: ['events'] });
    expect(third.progress.rowsByTable).toEqual({ events: 1 });
    expect(namesIn(warehouse.rows('events'))).toEqual(['first', 'fourth', 'second', 'third']);
    expectWhole(warehouse);
    expect(warehouse.files()).toEqual(expect.arrayContaining([...files]));
    // Without events the window stays, and without anything there is nothing to load.
    expect((await exportNow({ format: 'ndjson', tables: ['profiles'] })).progress.events).toBeNull();
    expect((await exportNow({ format: 'ndjson', tables: ['events'] })).progress).toMatchObject({
      ...{ rowsByTable: { events: 0 }, files: 0 },
      events: { from: third.progress.events.until },
    });
  });

  it('has files of no more rows than it may, and of nothing a file without rows', async () => {
    const nothing = await runInto(warehouse.folder);
    expect(nothing.manifest.rows).toEqual({ events: 0, profiles: 0, audience_members: 0, identities: 0 });
    expect(warehouse.files()).toHaveLength(3);
    for (const name of ['a', 'b', 'c', 'd', 'e']) await sendPages(name);
    pass(MINUTE);
    const { manifest } = await runInto(warehouse.folder, { maxRowsInFile: 2 });
    expect(manifest.files.filter(({ table }) => table === 'events').map(({ rows }) => rows)).toEqual([
      2, 2, 1,
    ]);
    expect(namesIn(warehouse.rows('events'))).toEqual(['a', 'b', 'c', 'd', 'e']);
    expectWhole(warehouse);
  });
});

describe('an event that is written late', () => {
  /** Holds up whoever comes to a place; what to call to let them go on. */
  async function holdUp(place: RawBuilder<unknown>): Promise<() => Promise<void>> {
    const transaction = await api.db.startTransaction().execute();
    await sql`select set_config('throughline.workspace', ${api.workspaceId}, true)`.execute(transaction);
    await place.execute(transaction);
    return async () => void (await transaction.rollback().execute());
  }

  const isHeldUp = async (): Promise<boolean> => {
    const { rows } = await sql`
      select from pg_locks where not granted and database = (
        select oid from pg_database where datname = current_database())
      union all
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
      api.db,
    );
    return rows.length > 0;
  };

  async function retriesOf(): Promise<number> {
    const headers = { authorization: `Bearer ${METRICS_TOKEN}` };
    const { body } = await api.call('GET', '/metrics', { headers });
    return Number(/^throughline_flush_retries_total (\d+)$/m.exec(body)![1]);
  }

  async function until(isTrue: () => Promise<boolean>): Promise<void> {
    while (!(await isTrue())) await new Promise(setImmediate);
  }

  it('is waited for where its transaction could not know, and is in this export', async () => {
    const audience = { name: 'Seen', rule: { event: '$page', gte: 1 } };
    expect((await api.call('POST', '/v1/audiences', { body: audience })).status).toBe(201);
    await sendPages('first');
    // Marks come behind the look at what exports have fixed.
    const letGo = await holdUp(sql`lock table audience_mark in exclusive mode`);
    const sent = sendPages('late');
    await until(isHeldUp);
    pass(MINUTE);
    let looks = 0;
    const run = runInto(warehouse.folder, {
      // It looks again and again while somebody writes.
      mayGoOn: async () => {
        if ((looks += 1) === 5) await letGo();
      },
    });
    await run;
    expect((await sent).body.accepted).toBe(1);
    expect(looks).toBeGreaterThan(4);
    expect(namesIn(warehouse.rows('events'))).toEqual(['first', 'late']);
  });

  it('is written once more where its transaction finds out, and is in the next one', async () => {
    await sendPages('first');
    const letGo = await holdUp(sql`
      select from profile_part where workspace_id = ${api.workspaceId} for update`);
    const sent = sendPages('late');
    await until(isHeldUp);
    pass(MINUTE);
    let looks = 0;
    await runInto(warehouse.folder, {
      mayGoOn: async () => {
        if ((looks += 1) === 5) await letGo();
      },
    });
    expect((await sent).body.accepted).toBe(1);
    expect(namesIn(warehouse.rows('events'))).toEqual(['first']);
    pass(MINUTE);
    await runInto(warehouse.folder);
    expect(namesIn(warehouse.rows('events', 2))).toEqual(['late']);
  });

  it('counts as received now where it had not, and is in the next one', async () => {
    await sendPages('first');
    const receivedAt = api.clock.now;
    pass(MINUTE);
    await runInto(warehouse.folder);
    const fixed = '2026-06-15T12:00:50.000Z';
    // A request that was on its way all the time: its clock is the one of its arrival.
    api.clock.now = receivedAt;
    expect((await sendPages('late')).body.accepted).toBe(1);
    const stored = await changeWorkspace(api.db, api.workspaceId, (transaction) =>
      sql<{ received_at: Date; key_at: Date; occurred_at: Date }>`
        select e.received_at, k.received_at as key_at, e.occurred_at from event e
        join event_key k on k.workspace_id = e.workspace_id and k.message_id = e.message_id
        where e.name = 'late'`.execute(transaction),
    );
    expect(stored.rows).toEqual([
      { received_at: new Date(fixed), key_at: new Date(fixed), occurred_at: receivedAt },
    ]);
    expect((await sendPages('late')).body.duplicates).toBe(1);
    // Whoever goes on with an import that began before is not held up each time.
    const retries = await retriesOf();
    expect((await sendPages('also late')).body.accepted).toBe(1);
    expect([retries, await retriesOf()]).toEqual([1, 1]);
    pass(2 * MINUTE);
    await runInto(warehouse.folder);
    expect(namesIn(warehouse.rows('events', 2))).toEqual(['also late', 'late']);
  });

  it('does not depend on a clock that is ahead: the database’s own is the limit', async () => {
    api.clock.now = new Date('2999-01-01T00:00:00.000Z');
    const { manifest } = await runInto(warehouse.folder);
    expect(Date.parse(manifest.events!.until)).toBeLessThan(Date.parse('2998-01-01T00:00:00.000Z'));
  });
});

describe('an export that breaks off', () => {
  it('goes on where it was, wherever that is: each event is in one file, and no file is left over', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const name of names) await sendPages(name);
    pass(24 * 60 * MINUTE);
    await sendPages('next day');
    pass(MINUTE);
    let [goes, tries] = [0, 0];
    let finished: FinishedRun | null = null;
    while (finished === null) {
      tries += 1;
      let left = goes;
      // Each try gets one step further, and begins anew behind what it has published.
      const attempt = runInto(warehouse.folder, {
        maxRowsInFile: 2,
        mayGoOn: () => {
          if ((left -= 1) < 0) throw new ExportStopped();
        },
      });
      finished = await attempt.catch((error: unknown) => {
        expect(error).toBeInstanceOf(ExportStopped);
        goes += 1;
        return null;
      });
      if (tries === 3) await sendPages('received after it had begun');
    }
    expect(tries).toBeGreaterThan(4);
    expect(finished).toMatchObject({ isResumed: true, manifest: { run: 1, rows: { events: 7 } } });
    expect(namesIn(warehouse.rows('events'))).toEqual([...names, 'next day'].sort());
    expectWhole(warehouse);
    pass(MINUTE);
    await runInto(warehouse.folder);
    expect(namesIn(warehouse.rows('events', 2))).toEqual(['received after it had begun']);
  });

  it('goes on after each of its writes failed once, and before each of them', async () => {
    await sendPages('a', 'b', 'c');
    pass(MINUTE);
    for (let failing = 0; ; failing += 1) {
      const at = join(warehouse.folder, '..', `try-${failing}`);
      let writes = 0;
      const target = await openFolderTarget(at);
      // What was written before the failure stays written: the process dies behind it.
      const dying = <Args extends unknown[], T>(write: (...args: Args) => Promise<T>) => {
        return async (...args: Args): Promise<T> => {
          const result = await write(...args);
          if ((writes += 1) === failing) throw new ExportStopped();
          return result;
        };
      };
      const broken = {
        ...target,
        replace: dying(target.replace),
        create: dying(target.create),
        publish: dying(target.publish),
      };
      const hasEnded = await runInto(at, { target: broken, maxRowsInFile: 2 }).then(
        () => true,
        () => false,
      );
      // Behind its last write it was complete, and the next one is another.
      if (!hasEnded) await runInto(at, { maxRowsInFile: 2 });
      const there = openWarehouse(at);
      expect([failing, namesIn(there.rows('events'))]).toEqual([failing, ['a', 'b', 'c']]);
      expectWhole(there);
      if (writes < failing) break;
      expect(failing).toBeLessThan(100);
    }
  });

  it('says why, and is taken up by the next one: a file is in the way, the disk is full', async () => {
    await sendPages('first');
    pass(MINUTE);
    mkdirSync(place.folder, { recursive: true });
    writeFileSync(warehouse.folder, 'in the way');
    expect(await exportNow()).toMatchObject({
      ...{ status: 'failed', error: `Cannot write into ${warehouse.folder}: a file is in the way.` },
    });
    rmSync(warehouse.folder);
    const target = await openFolderTarget(warehouse.folder);
    symlinkSync('/dev/full', join(target.scratch, 'part.tmp'));
    await expect(runInto(warehouse.folder, { target })).rejects.toThrow(
      `Cannot write into ${target.scratch}: the disk is full.`,
    );
    await target.close();
    expect(await exportNow({ format: 'csv' })).toMatchObject({
      // As it was begun.
      ...{ status: 'done', progress: { run: 1, isResumed: true } },
    });
    expect(namesIn(warehouse.rows('events'))).toEqual(['first']);
    expectWhole(warehouse);
  });

  it('leaves a place alone that has something else', async () => {
    mkdirSync(warehouse.folder, { recursive: true });
    const state = join(warehouse.folder, 'throughline.json');
    writeFileSync(state, '{"name":"throughline"}');
    expect((await exportNow()).error).toMatch(
      /throughline\.json is there, and no export of this version wrote it\.$/,
    );
    const other = { version: 1, workspaceId: randomUUID(), lastRun: 7, eventsUntil: null, current: null };
    writeFileSync(state, JSON.stringify(other));
    expect((await exportNow()).error).toMatch(/has exports of another workspace; take another place\.$/);
  });
});

describe('POST /v1/exports', () => {
  it('writes only where the settings say', async () => {
    const elsewhere = { format: 'csv', target: 'bucket' };
    const { status, body } = await api.call('POST', '/v1/exports', { body: elsewhere });
    expect([status, body.error.code]).toEqual([409, 'export_not_configured']);
    for (const more of [
      { path: '/tmp' },
      { target: '/tmp' },
      { target: 'https://evil.test/' },
      { tables: [] },
    ]) {
      expect([more, (await api.call('POST', '/v1/exports', { body: more })).status]).toEqual([more, 400]);
    }
    const nowhere = await openApi();
    const refused = await nowhere.call('POST', '/v1/exports', { body: {} });
    expect([refused.status, refused.body.error]).toMatchObject([
      409,
      { code: 'export_not_configured', message: expect.stringContaining('THROUGHLINE_EXPORT_DIR') },
    ]);
    await nowhere.close();
  });

  it('has one at a time, which can be cancelled; the next goes on there', async () => {
    await sendPages('first');
    pass(MINUTE);
    const { body: first } = await api.call('POST', '/v1/exports', { body: { format: 'ndjson' } });
    const second = await api.call('POST', '/v1/exports', { body: {} });
    expect([second.status, second.body.error.code]).toEqual([409, 'export_running']);
    // What is noted at one moment is in no order.
    pass(1);
    expect((await api.call('DELETE', `/v1/exports/${first.id}`)).status).toBe(204);
    // Nothing is left to do, and to cancel.
    await api.worker.exports.work();
    expect((await api.call('DELETE', `/v1/exports/${first.id}`)).status).toBe(204);
    pass(MINUTE);
    expect((await api.get(`/v1/exports/${first.id}`)).body).toMatchObject({
      status: 'cancelled',
      startedAt: null,
    });
    const done = await exportNow();
    const list = await api.get('/v1/exports?limit=1');
    expect(list.body.data).toEqual([done]);
    const rest = await api.get(`/v1/exports?cursor=${list.body.nextCursor}`);
    expect([rest.body.data[0].id, rest.body.nextCursor]).toEqual([first.id, null]);
    expect((await api.get('/v1/audit')).body.data.map(({ action }: { action: string }) => action)).toEqual([
      ...['export.create', 'export.cancel', 'export.create'],
    ]);
    expect((await api.get(`/v1/exports/${randomUUID()}`)).status).toBe(404);
    expect((await api.get('/v1/exports/none')).status).toBe(400);
  });

  it('stops one that is cancelled while it runs, and leaves nothing half written', async () => {
    await sendPages('first');
    const transaction = await api.db.startTransaction().execute();
    await sql`lock table event in row exclusive mode`.execute(transaction);
    pass(MINUTE);
    const { body: created } = await api.call('POST', '/v1/exports', { body: { format: 'ndjson' } });
    const work = api.worker.exports.work();
    while ((await api.get(`/v1/exports/${created.id}`)).body.progress.step !== 'settling')
      await new Promise(setImmediate);
    expect((await api.call('DELETE', `/v1/exports/${created.id}`)).status).toBe(204);
    await work;
    await transaction.rollback().execute();
    expect((await api.get(`/v1/exports/${created.id}`)).body.status).toBe('cancelled');
    expect(warehouse.files()).toEqual([]);
    expect((await exportNow()).progress).toMatchObject({
      run: 1,
      isResumed: true,
      rowsByTable: { events: 1 },
    });
    expectWhole(warehouse);
  });

  it('is done by one of many processes', async () => {
    await sendPages('first');
    pass(MINUTE);
    const { body: created } = await api.call('POST', '/v1/exports', { body: { format: 'ndjson' } });
    const transaction = await api.db.startTransaction().execute();
    await sql`select pg_advisory_xact_lock(hashtext('throughline.export'), hashtext(${api.workspaceId}))`.execute(
      transaction,
    );
    await api.worker.exports.work();
    expect((await api.get(`/v1/exports/${created.id}`)).body.status).toBe('pending');
    await transaction.rollback().execute();
    await api.worker.exports.work();
    expect((await api.get(`/v1/exports/${created.id}`)).body.status).toBe('done');
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeWorkspace } from '../../src/db/connect';
import { type Api, openApi } from '../support/api';
import { BUCKET_KEY, BUCKET_REGION, openBucketServer } from '../support/bucket';
import { runCommand, THROUGHLINE } from '../support/collector';
import { expectWhole, makeWarehouse, type Warehouse } from '../support/warehouse';

const DAYS = 12;
const EVENTS_A_DAY = 1_500;

let api: Api;
let warehouse: Warehouse;
beforeEach(async () => {
  api = await openApi();
  warehouse = makeWarehouse();
});
afterEach(async () => {
  await api.close();
  warehouse.remove();
});

const run = (args: readonly string[], env: Record<string, string> = {}) =>
  runCommand([THROUGHLINE, 'export', ...args], { env: { DATABASE_URL: api.databaseUrl, ...env } });

async function fill(): Promise<void> {
  await changeWorkspace(api.db, api.workspaceId, (transaction) =>
    sql`
      insert into event (workspace_id, received_at, message_id, source_id, type, name, subject_id, anonymous_id, occurred_at)
      select ${api.workspaceId}, t.at, gen_random_uuid(), ${api.workspaceId}, 'page', 'Page', ${api.workspaceId}, 'device', t.at
      from generate_series(0, ${DAYS * EVENTS_A_DAY - 1}::integer) as n
      cross join lateral (select timestamptz '2026-06-01T00:00:00Z' + n * interval '1 day' / ${EVENTS_A_DAY}::integer as at) as t`.execute(
      transaction,
    ),
  );
}

const dayFolders = (): number =>
  existsSync(`${warehouse.folder}/events`) ? readdirSync(`${warehouse.folder}/events`).length : 0;

describe('throughline export', () => {
  it('writes into a folder, shows how it goes, and goes on there the next time', async () => {
    await fill();
    const first = await run([warehouse.folder, '--format', 'ndjson']);
    expect([first.code, first.output]).toEqual([
      0,
      expect.stringMatching(/^Run 1: waiting for those who write events;/),
    ]);
    expect(first.output).toMatch(
      /Done: run 1, 18,000 events, 0 profiles, 0 audience members, 0 identities; 15 files/,
    );
    const again = await run([warehouse.folder, '--tables', 'events', '--format', 'csv']);
    expect(again.output).toMatch(/Done: run 2, 0 events; 0 files, 0\.0 kB\.\nEvents received from 20/);
    expect(warehouse.rows('events')).toHaveLength(DAYS * EVENTS_A_DAY);
    expectWhole(warehouse);
  });

  it('killed at any moment goes on when it is run again: each event is in one file', async () => {
    await fill();
    let kills = 0;
    for (const days of [1, 3, 7, 11]) {
      const child = spawn(process.execPath, [THROUGHLINE, 'export', warehouse.folder, '--format', 'ndjson'], {
        env: { PATH: process.env.PATH, HOME: process.env.HOME, DATABASE_URL: api.databaseUrl },
        cwd: tmpdir(),
        stdio: 'ignore',
      });
      const ended = once(child, 'exit') as Promise<[number | null]>;
      let hasEnded = false;
      void ended.then(() => (hasEnded = true));
      while (!hasEnded && dayFolders() < days) await new Promise(setImmediate);
      child.kill('SIGKILL');
      const [code] = await ended;
      if (code === null) kills += 1;
    }
    // Otherwise nothing was shown.
    expect(kills).toBeGreaterThan(2);
    const last = await run([warehouse.folder, '--format', 'ndjson']);
    expect([last.code, last.output]).toEqual([0, expect.stringContaining('run 1')]);
    const ids = warehouse.rows('events').map((row) => row['message_id']);
    expect([ids.length, new Set(ids).size]).toEqual([DAYS * EVENTS_A_DAY, DAYS * EVENTS_A_DAY]);
    expectWhole(warehouse);
  }, 300_000);

  it('writes into a bucket with the credentials of the settings, which it never shows', async () => {
    await fill();
    const bucket = await openBucketServer();
    const env = {
      ...{ THROUGHLINE_EXPORT_ACCESS_KEY_ID: BUCKET_KEY.id, THROUGHLINE_EXPORT_BUCKET_REGION: BUCKET_REGION },
      THROUGHLINE_EXPORT_SECRET_ACCESS_KEY: BUCKET_KEY.secret,
    };
    const address = `${bucket.url}nightly`;
    const bad = await run([address], { ...env, THROUGHLINE_EXPORT_SECRET_ACCESS_KEY: 'not-this-one' });
    expect([bad.code, bad.output]).toEqual([
      1,
      expect.stringContaining('403 SignatureDoesNotMatch: check the access key'),
    ]);
    expect(bad.output).not.toMatch(/not-this-one|AKID/);
    const done = await run([], { ...env, THROUGHLINE_EXPORT_BUCKET_URL: address });
    expect([done.code, done.output]).toEqual([
      0,
      expect.stringContaining(`in ${address}/${api.workspaceId}/ names`),
    ]);
    expect([...bucket.objects.keys()].filter((key) => key.endsWith('.parquet'))).toHaveLength(DAYS + 3);
    await bucket.close();
  });

  it('says what is wrong with the command, with the settings, or that another one is at it', async () => {
    const wrong = [
      await run([]),
      await run(['a', 'b']),
      await run(['a', '--format', 'xlsx']),
      await run(['a', '--tables', 'event']),
      await run(['a', '--workspace', '1']),
    ];
    expect(wrong.map(({ code }) => code)).toEqual([2, 2, 2, 2, 2]);
    expect(wrong.map(({ output }) => output.split('\n')[0])).toEqual([
      'Where to? Name a folder or a bucket, or set THROUGHLINE_EXPORT_DIR.',
      'throughline export takes one target.',
      '--format is one of csv, ndjson, parquet.',
      '--tables are some of events,profiles,audience_members,identities.',
      '--workspace is an ID.',
    ]);
    expect((await run(['--help'])).output).toMatch(/^Usage: throughline export/);
    const transaction = await api.db.startTransaction().execute();
    await sql`select pg_advisory_xact_lock(hashtext('throughline.export'), hashtext(${api.workspaceId}))`.execute(
      transaction,
    );
    const second = await run([warehouse.folder]);
    await transaction.rollback().execute();
    expect([second.code, second.output]).toEqual([
      1,
      expect.stringContaining('Another export of this workspace runs.'),
    ]);
    expect(warehouse.files()).toEqual([]);
  });
});

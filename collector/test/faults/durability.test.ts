import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/connect';
import { findRunningServer } from '../../src/embedded/running-server';
import { makeDataFolder, startCollector, type StartedCollector } from '../support/collector';
import { openOwnPostgres, type OwnPostgres } from '../support/own-postgres';

/**
 * A SIGKILL does not show what a power cut would lose: what a process has written stays in the system's memory. So this
 * asks Postgres itself: a logical slot decodes the log as far as it has been flushed to the disk, and no further, so a
 * commit that it shows is a commit that survives. With nothing else that flushes the log meanwhile, a commit that
 * nobody waited for would not be there.
 */
const NOTHING_ELSE_FLUSHES = {
  wal_level: 'logical',
  wal_writer_delay: '10s',
  wal_writer_flush_after: '1GB',
  autovacuum: 'off',
  checkpoint_timeout: '1h',
  bgwriter_lru_maxpages: '0',
};

let postgres: OwnPostgres;
let collector: StartedCollector;

beforeAll(async () => {
  postgres = await openOwnPostgres({ settings: NOTHING_ELSE_FLUSHES });
  collector = await startCollector({ env: { DATABASE_URL: postgres.url } });
  await postgres.ask('create table probe (id uuid)');
  await postgres.ask(`create publication everything for all tables with (publish = 'insert')`);
  await postgres.ask(`select pg_create_logical_replication_slot('flushed', 'pgoutput')`);
});
afterAll(async () => {
  await collector.stop();
  await postgres.close();
});

/** Whether a commit with that ID in it is on the disk. */
async function isFlushed(id: string): Promise<boolean> {
  const [found] = await postgres.ask<{ found: boolean }>(
    `select coalesce(bool_or(position(convert_to($1, 'UTF8') in data) > 0), false) as found
     from pg_logical_slot_peek_binary_changes('flushed', null, null, 'proto_version', '1',
       'publication_names', 'everything')`,
    [id],
  );
  return found!.found;
}

async function commitWithoutWaiting(id: string): Promise<void> {
  const session = await postgres.connect();
  await session.query('set synchronous_commit = off');
  await session.query('insert into probe values ($1)', [id]);
  await session.end();
}

describe('an acknowledgement', () => {
  it('comes when the commit is on the disk, for each of 40 events alone and for batches', async () => {
    const batch = (ids: readonly string[]) =>
      fetch(`${collector.url}/v1/batch?writeKey=${collector.writeKey}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          batch: ids.map((messageId) => ({ type: 'page', anonymousId: 'visitor', messageId })),
        }),
      });
    for (let turn = 0; turn < 50; turn += 1) {
      const ids = Array.from({ length: turn < 40 ? 1 : 20 }, () => randomUUID());
      const answer = await batch(ids);
      expect(answer.status).toBe(200);
      expect([turn, await isFlushed(ids[0]!), await isFlushed(ids.at(-1)!)]).toEqual([turn, true, true]);
    }
  });

  it('could not come that early unseen: a commit that nobody waited for is not on the disk', async () => {
    // The log's writer wakes every ten seconds, and may do so just then; not five times in a row.
    for (let attempt = 1; ; attempt += 1) {
      const id = randomUUID();
      await commitWithoutWaiting(id);
      if (!(await isFlushed(id))) break;
      expect(attempt).toBeLessThan(5);
    }
  });
});

describe('the built-in database', () => {
  it('flushes to the disk and guards against torn pages', async () => {
    const data = makeDataFolder();
    const withIts = await startCollector({ env: { THROUGHLINE_DATA_DIR: data.path } });
    const its = openDatabase(findRunningServer(data.path)!, { max: 1, applicationName: 'throughline-test' });
    const { rows } = await its.pool.query<{ name: string; setting: string }>(
      `select name, setting from pg_settings
       where name in ('fsync', 'full_page_writes', 'synchronous_commit') order by name`,
    );
    await its.close();
    await withIts.stop();
    data.remove();
    expect(rows.map(({ setting }) => setting)).toEqual(['on', 'on', 'on']);
  });
});

import { randomUUID } from 'node:crypto';
import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeWorkspace, openDatabase } from '../../src/db/connect';
import { migrate } from '../../src/db/migrate';
import { FOLDERS } from '../../src/folders';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeEach(async () => {
  api = await openApi();
});
afterEach(() => api.close());

const SENDERS = 4;

interface Traffic {
  /** Resolves when so many batches more are acknowledged. */
  readonly more: (batches: number) => Promise<void>;
  /** Ends it; how many pages each visitor was acknowledged. */
  readonly end: () => Promise<ReadonlyMap<string, number>>;
}

/** Senders that send one batch after another, each of which must be acknowledged. */
function startTraffic(): Traffic {
  const pages = new Map<string, number>();
  const waiting = new Set<{ left: number; readonly resolve: () => void }>();
  let isEnding = false;
  const senders = Array.from({ length: SENDERS }, async (_, sender) => {
    for (let turn = 0; !isEnding; turn += 1) {
      const visitors = Array.from({ length: 5 }, (_visitor, index) => `v${(sender + turn * 3 + index) % 40}`);
      const answer = await api.batch(
        visitors.map((anonymousId) => ({ type: 'page', anonymousId, messageId: randomUUID() })),
      );
      expect(answer.body).toEqual({ accepted: 5, duplicates: 0, rejected: [] });
      for (const visitor of visitors) pages.set(visitor, (pages.get(visitor) ?? 0) + 1);
      for (const waiter of waiting) if ((waiter.left -= 1) <= 0) waiter.resolve();
    }
  });
  return {
    more: (batches) =>
      Promise.race([
        new Promise<void>((resolve) => void waiting.add({ left: batches, resolve })),
        // A sender that failed is what the test is to show, not a wait without an end.
        Promise.all(senders).then(() => undefined),
      ]),
    async end() {
      isEnding = true;
      await Promise.all(senders);
      return pages;
    },
  };
}

async function storedPages(): Promise<ReadonlyMap<string, number>> {
  const { rows } = await changeWorkspace(api.db, api.workspaceId, (transaction) =>
    sql<{ visitor: string; pages: number }>`
      select anonymous_id as visitor, count(*) as pages from event group by 1`.execute(transaction),
  );
  return new Map(rows.map(({ visitor, pages }) => [visitor, pages]));
}

describe('a migration while events arrive', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'throughline-migrations-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('by three new versions at once, behind a long read, is applied once, and every event is taken meanwhile', async () => {
    const known = (await readdir(FOLDERS.migrations)).filter((name) => name.endsWith('.sql')).sort();
    for (const name of known) await copyFile(join(FOLDERS.migrations, name), join(folder, name));
    const next = `${String(known.length + 1).padStart(4, '0')}_for_a_test.sql`;
    await writeFile(
      join(folder, next),
      'alter table event add column note text;\nalter table profile_part add column note text default $$none$$;\n',
    );
    const traffic = startTraffic();
    await traffic.more(20);
    const reader = new pg.Client(api.databaseUrl);
    await reader.connect();
    await reader.query('begin');
    await reader.query('select count(*) from event');

    const versions = [0, 1, 2].map(() =>
      openDatabase(api.databaseUrl, { max: 1, applicationName: 'throughline-test-migrator' }),
    );
    const applied = Promise.all(versions.map(({ pool }) => migrate(pool, folder)));
    await untilOneWaits();
    await reader.query('commit');
    await reader.end();
    expect((await applied).flat()).toEqual([next]);
    // The old version, which knows nothing of the columns, goes on.
    await traffic.more(20);
    const acknowledged = await traffic.end();
    await Promise.all(versions.map((version) => version.close()));
    expect(await storedPages()).toEqual(acknowledged);
    const { rows } = await api.pool.query(`select note from profile_part limit 1`);
    expect(rows).toBeDefined();
  });

  /** A migrator queues for the table behind the reader: not the advisory lock, for which the other two wait. */
  async function untilOneWaits(): Promise<void> {
    const observer = new pg.Client(api.databaseUrl);
    await observer.connect();
    for (;;) {
      const { rowCount } = await observer.query(
        `select from pg_locks where not granted and locktype = 'relation' and mode = 'AccessExclusiveLock'`,
      );
      if ((rowCount ?? 0) > 0) break;
    }
    await observer.end();
  }
});

describe('rebuilds of an audience while events arrive', () => {
  it('go through, hinder nobody, and in the end the members are those whom a recount finds', async () => {
    const created = await api.call('POST', '/v1/audiences', {
      body: { name: 'Regulars', rule: { event: '$page', gte: 8 } },
    });
    const { id } = created.body as { id: string };
    const rebuild = async (): Promise<void> => {
      expect((await api.call('POST', `/v1/audiences/${id}/rebuild`)).status).toBe(200);
    };
    const traffic = startTraffic();
    for (let round = 0; round < 10; round += 1) {
      await Promise.all([rebuild(), rebuild(), traffic.more(10)]);
    }
    const acknowledged = await traffic.end();
    await rebuild();
    const regulars = [...acknowledged].filter(([, pages]) => pages >= 8).map(([visitor]) => visitor);
    expect(regulars.length).toBeGreaterThan(0);
    const { body } = await api.get(`/v1/audiences/${id}/members?limit=100`);
    const members = (body.data as { anonymousId: string }[]).map(({ anonymousId }) => anonymousId);
    expect(members.sort()).toEqual(regulars.sort());
    expect(await storedPages()).toEqual(acknowledged);
  });
});

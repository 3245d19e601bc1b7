import { execFileSync } from 'node:child_process';
import { get, type IncomingMessage } from 'node:http';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeWorkspace, openDatabase } from '../../src/db/connect';
import { findFirstWorkspace } from '../../src/db/keys';
import { startCollector, type StartedCollector, THROUGHLINE } from '../support/collector';
import { createTestDatabase, type TestDatabase } from '../support/database';

const SECRET_KEY = 'sk_0123456789abcdefABCDEFGH';
const HEAP_MEGABYTES = 128;
const MEGABYTE = 1024 * 1024;
const MEMBERS = 20_000;
/** Of a trait: all of them are more than the heap holds. */
const CHARACTERS = 8_000;

let database: TestDatabase;
let collector: StartedCollector;
beforeAll(async () => {
  database = await createTestDatabase();
  collector = await startCollector({
    env: { DATABASE_URL: database.url, THROUGHLINE_SECRET_KEY: SECRET_KEY },
    command: [`--max-old-space-size=${HEAP_MEGABYTES}`, THROUGHLINE, 'start'],
  });
  await fillList(await createList());
}, 300_000);
afterAll(async () => {
  await collector.stop();
  await database.close();
});

async function createList(): Promise<string> {
  const response = await fetch(`${collector.url}/v1/audiences`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRET_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Everybody', ids: [] }),
  });
  const { id } = (await response.json()) as { id: string };
  return id;
}

async function fillList(audienceId: string): Promise<void> {
  const { db, close } = openDatabase(database.url, { max: 1, applicationName: 'throughline-test' });
  const workspaceId = (await findFirstWorkspace(db))!;
  await changeWorkspace(db, workspaceId, async (transaction) => {
    const registers = sql`jsonb_build_object('text', jsonb_build_array(repeat('x', ${CHARACTERS}::integer), '2026-01-31T12:00:00.000Z', '00000000-0000-4000-8000-000000000000'))`;
    await sql`select set_config('statement_timeout', '0', true)`.execute(transaction);
    await sql`
      with id as (select md5(n::text)::uuid as id from generate_series(1, ${MEMBERS}::integer) as n),
      part as (
        insert into profile_part
          (workspace_id, owner_id, subject_id, first_seen_at, last_seen_at, last_seen_hour, traits)
        select ${workspaceId}, id, id, now(), now(), now(), ${registers} from id)
      insert into audience_member (workspace_id, audience_id, profile_id, entered_at)
      select ${workspaceId}, ${audienceId}, id, now() from id`.execute(transaction);
  });
  await close();
}

function begin(query: string): Promise<IncomingMessage> {
  const url = `${collector.url}/v1/audiences/everybody/export?columns=profileId,events,trait.text&${query}`;
  return new Promise((resolve, reject) => {
    get(url, { headers: { authorization: `Bearer ${SECRET_KEY}` } }, resolve).on('error', reject);
  });
}

const residentMegabytes = (): number =>
  Number(execFileSync('ps', ['-o', 'rss=', '-p', String(collector.pid)], { encoding: 'utf8' })) / 1024;

describe('an audience that is larger than its collector’s heap', { timeout: 300_000 }, () => {
  it.each(['format=csv', 'format=parquet'])('is exported at flat memory: %s', async (query) => {
    const answer = await begin(query);
    let [bytes, sampledAt] = [0, 0];
    const resident: number[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (resident.length === 0 || performance.now() - sampledAt > 200) {
        resident.push(residentMegabytes());
        sampledAt = performance.now();
      }
    }

    expect(answer.complete).toBe(true);
    // Packed, the same text over and over is next to nothing.
    if (!query.includes('parquet')) expect(bytes).toBeGreaterThan(HEAP_MEGABYTES * MEGABYTE);
    expect(Math.max(...resident) - resident[0]!).toBeLessThan(HEAP_MEGABYTES / 2);
  });
});

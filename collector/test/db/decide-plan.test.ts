/** How Postgres reads what a decision asks, with as many events as an index is worth. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { QueryResultRow } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDecision } from '../../src/core/decision-check';
import { changeWorkspace, openDatabase, type OpenedDatabase } from '../../src/db/connect';
import { insertAudience } from '../../src/db/audiences';
import { checkRule } from '../../src/core/rule-check';
import { insertDecision } from '../../src/db/decisions';
import type { Querier } from '../../src/db/querier';
import { readDecision } from '../../src/decide/read-decision';
import { createTestDatabase, type TestDatabase } from '../support/database';

const NOW = new Date('2026-06-15T12:00:00Z');
const EVENTS = 40_000;
const PROFILES = 2_000;
/** What holds more than a page. */
const LARGE = /^(event_2026_0[3-6]|profile_part|audience_member|audience_mark)$/;

const workspaceId = randomUUID();
const audienceId = randomUUID();
let database: TestDatabase;
let opened: OpenedDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  opened = openDatabase(database.url, { max: 2, applicationName: 'throughline-test', pipeline: true });
  await sql`select ensure_event_partitions('2026-03-01', 4)`.execute(opened.db);
  const rule = checkRule({ event: 'Order Completed', agg: 'sum', of: 'revenue', within: '30d', gte: 100 });
  const decision = checkDecision({
    cases: [
      {
        when: {
          all: [
            { audience: 'vip' },
            { trait: '$revenue', gte: 0 },
            { trait: '$email', exists: false },
            { trait: 'plan', neq: 'pro' },
            { trait: '$context.cart.total', gte: 10 },
          ],
        },
        then: 1,
      },
      { then: 2 },
    ],
  });
  if (!rule.ok || !decision.ok) throw new Error('The set-up is wrong.');
  await changeWorkspace(opened.db, workspaceId, async (transaction) => {
    await transaction.insertInto('workspace').values({ workspace_id: workspaceId, name: 'w' }).execute();
    await sql`
      insert into event (workspace_id, received_at, message_id, source_id, type, name, subject_id, occurred_at, properties)
      select ${workspaceId}::uuid, at, gen_random_uuid(), ${workspaceId}::uuid, 'track',
        (array['Viewed', 'Cart Viewed', 'Order Completed'])[1 + n % 3], md5((n % ${PROFILES}::integer)::text)::uuid, at,
        jsonb_build_object('revenue', n % 100)
      from (
        select n, ${NOW}::timestamptz - n * interval '100 days' / ${EVENTS}::integer as at
        from generate_series(1, ${EVENTS}::integer) as n) as made`.execute(transaction);
    await sql`
      insert into profile_part (workspace_id, owner_id, subject_id, first_seen_at, last_seen_at, last_seen_hour, event_count)
      select workspace_id, subject_id, subject_id, min(occurred_at), max(occurred_at), max(occurred_at), count(*)
      from event where workspace_id = ${workspaceId} group by workspace_id, subject_id`.execute(transaction);
    await insertAudience(transaction, workspaceId, {
      ...{ id: audienceId, key: 'vip', name: 'VIP', rule: rule.rule, createdAt: NOW },
    });
    await sql`update audience set is_stale = false, rebuilt_at = ${NOW}`.execute(transaction);
    await sql`
      insert into audience_member (workspace_id, audience_id, profile_id, entered_at)
      select workspace_id, ${audienceId}::uuid, owner_id, ${NOW} from profile_part`.execute(transaction);
    await sql`
      insert into audience_mark (workspace_id, audience_id, profile_id)
      select workspace_id, ${audienceId}::uuid, owner_id from profile_part limit 150`.execute(transaction);
    // Much waits for another audience.
    await sql`
      insert into audience_mark (workspace_id, audience_id, profile_id)
      select ${workspaceId}::uuid, ${workspaceId}::uuid, gen_random_uuid() from generate_series(1, 20000)`.execute(
      transaction,
    );
    await insertDecision(transaction, workspaceId, {
      ...{ id: randomUUID(), key: 'offer', name: 'Offer', definition: decision.definition },
      ...{ at: NOW, by: 'test' },
    });
  });
  await sql`analyze`.execute(opened.db);
});
afterAll(async () => {
  await opened.close();
  await database.close();
});

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly Node[];
}

/** The scans of tables by each statement that deciding about a subject sends. */
async function scansFor(subjectId: string) {
  const client = await opened.pool.connect();
  const scans: { kind: string; table: string }[] = [];
  const walk = (node: Node): readonly Node[] => [node, ...(node.Plans ?? []).flatMap(walk)];
  const explaining: Querier = {
    query: async <Row extends object>(text: string, values: readonly unknown[] = []) => {
      // In the same transaction, and so with the same snapshot and workspace.
      if (/^\s*select/.test(text)) {
        const { rows } = await client.query<QueryResultRow>(`explain (format json) ${text}`, [...values]);
        for (const node of walk((rows[0]!['QUERY PLAN'] as [{ Plan: Node }])[0].Plan))
          if (node['Node Type'].includes('Scan') && node['Relation Name'] !== undefined)
            scans.push({ kind: node['Node Type'], table: node['Relation Name'] });
      }
      const { rows, command } = await client.query<QueryResultRow>(text, [...values]);
      return { rows: rows as Row[], command };
    },
  };
  const request = { workspaceId, subjectId, reference: 'offer', context: '{"cart":{"total":20}}', now: NOW };
  const found = await readDecision(
    { client: explaining, db: opened.db, request },
    { known: null, timeoutMs: 60_000 },
  );
  client.release();
  return { found: found!, scans, large: scans.filter(({ table }) => LARGE.test(table)) };
}

const ids = async (marked: boolean) => {
  const { rows } = await changeWorkspace(opened.db, workspaceId, (transaction) =>
    sql<{ id: string }>`
      select owner_id as id from profile_part p
      where (owner_id in (select profile_id from audience_mark where audience_id = ${audienceId})) = ${marked} limit 1`.execute(
      transaction,
    ),
  );
  return rows[0]!.id;
};

describe('deciding', () => {
  it('reads no events, and nothing else but by an index, where nobody has yet to look', async () => {
    const { found, scans, large } = await scansFor(await ids(false));
    expect(found.audiences).toEqual([{ key: 'vip', isMember: true, isFresh: false }]);
    expect(found.holds).toEqual([true]);
    expect(scans.filter(({ table }) => table.startsWith('event'))).toEqual([]);
    expect(large.filter(({ kind }) => kind === 'Seq Scan')).toEqual([]);
    expect(large.map(({ table }) => table)).toEqual(
      expect.arrayContaining(['profile_part', 'audience_member', 'audience_mark']),
    );
  });

  it('reads the events of this profile alone, by index, where somebody has yet to look', async () => {
    const { found, scans, large } = await scansFor(await ids(true));
    expect(found.audiences).toMatchObject([{ key: 'vip', isFresh: true }]);
    expect(scans.filter(({ table }) => table.startsWith('event')).length).toBeGreaterThan(0);
    expect(large.filter(({ kind }) => kind === 'Seq Scan')).toEqual([]);
  });
});

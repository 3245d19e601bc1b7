/** How Postgres reads what rules ask, with as many events as an index is worth. */
import { randomUUID } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Rule } from '../../src/core/rule';
import { checkRule } from '../../src/core/rule-check';
import { changeWorkspace, inWorkspace, openDatabase, type OpenedDatabase } from '../../src/db/connect';
import { compileEvaluation } from '../../src/db/rule-evaluation-sql';
import type { RuleRun } from '../../src/db/rule-sources-sql';
import { compileRule } from '../../src/db/rule-sql';
import { createTestDatabase, type TestDatabase } from '../support/database';

const NOW = new Date('2026-06-15T12:00:00Z');
const EVENTS = 40_000;
const PROFILES = 2_000;

/** What holds more than a page; the other tables, and the months of the real clock, are empty here. */
const MONTHS = ['event_2026_03', 'event_2026_04', 'event_2026_05', 'event_2026_06'];
const LARGE = [...MONTHS, 'profile_part'];

const workspaceId = randomUUID();
let database: TestDatabase;
let opened: OpenedDatabase;
let someIds: readonly string[];

beforeAll(async () => {
  database = await createTestDatabase();
  opened = openDatabase(database.url, { max: 2, applicationName: 'throughline-test', pipeline: true });
  await sql`select ensure_event_partitions('2026-03-01', 4)`.execute(opened.db);
  await changeWorkspace(opened.db, workspaceId, async (transaction) => {
    // Over the hundred days before, the events of a profile far apart.
    await sql`
      insert into event (workspace_id, received_at, message_id, source_id, type, name, subject_id, occurred_at, properties)
      select ${workspaceId}::uuid, at, gen_random_uuid(), ${workspaceId}::uuid, 'track',
        (array['Viewed', 'Cart Viewed', 'Order Completed'])[1 + n % 3], md5((n % ${PROFILES}::integer)::text)::uuid, at,
        jsonb_build_object('revenue', n % 100, 'cart_id', n % 7)
      from (
        select n, ${NOW}::timestamptz - n * interval '100 days' / ${EVENTS}::integer as at
        from generate_series(1, ${EVENTS}::integer) as n) as made`.execute(transaction);
    await sql`
      insert into profile_part (workspace_id, owner_id, subject_id, first_seen_at, last_seen_at, last_seen_hour, event_count)
      select workspace_id, subject_id, subject_id, min(occurred_at), max(occurred_at), max(occurred_at), count(*)
      from event where workspace_id = ${workspaceId} group by workspace_id, subject_id`.execute(transaction);
  });
  await sql`analyze`.execute(opened.db);
  someIds = await inWorkspace(opened.db, workspaceId, async (transaction) => {
    const rows = await transaction.selectFrom('profile_part').select('owner_id').limit(5).execute();
    return rows.map((row) => row.owner_id);
  });
});
afterAll(async () => {
  await opened.close();
  await database.close();
});

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly Plans?: readonly Node[];
}

/** The scans of tables in the plan of a query. */
async function scansOf(
  compile: (rule: Rule, run: RuleRun) => RawBuilder<unknown>,
  rule: unknown,
  profileIds?: readonly string[],
): Promise<readonly { kind: string; table: string; index: string }[]> {
  const checked = checkRule(rule);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const run = { workspaceId, now: NOW, timezone: 'Europe/Berlin', currency: 'USD' };
  const query = compile(checked.rule, profileIds === undefined ? run : { ...run, profileIds });
  const { rows } = await inWorkspace(opened.db, workspaceId, (transaction) =>
    sql<{ 'QUERY PLAN': [{ Plan: Node }] }>`explain (format json) ${query}`.execute(transaction),
  );
  const walk = (node: Node): readonly Node[] => [node, ...(node.Plans ?? []).flatMap(walk)];
  return walk(rows[0]!['QUERY PLAN'][0].Plan).flatMap((node) =>
    node['Node Type'].includes('Scan') && (node['Relation Name'] ?? node['Index Name']) !== undefined
      ? [{ kind: node['Node Type'], table: node['Relation Name'] ?? '', index: node['Index Name'] ?? '' }]
      : [],
  );
}

const RULES = [
  { event: 'Order Completed', agg: 'sum', of: 'revenue', gte: 100 },
  { event: 'Cart Viewed', then: { event: 'Order Completed', within: '24h', not: true }, same: ['cart_id'] },
  { event: '*', agg: 'distinct', of: '$day', gte: 5 },
  {
    all: [
      { not: { event: '*', within: '30d' } },
      { trait: '$email', exists: true },
      { trait: '$revenue', gt: 1 },
    ],
  },
];

describe('a few profiles', () => {
  it.each(RULES)('are asked about by indexes alone: %j', async (rule) => {
    const scans = await scansOf(compileEvaluation, rule, someIds);
    const large = scans.filter(({ table }) => LARGE.includes(table));
    expect(large.length).toBeGreaterThan(1);
    expect(large.filter(({ kind }) => kind === 'Seq Scan')).toEqual([]);
    expect(scans.map(({ index }) => index)).toContain('profile_part_pkey');
  });
});

describe('all profiles', () => {
  const tables = async (rule: unknown) =>
    (await scansOf(compileRule, rule)).map(({ table }) => table).filter((table) => MONTHS.includes(table));

  it('are asked about what is recent without reading the months before', async () => {
    expect(await tables({ event: 'Viewed', within: '3d' })).toEqual(['event_2026_06']);
    const sequence = { event: 'Viewed', within: '3d', then: { event: 'Order Completed', within: '1h' } };
    expect(await tables(sequence)).toEqual(['event_2026_06']);
    expect(await tables({ event: 'Viewed', between: ['3d', '1d'] })).toEqual(['event_2026_06']);
    expect((await tables({ event: 'Viewed' })).length).toBe(MONTHS.length);
  });

  it('are asked in one pass over the events, and one more for each unit of the calendar that a rule counts', async () => {
    const passes = async (rules: readonly unknown[]) => {
      const scans = await scansOf(compileRule, { any: rules });
      return scans.filter(({ table }) => table === 'event_2026_05').length;
    };
    const counting = (of: string) => ({ event: '*', agg: 'distinct', of, gte: 5 });
    const others = RULES.filter((rule) => !('of' in rule && rule.of === '$day'));
    expect(await passes(others)).toBe(1);
    expect(await passes([...others, ...others, counting('$day'), counting('$day')])).toBe(2);
    expect(await passes([counting('$day'), counting('$week'), counting('$month')])).toBe(3);
  });
});

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WAREHOUSE_COLUMNS, WAREHOUSE_TABLES } from '../../src/core/warehouse-table';
import { type Api, openApi } from '../support/api';
import { blocksOf, readDocument } from '../support/documents';
import { queryDuckDb } from '../support/duckdb';
import { makeWarehouse, openWarehouse, type Warehouse } from '../support/warehouse';

const NOW = Date.parse('2026-06-15T12:00:00.000Z');
const DAY = 24 * 60 * 60 * 1000;

const document = blocksOf(readDocument('docs/exports.md'));
/** What the document says to DuckDB under a name; without one it makes the views. */
function statementsOf(name = ''): string {
  const block = document.find(({ info }) => info === `sql duckdb ${name}`.trim());
  if (block === undefined) throw new Error(`docs/exports.md has no block "sql duckdb ${name}"`);
  return block.text;
}

let api: Api;
let place: Warehouse;
let warehouse: ReturnType<typeof openWarehouse>;
beforeAll(async () => {
  place = makeWarehouse();
  api = await openApi({ clock: { now: new Date(NOW) }, exportPlaces: { exportDir: place.folder } });
  warehouse = openWarehouse(join(place.folder, api.workspaceId));
  await shop();
});
afterAll(async () => {
  await api.close();
  place.remove();
});

const at = (daysAgo: number): string => new Date(NOW - daysAgo * DAY).toISOString();

/** Sends with the secret key, so that times are taken as they are. */
async function send(items: readonly object[]): Promise<void> {
  const { status, body } = await api.call('POST', '/v1/batch', { body: { batch: items } });
  expect([status, body.rejected]).toEqual([200, []]);
}

/** Half a year of a shop: some buy on several devices before they sign in, some return things, some count in EUR. */
async function shop(): Promise<void> {
  const visits = Array.from({ length: 60 }, (_, number) => number);
  await send(
    visits.flatMap((number) => {
      const who = number % 3 === 0 ? { anonymousId: `device-${number}` } : { userId: `user-${number % 20}` };
      const order = (daysAgo: number, properties: object, event = 'Order Completed') => ({
        ...{ type: 'track', event, ...who, timestamp: at(daysAgo), messageId: randomUUID(), properties },
      });
      return [
        order(number % 90, { order_id: `order-${number}`, revenue: (number * 7.3) % 61, currency: 'USD' }),
        // Sent twice by the shop, under another message ID.
        order((number % 90) + 0.5, { order_id: `order-${number}`, revenue: (number * 7.3) % 61 }),
        order(29.999, { revenue: 0.1 * number }),
        order(30, { revenue: 1_000 }, 'Something else'),
        ...(number % 7 === 0 ? [order(31, { revenue: `${number}.05` }), order(3, { revenue: 'oops' })] : []),
        ...(number % 5 === 0
          ? [order(2, { refund_id: `r-${number % 10}`, revenue: 9 }, 'Order Refunded')]
          : []),
        ...(number % 11 === 0 ? [order(1, { revenue: 500, currency: 'EUR' })] : []),
        ...(number % 6 === 0
          ? [
              {
                type: 'identify',
                userId: `user-${number % 20}`,
                anonymousId: `device-${number}`,
                timestamp: at(10),
              },
            ]
          : []),
      ];
    }),
  );
}

async function membersOf(rule: object): Promise<{ key: string; ids: readonly string[] }> {
  const key = `a-${randomUUID().slice(0, 8)}`;
  const { status } = await api.call('POST', '/v1/audiences', { body: { name: key, key, rule } });
  expect(status).toBe(201);
  const { body } = await api.get(`/v1/audiences/${key}/members?limit=1000`);
  return { key, ids: body.data.map(({ profileId }: { profileId: string }) => profileId).sort() };
}

const ask = (statements: string) =>
  queryDuckDb(`set file_search_path = '${warehouse.folder}';\n${statementsOf()}\n${statements}`);

const idsOf = (rows: readonly Record<string, unknown>[]) =>
  rows.map((row) => String(row['profile_id'])).sort();

describe('an audience', () => {
  it('is the same in a warehouse: worked out of its files by docs/exports.md, and here', async () => {
    const total = await membersOf({ trait: '$revenue', gt: 100 });
    const inTime = await membersOf({
      ...{ event: 'Order Completed', agg: 'sum', of: 'revenue', within: '30d', gte: 100 },
    });
    // Two runs: what the second one adds, and what it replaces.
    for (const more of [
      [],
      [{ type: 'track', event: 'Order Completed', userId: 'user-1', properties: { revenue: 1 } }],
    ]) {
      if (more.length > 0) await send(more);
      api.clock.now = new Date(api.clock.now.getTime() + 60_000);
      const { body } = await api.call('POST', '/v1/exports', { body: {} });
      await api.worker.exports.work();
      expect((await api.get(`/v1/exports/${body.id}`)).body).toMatchObject({
        status: 'done',
        format: 'parquet',
      });
      await api.worker.tick();
    }
    const everybody = idsOf(await ask('select profile_id from profiles'));
    expect(total.ids.length).toBeGreaterThan(3);
    expect(total.ids.length).toBeLessThan(everybody.length);
    expect(inTime.ids.length).toBeGreaterThan(3);
    expect(inTime.ids).not.toEqual(total.ids);

    expect(idsOf(await ask(statementsOf('total-spend')))).toEqual(total.ids);
    expect(idsOf(await ask(statementsOf('total-spend-of-events')))).toEqual(total.ids);
    const moment = `'${new Date(NOW).toISOString()}'`;
    const within = statementsOf('within-30-days').replaceAll('$now', moment);
    expect(idsOf(await ask(within))).toEqual(inTime.ids);
    for (const { key, ids } of [total, inTime]) {
      const stored = await ask(`select profile_id from audience_members where audience_key = '${key}'`);
      expect(idsOf(stored)).toEqual(ids);
    }
    // Each event is somebody's, once; and what profiles sum up is what their events are.
    const counts = await ask(`
      select p.profile_id, p.events as said, count(e.message_id) as counted
      from profiles p left join profile_events e on e.profile_id = p.profile_id
      group by all having said <> counted`);
    expect(counts).toEqual([]);
    const [all] = await ask(
      'select count(*) as n, (select count(*) from profile_events) as owned from events',
    );
    expect(all!['n']).toBe(all!['owned']);
  });
});

describe('docs/exports.md', () => {
  it('has every table, and a table of Snowflake’s with every column of events', () => {
    const text = readDocument('docs/exports.md');
    for (const table of WAREHOUSE_TABLES) expect(text).toContain(`| \`${table}\``);
    const created = /create table events \(([^;]+)\);/.exec(text)![1]!;
    const names = created.split(',').map((column) => column.trim().split(' ')[0]);
    expect(names).toEqual(WAREHOUSE_COLUMNS.events.map(({ name }) => name));
  });
});

/** Ingest from end to end: HTTP, a collector's process, Postgres that syncs to disk; and beside it COPY. */
import type pg from 'pg';
import { type CopyRow, measureCopy } from './copy-row';
import { type IngestOptions, type Measured, openIngestServer, type Plan } from './ingest-server';
import type { LoadResult } from './load-contract';

export interface IngestRow {
  /** What is sent, e.g. "50 a batch, 16 connections". */
  readonly name: string;
  /** What the design asks for; empty where it says nothing. */
  readonly floor: string;
  readonly events: number;
  readonly eventsPerSecond: number;
  /** Events a second as a share of COPY's rows a second. */
  readonly ofCopy: number;
  readonly ackMs: LoadResult['ackMs'];
  readonly cpuPerMillion: Measured['cpu'];
  readonly walBytesPerEvent: number;
}

export interface IngestResult {
  readonly postgres: { readonly version: string; readonly fsync: string; readonly synchronousCommit: string };
  readonly rows: readonly IngestRow[];
  readonly copy: CopyRow;
  /** After the first row, by table, indexes included; what a thousandth of the whole does not reach is left out. */
  readonly diskBytesPerEvent: { readonly total: number; readonly tables: Readonly<Record<string, number>> };
  readonly requestBytesPerEvent: number;
}

interface Scenario {
  readonly name: string;
  readonly floor: string;
  readonly plan: Plan;
}

const HALF_LOAD_SECONDS = 6;
const WARM_UP_EVENTS = 20_000;
const USUAL = { connections: 16, ratePerSecond: null, duplicateShare: 0, mix: 'site' } as const;

function scenario(
  name: string,
  { events, each, floor = '', ...more }: { events: number; each: number; floor?: string } & Partial<Plan>,
): Scenario {
  return { name, floor, plan: { ...USUAL, eventsPerRequest: each, requests: events / each, ...more } };
}

const MAIN = scenario('50 a batch, 16 connections', {
  events: 200_000,
  each: 50,
  floor: '20,000 · 0.30 of COPY',
});
/** In order: one that sends duplicates alone repeats the requests of the one before it. */
const SCENARIOS: readonly Scenario[] = [
  MAIN,
  scenario('the same batches again: all duplicates', { events: 200_000, each: 50, duplicateShare: 1 }),
  scenario('50 a batch, 10 % duplicates', { events: 50_000, each: 50, duplicateShare: 0.1 }),
  scenario('50 a batch, mostly identify', { events: 50_000, each: 50, mix: 'identifies' }),
  scenario('10 a batch, 16 connections', { events: 40_000, each: 10 }),
  scenario('500 a batch, 16 connections', { events: 100_000, each: 500 }),
  scenario('50 a batch, 1 connection', { events: 20_000, each: 50, connections: 1 }),
  scenario('50 a batch, 64 connections', { events: 100_000, each: 50, connections: 64 }),
  scenario('50 a batch, 128 connections', { events: 100_000, each: 50, connections: 128 }),
  scenario('one a request, 1 connection', { events: 1_000, each: 1, connections: 1 }),
  scenario('one a request, 16 connections', { events: 10_000, each: 1 }),
  scenario('one a request, 64 connections', { events: 20_000, each: 1, connections: 64 }),
  scenario('one a request, 128 connections', { events: 40_000, each: 1, connections: 128, floor: '5,000' }),
];
/** Each order makes somebody look at a year of its profile's events. */
const FOLLOWED = scenario('50 a batch, an audience of who spent 200', { events: 100_000, each: 50 });
const RULE = { event: 'Order Completed', agg: 'sum', of: 'revenue', within: '365d', gte: 200 };
const WITHOUT_DATABASE = [
  scenario('50 a batch, HTTP side alone', { events: 200_000, each: 50 }),
  scenario('one a request, 128 connections, HTTP side alone', { events: 40_000, each: 1, connections: 128 }),
];

export async function measureIngest(options: IngestOptions): Promise<IngestResult> {
  const { cleanUp, note } = options;
  const server = await openIngestServer(options);
  const { admin } = server;
  note('Warming up');
  await server.run({ ...MAIN.plan, requests: WARM_UP_EVENTS / MAIN.plan.eventsPerRequest });
  note(MAIN.name);
  const main = await server.run(MAIN.plan);
  const disk = await readDisk(admin);
  note('COPY of the same rows');
  const copy = await measureCopy(server);
  const measured: (Scenario & { readonly measured: Measured })[] = [{ ...MAIN, measured: main }];
  const isWanted = ({ floor }: Scenario): boolean => !options.isQuick || floor !== '';
  for (const next of SCENARIOS.slice(1).filter(isWanted)) {
    note(next.name);
    measured.push({ ...next, measured: await server.run(next.plan) });
  }
  const half = halfLoadOf(main);
  note(half.name);
  measured.push({ ...half, measured: await server.run(half.plan) });
  if (!options.isQuick) {
    note(FOLLOWED.name);
    await server.addAudience('Spent 200 in a year', RULE);
    measured.push({ ...FOLLOWED, measured: await server.run(FOLLOWED.plan) });
  }
  await checkCounts(admin, server.accepted());
  for (const next of WITHOUT_DATABASE.filter(isWanted)) {
    note(next.name);
    measured.push({ ...next, measured: await server.runWithoutDatabase(next.plan) });
  }
  const postgres = await readSettings(admin);
  await cleanUp.run();
  return {
    postgres,
    rows: measured.map(({ name, floor, measured: result }) => ({ name, floor, ...toRow(result, copy) })),
    copy,
    diskBytesPerEvent: disk,
    requestBytesPerEvent: main.load.bytes / main.load.accepted,
  };
}

/** Half of what it can take, by the clock, from enough connections that none is waited for. */
function halfLoadOf({ load }: Measured): Scenario {
  const ratePerSecond = MAIN.plan.requests / load.seconds / 2;
  const events = Math.round(ratePerSecond * HALF_LOAD_SECONDS) * MAIN.plan.eventsPerRequest;
  return scenario('50 a batch, half of the first row’s load', {
    events,
    each: MAIN.plan.eventsPerRequest,
    connections: 64,
    ratePerSecond,
    floor: 'p99 50 ms',
  });
}

function toRow({ load, cpu, walBytes }: Measured, copy: CopyRow): Omit<IngestRow, 'name' | 'floor'> {
  const events = load.accepted + load.duplicates;
  const perMillion = (seconds: number | null) => (seconds === null ? null : (seconds / events) * 1e6);
  return {
    events,
    eventsPerSecond: events / load.seconds,
    ofCopy: events / load.seconds / copy.rowsPerSecond,
    ackMs: load.ackMs,
    cpuPerMillion: {
      collector: perMillion(cpu.collector),
      postgres: perMillion(cpu.postgres),
      generator: (cpu.generator / events) * 1e6,
    },
    walBytesPerEvent: walBytes / events,
  };
}

async function readSettings(admin: pg.Client): Promise<IngestResult['postgres']> {
  const { rows } = await admin.query<IngestResult['postgres']>(
    `select current_setting('server_version') as version, current_setting('fsync') as fsync,
            current_setting('synchronous_commit') as "synchronousCommit"`,
  );
  return rows[0]!;
}

/** Partitions are counted with the table that they are of. */
async function readDisk(admin: pg.Client): Promise<IngestResult['diskBytesPerEvent']> {
  const { rows } = await admin.query<{ name: string; bytes: string; events: string }>(
    `select coalesce(i.inhparent::regclass, c.oid::regclass)::text as name, sum(pg_total_relation_size(c.oid)) as bytes,
            (select count(*) from event) as events
     from pg_class c left join pg_inherits i on i.inhrelid = c.oid
     where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
     group by 1 order by 2 desc`,
  );
  const perEvent = rows.map(({ name, bytes, events }) => [name, Number(bytes) / Number(events)] as const);
  const total = perEvent.reduce((sum, [, bytes]) => sum + bytes, 0);
  return { total, tables: Object.fromEntries(perEvent.filter(([, bytes]) => bytes > total / 1000)) };
}

/** Figures of a run that lost or doubled something say nothing. */
async function checkCounts(admin: pg.Client, accepted: number): Promise<void> {
  const { rows } = await admin.query<{ name: string; count: string }>(
    `select 'event' as name, count(*) as count from event
     union all select 'event_key', count(*) from event_key
     union all select 'profile_part', sum(event_count) from profile_part`,
  );
  for (const { name, count } of rows) {
    if (Number(count) !== accepted)
      throw new Error(`${accepted} events were accepted, ${name} holds ${count}.`);
  }
}

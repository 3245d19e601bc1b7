/** Ingest from end to end: HTTP, a collector's process, Postgres that syncs to disk; and beside it COPY. */
import { join } from 'node:path';
import pg from 'pg';
import { openEmbeddedPostgres } from '../src/embedded/embedded-postgres';
import { readPostmasterFile } from '../src/embedded/server-process';
import {
  makeDataFolder,
  startCollector,
  type StartedCollector,
  THROUGHLINE,
} from '../test/support/collector';
import type { CleanUp } from './clean-up';
import { copyIn, copyOut } from './copy';
import { cpuSecondsOf, cpuSecondsOfFamily } from './cpu-time';
import type { LoadPlan, LoadResult } from './load-contract';
import { startLoadGenerator } from './load-generator';
import { median } from './median';

export interface IngestOptions {
  readonly cleanUp: CleanUp;
  /** Says what is going on. */
  readonly note: (sentence: string) => void;
  /** Where the collector writes a CPU profile of itself when it ends. */
  readonly cpuProfileFolder: string | undefined;
}

/** Processor seconds; null where the system does not tell. */
export interface Cpu {
  readonly collector: number | null;
  readonly postgres: number | null;
  readonly generator: number;
}

export interface IngestRow {
  readonly name: 'batches' | 'halfLoad' | 'duplicates' | 'singles';
  readonly events: number;
  readonly eventsPerSecond: number;
  /** Events a second as a share of COPY's rows a second. */
  readonly ofCopy: number;
  readonly ackMs: LoadResult['ackMs'];
  readonly cpuPerMillion: Cpu;
  readonly walBytesPerEvent: number;
}

export interface CopyRow {
  readonly rows: number;
  /** The median of {@link COPY_ROUNDS}. */
  readonly rowsPerSecond: number;
  readonly postgresCpuPerMillion: number | null;
  readonly walBytesPerRow: number;
  readonly bytesPerRow: number;
}

export interface IngestResult {
  readonly postgres: { readonly version: string; readonly fsync: string; readonly synchronousCommit: string };
  readonly rows: readonly IngestRow[];
  readonly copy: CopyRow;
  /** After the batches, by table, indexes included; what a thousandth of the whole does not reach is left out. */
  readonly diskBytesPerEvent: { readonly total: number; readonly tables: Readonly<Record<string, number>> };
  readonly requestBytesPerEvent: number;
}

const EVENTS_PER_BATCH = 50;
const WARM_UP_BATCHES = 400;
const BATCHES = 4_000;
const HALF_LOAD_SECONDS = 6;
const SINGLES = 25_000;
const COPY_ROUNDS = 3;
const COPY_CHUNK_BYTES = 64 * 1024;

const batchPlan = { requests: BATCHES, eventsPerRequest: EVENTS_PER_BATCH, connections: 16, isRepeat: false };
const singlePlan = { requests: SINGLES, eventsPerRequest: 1, connections: 128, isRepeat: false };

export async function measureIngest(options: IngestOptions): Promise<IngestResult> {
  const { cleanUp, note } = options;
  const bench = await openBench(options);
  const { admin } = bench;
  note('Warming up');
  await bench.run({ ...batchPlan, requests: WARM_UP_BATCHES });
  note(`${EVENTS_PER_BATCH} events a batch`);
  const batches = await bench.run(batchPlan);
  const disk = await readDisk(admin);
  note('COPY of the same rows');
  const copy = await measureCopy(bench);
  note('The same batches again');
  const duplicates = await bench.run({ ...batchPlan, isRepeat: true });
  note('Half of that load, by the clock');
  const halfRate = batchPlan.requests / batches.load.seconds / 2;
  const halfLoad = await bench.run({
    ...batchPlan,
    requests: Math.round(halfRate * HALF_LOAD_SECONDS),
    connections: 64,
    ratePerSecond: halfRate,
  });
  note('One event a request');
  const singles = await bench.run(singlePlan);
  await checkCounts(admin, bench.accepted());
  const [settings] = (
    await admin.query<{ version: string; fsync: string; synchronousCommit: string }>(
      `select current_setting('server_version') as version, current_setting('fsync') as fsync,
              current_setting('synchronous_commit') as "synchronousCommit"`,
    )
  ).rows;
  await cleanUp.run();
  const toRow = (name: IngestRow['name'], { load, cpu, walBytes }: Measured): IngestRow => {
    const events = load.accepted + load.duplicates;
    const perMillion = (seconds: number | null) => (seconds === null ? null : (seconds / events) * 1e6);
    return {
      name,
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
  };
  return {
    postgres: settings!,
    rows: [
      toRow('batches', batches),
      toRow('halfLoad', halfLoad),
      toRow('duplicates', duplicates),
      toRow('singles', singles),
    ],
    copy,
    diskBytesPerEvent: disk,
    requestBytesPerEvent: batches.load.bytes / batches.load.accepted,
  };
}

interface Measured {
  readonly load: LoadResult;
  readonly cpu: Cpu;
  readonly walBytes: number;
}

interface Bench {
  /** A superuser in the collector's database. */
  readonly admin: pg.Client;
  readonly postmasterPid: number;
  readonly run: (
    plan: Omit<LoadPlan, 'origin' | 'writeKey' | 'ratePerSecond'> & { readonly ratePerSecond?: number },
  ) => Promise<Measured>;
  /** Events that the collector has taken so far. */
  readonly accepted: () => number;
}

/** Everything but the collector is ours, so that each one's processor time can be told apart. */
async function openBench({ cleanUp, cpuProfileFolder }: IngestOptions): Promise<Bench> {
  const folder = makeDataFolder();
  cleanUp.add(folder.remove);
  // With the settings of `npm start`.
  const opening = openEmbeddedPostgres({
    folder: join(folder.path, 'data'),
    isConfigured: true,
    onNotice: (sentence) => console.error(sentence),
    onProblem: (sentence) => console.error(sentence),
  });
  // Known to the clean-up before it is there: an interrupted start is waited for and undone.
  cleanUp.add(() => opening.then((opened) => opened.close(), ignore));
  const postgres = await opening;
  const profile = cpuProfileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${cpuProfileFolder}`];
  const starting = startCollector({
    env: { ...settingsToTry(), DATABASE_URL: postgres.url },
    command: [...profile, THROUGHLINE, 'start'],
  });
  cleanUp.add(() => starting.then((started) => started.stop(), ignore).then(ignore));
  const collector = await starting;
  const adminUrl = new URL(postgres.adminUrl);
  adminUrl.pathname = new URL(postgres.url).pathname;
  const admin = new pg.Client(adminUrl.href);
  await admin.connect();
  cleanUp.add(() => admin.end());
  const postmasterPid = Number(readPostmasterFile(join(postgres.folder, 'postgres'))[0]);
  return { admin, postmasterPid, ...openLoad({ cleanUp, collector, admin, postmasterPid }) };
}

const ignore = (): void => undefined;

/** Settings of the collector that the environment names are tried; where its data lie is ours to say. */
function settingsToTry(): Record<string, string> {
  const ours = Object.entries(process.env).filter(
    ([name]) => name.startsWith('THROUGHLINE_') && name !== 'THROUGHLINE_DATA_DIR',
  );
  return Object.fromEntries(ours) as Record<string, string>;
}

function openLoad(around: {
  readonly cleanUp: CleanUp;
  readonly collector: StartedCollector;
  readonly admin: pg.Client;
  readonly postmasterPid: number;
}): Pick<Bench, 'run' | 'accepted'> {
  const { collector, admin, postmasterPid } = around;
  const generator = startLoadGenerator(around.cleanUp);
  let accepted = 0;
  return {
    accepted: () => accepted,
    async run(plan) {
      const { url: origin, writeKey } = collector;
      await generator.prepare({ ratePerSecond: null, ...plan, origin, writeKey });
      const before = { collector: cpuSecondsOf(collector.pid), postgres: cpuSecondsOfFamily(postmasterPid) };
      const walBefore = await readWalPosition(admin);
      const load = await generator.send();
      const cpu = {
        collector: difference(cpuSecondsOf(collector.pid), before.collector),
        postgres: difference(cpuSecondsOfFamily(postmasterPid), before.postgres),
        generator: load.cpuSeconds,
      };
      accepted += load.accepted;
      return { load, cpu, walBytes: (await readWalPosition(admin)) - walBefore };
    },
  };
}

function difference(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : after - before;
}

async function readWalPosition(admin: pg.Client): Promise<number> {
  const { rows } = await admin.query<{ bytes: string }>(
    `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as bytes`,
  );
  return Number(rows[0]!.bytes);
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

/** A bare table with the timeline's index and nothing else; one connection, one statement. */
async function measureCopy({ admin, postmasterPid }: Bench): Promise<CopyRow> {
  const lines = await copyOut(admin, 'copy (select * from event) to stdout');
  const chunks = joinChunks(lines);
  const rounds: { seconds: number; cpu: number | null; walBytes: number; tableBytes: number }[] = [];
  for (let round = 0; round < COPY_ROUNDS; round += 1) {
    await admin.query('create table bare_event (like event)');
    await admin.query('create index on bare_event (workspace_id, subject_id, occurred_at, message_id)');
    const cpuBefore = cpuSecondsOfFamily(postmasterPid);
    const walBefore = await readWalPosition(admin);
    const begun = performance.now();
    await copyIn(admin, 'copy bare_event from stdin', chunks);
    const seconds = (performance.now() - begun) / 1000;
    const cpu = difference(cpuSecondsOfFamily(postmasterPid), cpuBefore);
    const walBytes = (await readWalPosition(admin)) - walBefore;
    const { rows } = await admin.query<{ bytes: string; count: string }>(
      `select pg_total_relation_size('bare_event') as bytes, count(*) as count from bare_event`,
    );
    if (Number(rows[0]!.count) !== lines.length) throw new Error('COPY did not store every row.');
    rounds.push({ seconds, cpu, walBytes, tableBytes: Number(rows[0]!.bytes) });
    await admin.query('drop table bare_event');
  }
  const middle = median(rounds.map(({ seconds }) => seconds));
  const { cpu, walBytes, tableBytes } = rounds.find(({ seconds }) => seconds === middle)!;
  return {
    rows: lines.length,
    rowsPerSecond: lines.length / middle,
    postgresCpuPerMillion: cpu === null ? null : (cpu / lines.length) * 1e6,
    walBytesPerRow: walBytes / lines.length,
    bytesPerRow: tableBytes / lines.length,
  };
}

/** A message a row, as COPY says them, would cost the sender more than Postgres. */
function joinChunks(lines: readonly Buffer[]): Buffer[] {
  const chunks: Buffer[] = [];
  let waiting: Buffer[] = [];
  let bytes = 0;
  for (const line of lines) {
    waiting.push(line);
    bytes += line.length;
    if (bytes < COPY_CHUNK_BYTES) continue;
    chunks.push(Buffer.concat(waiting));
    waiting = [];
    bytes = 0;
  }
  return [...chunks, Buffer.concat(waiting)];
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

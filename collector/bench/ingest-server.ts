/** What ingest is measured on: a Postgres, a collector and a load generator, each a process of its own. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { openEmbeddedPostgres } from '../src/embedded/embedded-postgres';
import { readPostmasterFile } from '../src/embedded/server-process';
import { machineBinaries } from '../test/support/machine-binaries';
import { makeDataFolder, startCollector, THROUGHLINE } from '../test/support/collector';
import type { CleanUp } from './clean-up';
import { cpuSecondsOf, cpuSecondsOfFamily } from './cpu-time';
import type { LoadPlan, LoadResult } from './load-contract';
import { startLoadGenerator } from './load-generator';
import { readWalPosition } from './wal';

export interface IngestOptions {
  readonly cleanUp: CleanUp;
  /** Says what is going on. */
  readonly note: (sentence: string) => void;
  /** The rows that have a floor, and no others. */
  readonly isQuick: boolean;
  /** Where the collector writes a CPU profile of itself when it ends. */
  readonly cpuProfileFolder: string | undefined;
}

export interface Measured {
  readonly load: LoadResult;
  /** Processor seconds; null where the system does not tell. */
  readonly cpu: {
    readonly collector: number | null;
    readonly postgres: number | null;
    readonly generator: number;
  };
  readonly walBytes: number;
}

export type Plan = Omit<LoadPlan, 'origin' | 'writeKey'>;

export interface IngestServer {
  /** A superuser in the collector's database. */
  readonly admin: pg.Client;
  readonly postmasterPid: number;
  readonly run: (plan: Plan) => Promise<Measured>;
  /** The same against the HTTP side alone: nothing is stored. */
  readonly runWithoutDatabase: (plan: Plan) => Promise<Measured>;
  /** Events that the collector has taken so far. */
  readonly accepted: () => number;
  /** Adds an audience that follows the events from now on. */
  readonly addAudience: (name: string, rule: object) => Promise<void>;
}

export async function openIngestServer({ cleanUp, cpuProfileFolder }: IngestOptions): Promise<IngestServer> {
  const folder = makeDataFolder();
  cleanUp.add(folder.remove);
  // With the settings of `npm start`.
  const opening = openEmbeddedPostgres({
    folder: join(folder.path, 'data'),
    isConfigured: true,
    onNotice: (sentence) => console.error(sentence),
    onProblem: (sentence) => console.error(sentence),
    ...machineBinaries(),
  });
  // Known to the clean-up before it is there: an interrupted start is waited for and undone.
  cleanUp.add(() => opening.then((opened) => opened.close(), ignore));
  const postgres = await opening;
  const profile = cpuProfileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${cpuProfileFolder}`];
  const starting = startCollector({
    // As it is deployed: without the demo, whose audience would be followed. Requests are not logged, as by `npm start`.
    env: {
      ...{ NODE_ENV: 'production', THROUGHLINE_LOG_LEVEL: 'warn' },
      ...settingsToTry(),
      DATABASE_URL: postgres.url,
    },
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
  const load = createLoad({ cleanUp, admin, postmasterPid, writeKey: collector.writeKey });
  let accepted = 0;
  return {
    admin,
    postmasterPid,
    accepted: () => accepted,
    async addAudience(name, rule) {
      const response = await fetch(`${collector.url}/v1/audiences`, {
        method: 'POST',
        headers: { authorization: `Bearer ${collector.secretKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name, rule }),
      });
      if (!response.ok) throw new Error(`No audience: ${response.status} ${await response.text()}`);
    },
    async run(plan) {
      const measured = await load(plan, { origin: collector.url, pid: collector.pid });
      accepted += measured.load.accepted;
      return measured;
    },
    async runWithoutDatabase(plan) {
      const route = await startRouteOnly(postgres.url, cleanUp);
      const measured = await load(plan, route);
      await route.stop();
      return measured;
    },
  };
}

const ignore = (): void => undefined;

/** Where its data lie, and which Postgres it is, are ours to say. */
const NOT_TRIED = ['THROUGHLINE_DATA_DIR', 'THROUGHLINE_TEST_PG_BIN'];

/** Settings of the collector that the environment names are tried. */
function settingsToTry(): Record<string, string> {
  const ours = Object.entries(process.env).filter(
    ([name]) => name.startsWith('THROUGHLINE_') && !NOT_TRIED.includes(name),
  );
  return Object.fromEntries(ours) as Record<string, string>;
}

interface RouteOnly {
  readonly origin: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

async function startRouteOnly(databaseUrl: string, cleanUp: CleanUp): Promise<RouteOnly> {
  const child = fork(fileURLToPath(import.meta.resolve('./route-only.ts')), {
    env: { ...process.env, DATABASE_URL: databaseUrl },
  });
  const stop = cleanUp.add(() => void child.kill('SIGKILL'));
  const { url } = await new Promise<{ url: string }>((resolve, reject) => {
    child.once('message', (message) => resolve(message as { url: string }));
    child.once('exit', () => reject(new Error('The HTTP side ended before it listened.')));
  });
  return { origin: url, pid: child.pid!, stop };
}

function createLoad(around: {
  readonly cleanUp: CleanUp;
  readonly admin: pg.Client;
  readonly postmasterPid: number;
  readonly writeKey: string;
}): (plan: Plan, target: { readonly origin: string; readonly pid: number }) => Promise<Measured> {
  const { admin, postmasterPid, writeKey } = around;
  const generator = startLoadGenerator(around.cleanUp);
  return async (plan, { origin, pid }) => {
    await generator.prepare({ ...plan, origin, writeKey });
    const before = { collector: cpuSecondsOf(pid), postgres: cpuSecondsOfFamily(postmasterPid) };
    const walBefore = await readWalPosition(admin);
    const load = await generator.send();
    const cpu = {
      collector: difference(cpuSecondsOf(pid), before.collector),
      postgres: difference(cpuSecondsOfFamily(postmasterPid), before.postgres),
      generator: load.cpuSeconds,
    };
    return { load, cpu, walBytes: (await readWalPosition(admin)) - walBefore };
  };
}

function difference(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : after - before;
}

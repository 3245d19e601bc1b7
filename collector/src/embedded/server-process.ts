/** One run of the Postgres server: spawned, ready, stopped. Its output goes to a file, which outlives us as it may. */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  fchownSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Places } from './places';
import { asUser } from './server-user';
import { watchParent } from './watchdog';

/** How to stop: fast waits for nobody and writes everything down; immediate leaves that to the next start. */
export type StopMode = 'fast' | 'immediate';

export interface ServerProcess {
  readonly pid: number;
  /** Settles when the process has ended, however. */
  readonly ended: Promise<void>;
  readonly stop: (mode: StopMode) => Promise<void>;
}

/** It ended before it was ready; `output` is what it said. */
export interface FailedStart {
  readonly failed: true;
  readonly output: string;
}

export interface ServerOptions {
  readonly port: number;
  readonly settings: Readonly<Record<string, string>>;
  /** Gives the start up: the server is stopped, and the start has failed. */
  readonly signal: AbortSignal;
}

const POLL_MS = 10;
const LOG_BYTES_KEPT = 5_000_000;
const FAST_STOP_MS = 30_000;
const IMMEDIATE_STOP_MS = 5_000;
const ERROR_BYTES = 4_000;
/** pid, data directory, start, port, socket directory, address, shared memory, status. */
const STATUS_LINE = 7;

/** Of the environment only what finds programs and libraries: PG… variables and our secrets are not its business. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const passed = ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'TMPDIR'];
  const kept = passed.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return { ...(Object.fromEntries(kept) as NodeJS.ProcessEnv), LC_ALL: 'C', TZ: 'UTC' };
}

/** Ready when it resolves to a ServerProcess, after recovery, which may take a while after a crash. */
export async function startServer(
  places: Places,
  options: ServerOptions,
): Promise<ServerProcess | FailedStart> {
  const { folder, pgData } = places;
  const log = openLog(folder);
  const logStart = fstatSync(log).size;
  const child = spawnServer(places, options, log);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  let hasEnded = false;
  void exited.then(() => (hasEnded = true));
  let spawnError = '';
  child.once('error', (error) => (spawnError = error.message));

  const { pid } = child;
  if (pid === undefined) {
    await exited;
    closeSync(log);
    return { failed: true, output: spawnError };
  }
  const dismissWatch = watchParent(pid, places.user);
  const ended = exited.then(dismissWatch);
  while (!hasEnded && !options.signal.aborted && !isReady(pgData, pid)) await wait(POLL_MS);
  if (options.signal.aborted) await stop(child, ended, 'fast');
  const output = hasEnded ? readFrom(log, logStart) : '';
  closeSync(log);
  if (hasEnded) return { failed: true, output };
  return { pid, ended, stop: (mode) => stop(child, ended, mode) };
}

function spawnServer(
  { binaries, folder, pgData, user }: Places,
  options: ServerOptions,
  log: number,
): ChildProcess {
  const settings = Object.entries({
    listen_addresses: '127.0.0.1',
    port: String(options.port),
    unix_socket_directories: '',
    ...options.settings,
  });
  const flags = settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return spawn(binaries.postgres, ['-D', pgData, ...flags], {
    cwd: folder,
    env: serverEnvironment(),
    stdio: ['ignore', log, log],
    // Its own process group: the terminal's Ctrl-C is for us, who stop Postgres last.
    detached: true,
    ...asUser(user),
  });
}

/** What pg_ctl looks at: the server itself writes there that it accepts connections. */
function isReady(pgData: string, pid: number): boolean {
  const lines = readPostmasterFile(pgData);
  return lines[0] === String(pid) && (lines[STATUS_LINE] ?? '').trim() === 'ready';
}

/** The lines of postmaster.pid; none when there is no such file. */
export function readPostmasterFile(pgData: string): readonly string[] {
  try {
    return readFileSync(join(pgData, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    // Not written yet, or removed by an orderly stop.
    return [];
  }
}

async function stop(child: ChildProcess, ended: Promise<void>, mode: StopMode): Promise<void> {
  // https://www.postgresql.org/docs/current/server-shutdown.html
  const escalation: readonly (readonly [NodeJS.Signals, number])[] = [
    ...(mode === 'fast' ? [['SIGINT', FAST_STOP_MS] as const] : []),
    ['SIGQUIT', IMMEDIATE_STOP_MS],
    ['SIGKILL', IMMEDIATE_STOP_MS],
  ];
  for (const [signal, patienceMs] of escalation) {
    child.kill(signal);
    const patience = new AbortController();
    const isOver = await Promise.race([
      ended.then(() => true),
      wait(patienceMs, false, { signal: patience.signal }).catch(() => false),
    ]);
    patience.abort();
    if (isOver) return;
  }
}

function openLog(folder: string): number {
  const path = join(folder, 'postgres.log');
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_BYTES_KEPT) rmSync(path, { force: true });
  const log = openSync(path, 'a+', 0o600);
  // Root may start what an ordinary user will start the next time.
  const { uid, gid } = statSync(folder);
  if (process.getuid?.() === 0) fchownSync(log, uid, gid);
  return log;
}

function readFrom(log: number, start: number): string {
  const buffer = Buffer.alloc(ERROR_BYTES);
  const from = Math.max(start, fstatSync(log).size - ERROR_BYTES);
  return buffer.toString('utf8', 0, readSync(log, buffer, 0, ERROR_BYTES, from)).trim();
}

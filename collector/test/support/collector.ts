/** Starts real collectors: the built command in a process of its own, on an ephemeral port. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface StartedCollector {
  /** Origin, e.g. http://127.0.0.1:40123 */
  readonly url: string;
  readonly writeKey: string;
  /** null when this start did not make it. */
  readonly secretKey: string | null;
  /** Signs in once. */
  readonly consoleLink: string;
  readonly pid: number;
  /** What it has printed so far, both streams. */
  readonly output: () => string;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Its exit code (null: a signal ended it), when it ends. */
  readonly ended: Promise<number | null>;
  /** SIGTERM, and waits for the end. Nothing happens to one that has ended. */
  readonly stop: () => Promise<number | null>;
}

export interface StartOptions {
  /** On top of PORT=0; DATABASE_URL or THROUGHLINE_DATA_DIR say where the data are. */
  readonly env: Readonly<Record<string, string>>;
  /** Arguments of node. @default the command `throughline start` */
  readonly command?: readonly string[];
  readonly cwd?: string;
  /** What is piped in. @default nothing */
  readonly input?: string;
}

export interface FinishedRun {
  readonly code: number | null;
  readonly output: string;
}

const BIN = join(import.meta.dirname, '..', '..', 'bin');
export const THROUGHLINE = join(BIN, 'throughline.mjs');
const LAST_LINE_OF_BLOCK = /curl .*\n/;

/** Resolves when it has printed its block; rejects with its output when it ends before. */
export async function startCollector(options: StartOptions): Promise<StartedCollector> {
  const run = spawnCommand(options, options.command ?? [THROUGHLINE, 'start']);
  await Promise.race([run.hasPrinted(LAST_LINE_OF_BLOCK), run.ended]);
  const output = run.output();
  if (!LAST_LINE_OF_BLOCK.test(output)) throw new Error(`The collector did not start:\n${output}`);
  const find = (pattern: RegExp): string => {
    const found = pattern.exec(output)?.[1];
    if (found === undefined) throw new Error(`The start did not print ${String(pattern)}:\n${output}`);
    return found;
  };
  const consoleLink = find(/Console\s+(\S+)/);
  return {
    url: new URL(consoleLink).origin,
    writeKey: find(/Write key\s+(\S+)/),
    secretKey: /Secret key\s+(sk_\S+)/.exec(output)?.[1] ?? null,
    consoleLink,
    pid: run.child.pid!,
    output: run.output,
    kill: (signal) => void run.child.kill(signal),
    ended: run.ended,
    stop: () => {
      run.child.kill('SIGTERM');
      return run.ended;
    },
  };
}

/** Runs a command that is expected to end by itself. */
export async function runCommand(args: readonly string[], options: StartOptions): Promise<FinishedRun> {
  const run = spawnCommand(options, args);
  return { code: await run.ended, output: run.output() };
}

/** A folder for data that the user who runs Postgres may pass through. */
export function makeDataFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'throughline-collector-'));
  chmodSync(path, 0o711);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

interface SpawnedCommand {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
  readonly hasPrinted: (pattern: RegExp) => Promise<void>;
}

function spawnCommand({ env, cwd, input }: StartOptions, args: readonly string[]): SpawnedCommand {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, PORT: '0', ...env },
    // Away from a .env file of the repository.
    cwd: cwd ?? tmpdir(),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input ?? '');
  let output = '';
  const collect = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const hasPrinted = (pattern: RegExp): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!pattern.test(output)) return;
        // What is said later may be much, and each look reads all of it.
        child.stdout.off('data', look);
        child.stderr.off('data', look);
        resolve();
      };
      child.stdout.on('data', look);
      child.stderr.on('data', look);
    });
  return { child, output: () => output, ended, hasPrinted };
}

/** How long `npm start` takes until it has printed where everything is. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { readEnvironment } from '../src/environment';
import { FOLDERS } from '../src/folders';
import { makeDataFolder } from '../test/support/collector';
import type { CleanUp } from './clean-up';
import { median } from './median';
import { fixed, type Table } from './table';

const ROOT = join(FOLDERS.migrations, '..');
const ROUNDS = 3;
const LAST_LINE_OF_BLOCK = /curl .*\n/;
const BUDGET = { cold: { floor: 10, goal: 5 }, warm: { floor: null, goal: 1.5 } } as const;

export interface StartTimes {
  /** Seconds of each round. Cold has an empty data folder, warm the one of a start before. */
  readonly cold: readonly number[];
  readonly warm: readonly number[];
}

export async function measureStart(cleanUp: CleanUp): Promise<StartTimes> {
  if (readEnvironment(ROOT)['DATABASE_URL'] !== undefined) {
    throw new Error('A start is measured with the built-in Postgres: take DATABASE_URL out of .env for it.');
  }
  const cold: number[] = [];
  const warm: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const folder = makeDataFolder();
    const remove = cleanUp.add(folder.remove);
    cold.push(await timeStart(join(folder.path, 'data'), cleanUp));
    warm.push(await timeStart(join(folder.path, 'data'), cleanUp));
    await remove();
  }
  return { cold, warm };
}

async function timeStart(dataFolder: string, cleanUp: CleanUp): Promise<number> {
  const begun = performance.now();
  const child = spawn('npm', ['start'], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      PORT: '0',
      THROUGHLINE_DATA_DIR: dataFolder,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that a signal reaches npm, its shell and the collector.
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = cleanUp.add(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGTERM');
    await ended;
  });
  let output = '';
  const seconds = await new Promise<number>((resolve, reject) => {
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
      if (LAST_LINE_OF_BLOCK.test(output)) resolve((performance.now() - begun) / 1000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    void ended.then(() => reject(new Error(`npm start ended before it had started:\n${output}`)));
  });
  await stop();
  return seconds;
}

export function tabulateStart(times: StartTimes): Table {
  return {
    title: 'npm start until its block is printed, seconds, everything built',
    columns: ['', 'median', 'fastest', 'slowest', 'floor', 'goal'],
    rows: (['cold', 'warm'] as const).map((kind) => [
      kind === 'cold' ? 'cold (empty data folder)' : 'warm',
      fixed(median(times[kind]), 2),
      fixed(Math.min(...times[kind]), 2),
      fixed(Math.max(...times[kind]), 2),
      fixed(BUDGET[kind].floor, 1),
      fixed(BUDGET[kind].goal, 1),
    ]),
  };
}

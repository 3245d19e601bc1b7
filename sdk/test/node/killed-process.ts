import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { NodeTrackerOptions } from '../../src/node/tracker';

const WRITER = fileURLToPath(new URL('writer.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** A process that has recorded events and is still alive. */
export interface Writer {
  /** The messageIds. */
  readonly recorded: readonly string[];
  /** Its exit code, when it has ended. */
  readonly ended: Promise<number | null>;
  /** kill -9, and waits until it is gone. */
  kill(): Promise<void>;
}

export async function startWriter(options: NodeTrackerOptions, count: number): Promise<Writer> {
  const args = ['--import', 'tsx', WRITER, JSON.stringify(options), String(count)];
  // Where tsx is found.
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', () => reject(new Error('The writer ended before it had recorded anything.')));
  });
  return {
    recorded: Array.from({ length: count }, (_, n) => `${child.pid}-${n}`),
    ended,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

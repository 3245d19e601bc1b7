/** A Postgres whose collector was killed: found by its pid file, stopped in order, so that a new one can start. */
import { setTimeout as wait } from 'node:timers/promises';
import { isPostmasterOf } from './process-identity';
import { readPostmasterFile } from './server-process';

const POLL_MS = 20;
const ESCALATION: readonly (readonly [NodeJS.Signals, number])[] = [
  ['SIGINT', 30_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
];

/** Only for who holds the folder's lock. Whether there was one. */
export async function stopOrphan(pgData: string): Promise<boolean> {
  const pid = Number(readPostmasterFile(pgData)[0] ?? 0);
  if (!(pid > 1) || !isPostmasterOf(pid, pgData)) return false;
  for (const [signal, patienceMs] of ESCALATION) {
    if (await isGoneAfter(signal, { pid, pgData, patienceMs })) return true;
  }
  return true;
}

async function isGoneAfter(
  signal: NodeJS.Signals,
  { pid, pgData, patienceMs }: { pid: number; pgData: string; patienceMs: number },
): Promise<boolean> {
  try {
    process.kill(pid, signal);
  } catch {
    // It went by itself between the look and the signal.
  }
  const deadline = performance.now() + patienceMs;
  while (isPostmasterOf(pid, pgData)) {
    if (performance.now() > deadline) return false;
    await wait(POLL_MS);
  }
  return true;
}

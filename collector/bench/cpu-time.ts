/** Processor time of other processes, from Linux' /proc; elsewhere unknown. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Fields of proc(5)'s stat, counted from the state, which is the first after the program's name. */
const PARENT = 1;
const OWN = [11, 12] as const;
/** Of children that have ended and were waited for. */
const ENDED_CHILDREN = [13, 14] as const;

/** Seconds that the process has used so far, all threads; null where the system does not say. */
export function cpuSecondsOf(pid: number): number | null {
  const stat = readStat(pid);
  return stat === undefined ? null : sum(stat, OWN) / ticksPerSecond();
}

/** Seconds that the process and its children, ended ones included, have used so far; null where unknown. */
export function cpuSecondsOfFamily(pid: number): number | null {
  const parent = readStat(pid);
  if (parent === undefined) return null;
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined && stat[PARENT] === String(pid));
  const ticks =
    sum(parent, OWN) +
    sum(parent, ENDED_CHILDREN) +
    children.reduce((total, child) => total + sum(child!, OWN), 0);
  return ticks / ticksPerSecond();
}

function readStat(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name may itself hold spaces and parentheses.
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    // It has ended meanwhile, or there is no /proc.
    return undefined;
  }
}

function sum(stat: readonly string[], fields: readonly number[]): number {
  return fields.reduce((total, field) => total + Number(stat[field]), 0);
}

let ticks: number | undefined;
function ticksPerSecond(): number {
  ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return ticks;
}

/** Tells one process from a later one with the same number. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename } from 'node:path';

/** Where process numbers mean the same: one boot of one machine, one container of it. */
export function processPlace(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    // No Linux /proc: then there are no containers to tell apart either.
    return hostname();
  }
}

/** When the process started, in whatever unit the system counts; undefined when there is no such process. */
export function processStart(pid: number): string | undefined {
  try {
    return process.platform === 'linux' ? linuxStart(pid) : psField(pid, 'lstart');
  } catch {
    return undefined;
  }
}

/** Whether that process is the Postgres server (not a zombie of it) whose data directory is `pgData`. */
export function isPostmasterOf(pid: number, pgData: string): boolean {
  try {
    if (process.platform !== 'linux') return psField(pid, 'command')?.includes(pgData) ?? false;
    // A server's working directory is its data directory, also after that has been moved.
    const [program] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const its = statSync(`/proc/${pid}/cwd`);
    const ours = statSync(pgData);
    return basename(program ?? '') === 'postgres' && its.dev === ours.dev && its.ino === ours.ino;
  } catch {
    return false;
  }
}

/** Field 22 of proc(5)'s stat; the second field, the program's name, may itself hold spaces and parentheses. */
function linuxStart(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' ? undefined : rest[18];
}

function psField(pid: number, field: string): string | undefined {
  const text = execFileSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).trim();
  return text === '' ? undefined : text;
}

/** What runs on this machine, as `ps` says. */
import { execFileSync } from 'node:child_process';
import { processStart } from '../../src/embedded/process-identity';

export interface RunningProcess {
  readonly pid: number;
  readonly command: string;
  /** False from its end on, also when its number belongs to another one then. */
  readonly isRunning: () => boolean;
}

/** All processes below that one, children and theirs. */
export function processesBelow(pid: number): readonly RunningProcess[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n');
  const all = lines.map((line) => {
    const [, child, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return { pid: Number(child), parent: Number(parent), command: command ?? '' };
  });
  const below = (parent: number): typeof all =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)]);
  return below(pid).flatMap(({ pid: found, command }) => {
    const start = processStart(found);
    if (start === undefined) return [];
    return [{ pid: found, command, isRunning: () => processStart(found) === start }];
  });
}

/** Memory of other processes, from Linux' /proc; elsewhere unknown. */
import { readFileSync, writeFileSync } from 'node:fs';

const KIBIBYTE = 1024;
/** https://www.kernel.org/doc/html/latest/filesystems/proc.html, clear_refs: the peak becomes what it holds now. */
const FORGET_PEAK = '5';

/** What the process holds now, in bytes, which is its peak from here on; null where the system does not tell. */
export function resetPeakMemory(pid: number): number | null {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, FORGET_PEAK);
  } catch {
    // No /proc, or not ours.
    return null;
  }
  return peakMemoryOf(pid);
}

/** The most that the process has held, in bytes. */
export function peakMemoryOf(pid: number): number | null {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kibibytes === undefined ? null : Number(kibibytes) * KIBIBYTE;
  } catch {
    return null;
  }
}

import type { WriteStream } from 'node:tty';
import { manifestPath } from '../core/warehouse-run';
import type { ExportProgress, FinishedRun } from '../export/run-export';

const EVERY_MS = 1_000;

/** A line that is written over on a terminal; where there is none, a line a second. */
export function startExportProgress(stream: WriteStream): {
  readonly update: (progress: ExportProgress) => void;
  readonly close: () => void;
} {
  let shownAt = -Infinity;
  return {
    update(progress) {
      const now = performance.now();
      if (now - shownAt < (stream.isTTY ? EVERY_MS / 10 : EVERY_MS)) return;
      shownAt = now;
      const line = showProgress(progress);
      stream.write(stream.isTTY ? `\r\u001B[2K${line}` : `${line}\n`);
    },
    close: () => void (stream.isTTY && stream.write('\r\u001B[2K')),
  };
}

/** How far a run is, in words. */
export function showProgress({ run, isResumed, step, rows, files, bytes }: ExportProgress): string {
  const what = step === 'settling' ? 'waiting for those who write events' : step.replace('_', ' ');
  const which = `Run ${run}${isResumed ? ', resumed' : ''}`;
  return `${which}: ${what}; ${showNumber(rows)} rows, ${showNumber(files)} files, ${showBytes(bytes)}`;
}

/** What a run came to, in words. */
export function showFinished({
  manifest,
  isResumed,
  target,
}: FinishedRun & { readonly target: string }): string {
  const { run, files, rows, events } = manifest;
  const counts = Object.entries(rows).map(
    ([table, count]) => `${showNumber(count)} ${table.replace('_', ' ')}`,
  );
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const window =
    events === null
      ? ''
      : `Events received ${events.from === null ? '' : `from ${events.from} `}until ${events.until}.\n`;
  return (
    `Done: run ${run}${isResumed ? ', which had broken off' : ''}, ${counts.join(', ')}; ` +
    `${showNumber(files.length)} files, ${showBytes(bytes)}.\n${window}${manifestPath(run)} in ${target} names the files.\n`
  );
}

const showNumber = (value: number): string => value.toLocaleString('en-US');

function showBytes(bytes: number): string {
  const [unit, size] =
    bytes < 1e6 ? (['kB', 1e3] as const) : bytes < 1e9 ? (['MB', 1e6] as const) : (['GB', 1e9] as const);
  return `${(bytes / size).toFixed(1)} ${unit}`;
}

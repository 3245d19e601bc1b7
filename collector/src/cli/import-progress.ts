import type { WriteStream } from 'node:tty';
import cliProgress from 'cli-progress';
import type { ImportCounts } from '../import/tally';

export interface Progress {
  readonly update: (counts: ImportCounts) => void;
  readonly close: () => void;
}

const BAR = '{bar} {percentage}% | {rate} events/s | {counts} | {eta_formatted} left';
/** Where nobody knows how much there is. */
const NO_BAR = '{duration_formatted} | {rate} events/s | {counts}';

/**
 * A bar on a terminal, and lines where there is none.
 *
 * @param bytes how large the file is, or null where nobody knows
 */
export function startProgress(stream: WriteStream, bytes: number | null): Progress {
  const startedAt = performance.now();
  const rateOf = ({ accepted, duplicates, rejected, suppressed = 0 }: ImportCounts): string => {
    const seconds = Math.max(performance.now() - startedAt, 1) / 1000;
    return showNumber(Math.round((accepted + duplicates + rejected + suppressed) / seconds));
  };
  if (!stream.isTTY) {
    return {
      update: (counts) => {
        const share = bytes === null || bytes === 0 ? '' : `${Math.floor((counts.bytes / bytes) * 100)}% `;
        stream.write(`${share}${showCounts(counts)}, ${rateOf(counts)} events/s\n`);
      },
      close: () => undefined,
    };
  }
  const bar = new cliProgress.SingleBar(
    {
      stream,
      format: bytes === null ? NO_BAR : BAR,
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: true,
      // Progress comes once in a second: between two of them the time goes on.
      etaAsynchronousUpdate: true,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(bytes ?? 0, 0, { rate: '0', counts: 'connecting' });
  return {
    update: (counts) => bar.update(counts.bytes, { rate: rateOf(counts), counts: showCounts(counts) }),
    close: () => bar.stop(),
  };
}

/** What became of the lines, in words. */
export function showCounts({ accepted, duplicates, rejected, suppressed = 0 }: ImportCounts): string {
  const [new_, again, bad] = [accepted, duplicates, rejected].map(showNumber);
  const kept = suppressed === 0 ? '' : `, ${showNumber(suppressed)} suppressed`;
  return `${new_} accepted, ${again} ${duplicates === 1 ? 'duplicate' : 'duplicates'}, ${bad} rejected${kept}`;
}

const showNumber = (value: number): string => value.toLocaleString('en-US');

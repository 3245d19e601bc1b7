import { PassThrough } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { describe, expect, it } from 'vitest';
import { showCounts, startProgress } from '../../src/cli/import-progress';

/** A terminal, or a file, that remembers what was written to it. */
function openScreen(isTTY: boolean): { stream: WriteStream; text: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 160, rows: 40 });
  return {
    stream: stream as unknown as WriteStream,
    text: () => (stream.read() as Buffer | null)?.toString() ?? '',
  };
}

const counts = { lines: 1_500, bytes: 250, accepted: 1_490, duplicates: 9, rejected: 1 };

describe('the progress of throughline import', () => {
  it('is a bar on a terminal: the share of the file, a rate, the counts, and how long it may take', () => {
    const { stream, text } = openScreen(true);
    const progress = startProgress(stream, 1_000);
    progress.update(counts);
    progress.close();
    const shown = text();
    expect(shown).toMatch(
      /█+░+ 25% \| [\d,]+ events\/s \| 1,490 accepted, 9 duplicates, 1 rejected \| .* left/,
    );
  });

  it('has no bar where nobody knows how much there is', () => {
    const { stream, text } = openScreen(true);
    const progress = startProgress(stream, null);
    progress.update(counts);
    progress.close();
    const shown = text();
    expect(shown).toMatch(/s \| [\d,]+ events\/s \| 1,490 accepted/);
    expect(shown).not.toContain('%');
  });

  it('is a line each time where there is no terminal', () => {
    const { stream, text } = openScreen(false);
    const progress = startProgress(stream, 1_000);
    progress.update(counts);
    progress.close();
    expect(text()).toMatch(/^25% 1,490 accepted, 9 duplicates, 1 rejected, [\d,]+ events\/s\n$/);
  });

  it('counts one duplicate as one', () => {
    expect(showCounts({ ...counts, duplicates: 1 })).toBe('1,490 accepted, 1 duplicate, 1 rejected');
  });
});

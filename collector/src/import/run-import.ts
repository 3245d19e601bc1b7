import { MAX_LINE_BYTES } from '../core/import-line';
import { createLineSplitter, type Line } from '../core/line-splitter';
import type { ImportBody } from './import-body';
import { addVerdicts, EMPTY_TALLY, type LineVerdict, type Tally } from './tally';

export interface ImportOptions {
  readonly body: ImportBody;
  /** Resolves when these lines are committed, with a verdict for each. */
  readonly write: (lines: readonly Line[], bytes: number) => Promise<readonly LineVerdict[]>;
  /** Called after each commit, in the order of the lines. */
  readonly onProgress: (tally: Tally) => void;
  /** Aborted here when a batch cannot be written: the body need not be waited for then. */
  readonly ending: AbortController;
}

/** A batch fills a group of writers (THROUGHLINE_GROUP_MAX_EVENTS) and no more: others wait for one commit, not many. */
const BATCH_LINES = 500;
/** Long lines make smaller batches; this many bytes, and as much again in flight, are what an import weighs. */
const BATCH_BYTES = 1024 * 1024;
/** One is written while the next is read; more would only take turns from live events. */
const BATCHES_IN_FLIGHT = 2;

/**
 * Reads a body to its end and writes its lines in batches. It stops reading while enough is being written, so that the
 * sender waits and memory stays flat.
 *
 * @throws what reading or writing threw, once nothing is being written any more
 */
export async function runImport({ body, write, onProgress, ending }: ImportOptions): Promise<Tally> {
  const splitter = createLineSplitter(MAX_LINE_BYTES);
  let batch: Line[] = [];
  let batchBytes = 0;
  let tally = EMPTY_TALLY;
  let counted = Promise.resolve();
  const inFlight: Promise<void>[] = [];

  const send = async (): Promise<void> => {
    const lines = splitter.count();
    const done = { lines: batch.at(-1)?.number ?? lines, bytes: body.usedBytes() };
    const written = write(batch, batchBytes);
    counted = Promise.all([written, counted]).then(([verdicts]) => {
      tally = addVerdicts(tally, { verdicts, ...done });
      onProgress(tally);
    });
    counted.catch((error: unknown) => ending.abort(error));
    const mine = counted;
    // It ends when its own lines are through, also where an earlier batch has failed.
    inFlight.push(Promise.allSettled([written]).then(() => mine));
    batch = [];
    batchBytes = 0;
    if (inFlight.length >= BATCHES_IN_FLIGHT) await inFlight.shift();
  };
  const take = async (lines: readonly Line[]): Promise<void> => {
    for (const line of lines) {
      batch.push(line);
      batchBytes += line.bytes.length;
      if (batch.length >= BATCH_LINES || batchBytes >= BATCH_BYTES) await send();
    }
  };

  try {
    for (let chunk = await body.read(); chunk !== null; chunk = await body.read()) {
      await take(splitter.push(chunk));
    }
    await take(splitter.end());
    if (batch.length > 0) await send();
    await counted;
  } finally {
    await Promise.allSettled(inFlight);
  }
  return { ...tally, counts: { ...tally.counts, lines: splitter.count(), bytes: body.usedBytes() } };
}

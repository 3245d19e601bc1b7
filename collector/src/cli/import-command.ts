/** `throughline import FILE`: sends a file of events to a collector, and shows how it goes. */
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { originOf } from '../banner';
import type { Config } from '../config';
import type { RejectedLine } from '../import/tally';
import { loadConfig } from '../main';
import { showCounts, startProgress } from './import-progress';
import { type ImportEnd, sendFile } from './send-file';

export const IMPORT_USAGE = `Usage: throughline import FILE [--host URL] [--key sk_…]

  FILE         Events as NDJSON, a line for each, gzipped or not; - reads what is piped in
  --host URL   The collector; else HOST and PORT of the settings say where it is
  --key KEY    A secret key; else THROUGHLINE_SECRET_KEY, which no list of processes shows

Sending a file again is harmless: what was taken in before counts as duplicate.

Ends with 0 when every line was taken in, 3 when all was sent and some lines were rejected, 1 when the import broke
off, and 2 when the command itself was wrong.
`;

/** Everything was sent, and not everything taken in. */
const EXIT_REJECTED = 3;

/** @param refuse says what is wrong with the command */
export async function runImportCommand(
  args: readonly string[],
  refuse: (sentence: string) => void,
): Promise<void> {
  const given = readArgs(args);
  if (!given.ok) return refuse(given.sentence);
  const config = loadConfig();
  if (config === undefined) return void (process.exitCode = 1);
  const url = urlOf(given.host, config);
  if (url === null) return refuse('--host must be an address like https://collector.example.com.');
  const key = given.key ?? config.secretKey;
  if (key === undefined) return refuse('An import needs a secret key: --key, or THROUGHLINE_SECRET_KEY.');
  const file = await openFile(given.file).catch((error: Error) => {
    console.error(`Cannot read ${given.file}: ${error.message}`);
    process.exitCode = 1;
  });
  if (file === undefined) return;
  const progress = startProgress(process.stderr, file.bytes);
  const end = await sendFile({ url, key, file: file.content, onProgress: progress.update });
  progress.close();
  report(end);
}

type Args =
  | {
      readonly ok: true;
      readonly file: string;
      readonly host: string | undefined;
      readonly key: string | undefined;
    }
  | { readonly ok: false; readonly sentence: string };

function readArgs(args: readonly string[]): Args {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { host: { type: 'string' }, key: { type: 'string' } },
      allowPositionals: true,
    });
    const [file, ...others] = positionals;
    if (file === undefined || others.length > 0) {
      return { ok: false, sentence: 'throughline import takes one file, or - for what is piped in.' };
    }
    return { ok: true, file, host: values.host, key: values.key };
  } catch (error) {
    return { ok: false, sentence: (error as Error).message };
  }
}

function urlOf(host: string | undefined, config: Config): URL | null {
  const base = host ?? originOf(config.host, config.port);
  const url = URL.canParse(base) ? new URL(base) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return null;
  return new URL('v1/import', url.href.endsWith('/') ? url : `${url.href}/`);
}

interface OpenedFile {
  readonly content: Readable;
  /** null where nobody knows: a pipe. */
  readonly bytes: number | null;
}

async function openFile(path: string): Promise<OpenedFile> {
  if (path === '-') return { content: process.stdin, bytes: null };
  const handle = await open(path);
  const stat = await handle.stat();
  return { content: handle.createReadStream(), bytes: stat.isFile() ? stat.size : null };
}

function report(end: ImportEnd): void {
  switch (end.status) {
    case 'done': {
      process.stdout.write(`Done: ${showCounts(end.counts)}.\n`);
      if (end.counts.rejected === 0) return;
      process.stderr.write(`${showRejected(end.firstRejected, end.counts.rejected)}\n`);
      process.exitCode = EXIT_REJECTED;
      return;
    }
    case 'broken': {
      const committed = end.counts === null ? '' : ` Committed until then: ${showCounts(end.counts)}.`;
      process.stderr.write(
        `The import broke off: ${end.reason}${committed}\n` +
          'Run it again: what was taken in counts as duplicate, so nothing is counted twice.\n',
      );
      process.exitCode = 1;
      return;
    }
    case 'refused':
      process.stderr.write(`The collector refused the import: ${end.reason}\n`);
      process.exitCode = 1;
  }
}

function showRejected(first: readonly RejectedLine[], all: number): string {
  const lines = first.map(({ line, code, message }) => {
    const sentence = message.startsWith(`Line ${line}: `) ? message : `Line ${line}: ${message}`;
    return `  ${sentence} (${code})`;
  });
  const more = all > first.length ? [`  and ${all - first.length} more`] : [];
  return ['Rejected, and kept with their reasons:', ...lines, ...more].join('\n');
}

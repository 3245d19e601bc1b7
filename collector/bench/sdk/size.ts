/** What the SDK and others weigh on the wire. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { FOLDERS } from '../../src/folders';
import { count, type Table } from '../table';
import { bundle, WEIGHED } from './peers';

export interface SdkSize {
  /** A file as it is built, or a package as a bundler takes it into a page. */
  readonly name: string;
  readonly rawBytes: number;
  readonly gzipBytes: number;
  readonly brotliBytes: number;
}

const OURS = `import { createTracker } from ${JSON.stringify(join(FOLDERS.sdk, 'index.js'))};
  createTracker({ writeKey: 'key', host: HOST }).track('Counted');`;

export async function measureSizes(): Promise<readonly SdkSize[]> {
  const files = readdirSync(FOLDERS.sdk).filter((name) => name.endsWith('.js'));
  const built = files.map((name) => weigh(name, readFileSync(join(FOLDERS.sdk, name))));
  const bundled = await Promise.all(
    [{ name: '@throughline/sdk', code: OURS }, ...WEIGHED].map(async ({ name, code }) =>
      weigh(`${name}, bundled`, Buffer.from(await bundle(code, '"http://127.0.0.1"'))),
    ),
  );
  return [...built, ...bundled];
}

function weigh(name: string, content: Buffer): SdkSize {
  return {
    name,
    rawBytes: content.length,
    gzipBytes: gzipSync(content).length,
    brotliBytes: brotliCompressSync(content).length,
  };
}

export function tabulateSizes(sizes: readonly SdkSize[]): Table {
  return {
    title: 'SDK, bytes: files as they are built (sdk.js is the whole <script> build), and bundled by Vite',
    columns: ['', 'raw', 'gzip', 'brotli'],
    rows: sizes.map(({ name, rawBytes, gzipBytes, brotliBytes }) => [
      name,
      count(rawBytes),
      count(gzipBytes),
      count(brotliBytes),
    ]),
  };
}

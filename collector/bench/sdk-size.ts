/** What the SDK weighs on the wire. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { FOLDERS } from '../src/folders';
import { count, fixed, type Table } from './table';

/** Of the whole <script> build, brotli; sdk/scripts/size.mjs fails a build beyond it. */
const BUDGET_BYTES = 6 * 1024;

export interface SdkSize {
  readonly file: string;
  readonly rawBytes: number;
  readonly gzipBytes: number;
  readonly brotliBytes: number;
  /** null where there is none: what is imported is minified and shaken by whoever bundles it. */
  readonly budgetBytes: number | null;
}

export function measureSdk(): readonly SdkSize[] {
  return ['sdk.js', 'index.js'].map((file) => {
    const content = readFileSync(join(FOLDERS.sdk, file));
    return {
      file,
      rawBytes: content.length,
      gzipBytes: gzipSync(content).length,
      brotliBytes: brotliCompressSync(content).length,
      budgetBytes: file === 'sdk.js' ? BUDGET_BYTES : null,
    };
  });
}

export function tabulateSdk(sizes: readonly SdkSize[]): Table {
  return {
    title: 'SDK, bytes of the built files (sdk.js is the whole <script> build; index.js is not minified)',
    columns: ['', 'raw', 'gzip', 'brotli', 'budget', 'of budget'],
    rows: sizes.map(({ file, rawBytes, gzipBytes, brotliBytes, budgetBytes }) => [
      file,
      count(rawBytes),
      count(gzipBytes),
      count(brotliBytes),
      count(budgetBytes),
      fixed(budgetBytes === null ? null : brotliBytes / budgetBytes, 2),
    ]),
  };
}

import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

/** What the <script> build may weigh; every site that uses it pays for it. */
const MAX_BROTLI_BYTES = 6 * 1024;

const script = readFileSync(new URL('../dist/sdk.js', import.meta.url));
const brotli = brotliCompressSync(script).length;
console.log(`sdk.js: ${script.length} B raw, ${gzipSync(script).length} B gzip, ${brotli} B brotli`);
if (brotli > MAX_BROTLI_BYTES) {
  console.error(`sdk.js is over its budget of ${MAX_BROTLI_BYTES} B brotli`);
  process.exit(1);
}

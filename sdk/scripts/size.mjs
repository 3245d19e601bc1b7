import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { minify } from 'terser';

/** What each <script> build may weigh (brotli); every site that uses it pays for it. */
const MAX_BROTLI_BYTES = {
  'sdk.js': 6 * 1024,
  'sdk-full.js': 7.75 * 1024,
  'autocapture.js': 4 * 1024,
  'web-vitals.js': 5 * 1024,
  'experiments.js': 2.5 * 1024,
};

for (const [name, max] of Object.entries(MAX_BROTLI_BYTES)) {
  const script = readFileSync(new URL(`../dist/${name}`, import.meta.url));
  const brotli = brotliCompressSync(script).length;
  console.log(`${name}: ${script.length} B raw, ${gzipSync(script).length} B gzip, ${brotli} B brotli`);
  // For the tag's `integrity` attribute; the collector says it too, under /sdk.json.
  console.log(`${name}: sha384-${createHash('sha384').update(script).digest('base64')}`);
  if (brotli > max) {
    console.error(`${name} is over its budget of ${max} B brotli`);
    process.exitCode = 1;
  }
}

/** What an entry point adds to an app that has its framework and the tracker already, minified as a bundler does. */
const MAX_MODULE_BYTES = { 'react.js': 512, 'vue.js': 512 };

for (const [name, max] of Object.entries(MAX_MODULE_BYTES)) {
  const source = readFileSync(new URL(`../dist/${name}`, import.meta.url), 'utf8');
  const { code } = await minify(source, { module: true });
  const brotli = brotliCompressSync(code).length;
  console.log(`${name}: ${code.length} B minified, ${brotli} B brotli`);
  if (brotli > max) {
    console.error(`${name} is over its budget of ${max} B brotli`);
    process.exitCode = 1;
  }
}

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Below this a packet is a packet, compressed or not. */
const WORTH_COMPRESSING_BYTES = 1_000;

/** Writes file.br and file.gz beside each asset: the collector serves what the browser takes, and compresses nothing itself. */
function compressAssets(): Plugin {
  return {
    name: 'compress-assets',
    apply: 'build',
    writeBundle({ dir }) {
      const assets = join(dir!, 'assets');
      for (const name of readdirSync(assets)) {
        const content = readFileSync(join(assets, name));
        if (content.length < WORTH_COMPRESSING_BYTES) continue;
        writeFileSync(join(assets, `${name}.br`), brotliCompressSync(content));
        writeFileSync(join(assets, `${name}.gz`), gzipSync(content, { level: 9 }));
      }
    },
  };
}

/**
 * A file for each noun, and one for what pages share: a browser asks for few, and what is alike in them is packed once.
 */
const CHUNKS = [
  // With these all that they import goes along; so what everybody imports is taken first.
  { name: 'preact', test: /node_modules/, priority: 3 },
  { name: 'shared', test: /console\/src\/(parts\/|[^/]*\.tsx?$)/, priority: 2 },
  { name: 'audiences', test: /pages\/(.*audience|members|rule-)/ },
  { name: 'decisions', test: /pages\/.*decision/ },
  { name: 'destinations', test: /pages\/(.*destination|deliveries|secret-shown)/ },
  { name: 'profiles', test: /pages\/(profile|timeline)/ },
];

/**
 * Built to `dist/`, served by the collector below /console/ under a policy that allows no inline script or style:
 * so no preload polyfill (Vite would inline it) and no asset as a data: URL.
 * `npx vite collector/console` serves it with reload and passes API calls on to a collector on port 3000.
 */
export default defineConfig({
  base: '/console/',
  plugins: [compressAssets()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { output: { codeSplitting: { groups: CHUNKS } } },
  },
  server: {
    proxy: { '/v1': 'http://127.0.0.1:3000', '/console/enter': 'http://127.0.0.1:3000' },
  },
});

import { defineConfig } from 'vite';

/**
 * Built to `dist/`, served by the collector below /console/ under a policy that allows no inline script or style:
 * so no preload polyfill (Vite would inline it) and no asset as a data: URL.
 * `npx vite collector/console` serves it with reload and passes API calls on to a collector on port 3000.
 */
export default defineConfig({
  base: '/console/',
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: { '/v1': 'http://127.0.0.1:3000', '/console/enter': 'http://127.0.0.1:3000' },
  },
});

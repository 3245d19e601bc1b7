import { defineConfig } from 'tsup';

/** One file for each entry and what they share; the dependencies stay outside. */
export default defineConfig({
  entry: ['src/main.ts', 'src/cli.ts'],
  outDir: 'dist',
  format: 'esm',
  target: 'node20',
  platform: 'node',
  sourcemap: true,
  clean: true,
  dts: false,
  silent: true,
});

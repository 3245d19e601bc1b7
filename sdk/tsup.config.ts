import { defineConfig } from 'tsup';
import type { Options } from 'tsup';

// Node's types would let browser code use Node.
declare const process: { readonly env: Readonly<Record<string, string | undefined>> };

/** `THROUGHLINE_BUILD=fast` leaves the types out: they take most of the time, and nothing that runs needs them. */
const isFast = process.env.THROUGHLINE_BUILD === 'fast';

/**
 * Properties that only our own modules see, which the <script> build may shorten. A name that is missing here
 * costs a few bytes; one that the page, the wire, a store or another library shares must not be here.
 */
const INTERNAL = `
  after announce area batch batchEvents bytes call carry clock count database deliver emit erase events exclusive
  expect fail findLive flights forgive given hasLost hasMark heldForMs hold identity idle isAsked isOnline
  isOpen isOpenAtLast isOwing journal keep keepAll kept kind local mark markFlight ms names newId onError onHide
  onLeave onReturn onWake opening pause postpone prefix queue read readPage reconcile remove resume retryAfter sendOwn
  sender settle spareBytes stop subscriptions tab take tell tracker transport wake write
`;

/** What is the same for all <script> builds: one file each in `dist/`, which the collector serves. */
const scriptBuild = {
  format: ['iife'],
  target: 'es2020',
  platform: 'browser',
  noExternal: [/./],
  // Smaller than what esbuild makes of it.
  // ASCII only: a page in another encoding must not read other characters into it.
  minify: 'terser',
  terserOptions: {
    ecma: 2020,
    toplevel: true,
    compress: { passes: 3 },
    format: { ascii_only: true, comments: /^!/ },
  },
  outExtension: () => ({ js: '.js' }),
} as const satisfies Partial<Options>;

export default defineConfig([
  {
    entry: {
      index: 'src/index.ts',
      'entries/autocapture': 'src/autocapture/autocapture.ts',
      'entries/web-vitals': 'src/web-vitals/web-vitals.ts',
      'entries/experiments': 'src/experiments/experiments.ts',
    },
    format: ['esm', 'cjs'],
    target: 'es2020',
    platform: 'browser',
    dts: !isFast,
    sourcemap: true,
    treeshake: true,
  },
  {
    // `@throughline/sdk/react`, `@throughline/sdk/vue`
    entry: { react: 'src/react/react.ts', vue: 'src/vue/vue.ts' },
    format: ['esm', 'cjs'],
    target: 'es2020',
    platform: 'browser',
    dts: !isFast,
    sourcemap: true,
    // A page's components only, for frameworks that render on servers; Rollup would take the directive out.
    splitting: false,
    banner: { js: "'use client';" },
  },
  {
    // `@throughline/sdk/node`
    entry: { node: 'src/node/tracker.ts' },
    format: ['esm', 'cjs'],
    target: 'node20',
    platform: 'node',
    dts: !isFast,
    tsconfig: 'src/node/tsconfig.json',
    sourcemap: true,
    treeshake: true,
  },
  {
    ...scriptBuild,
    entry: { sdk: 'src/script.ts', 'sdk-full': 'src/script-full.ts' },
    // 6 % smaller than what esbuild makes of it.
    terserOptions: {
      ...scriptBuild.terserOptions,
      module: true,
      compress: { passes: 3, inline: 1, unsafe: true, unsafe_arrows: true, pure_getters: true },
    },
    // Shorter, joined with the declarations beside it, and the same once types have been checked.
    plugins: [{ name: 'let', renderChunk: (code) => ({ code: code.replace(/\bconst\b/g, 'let') }) }],
    esbuildOptions: (options) => {
      options.mangleProps = new RegExp(`^(${INTERNAL.trim().split(/\s+/).join('|')})$`);
    },
  },
  {
    ...scriptBuild,
    entry: {
      autocapture: 'src/autocapture/script.ts',
      'web-vitals': 'src/web-vitals/script.ts',
      experiments: 'src/experiments/script.ts',
    },
  },
]);

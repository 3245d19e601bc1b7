import { defineConfig } from 'tsup';

// Node's types would let browser code use Node.
declare const process: { readonly env: Readonly<Record<string, string | undefined>> };

/** `THROUGHLINE_BUILD=fast` leaves the types out: they take most of the time, and nothing that runs needs them. */
const isFast = process.env.THROUGHLINE_BUILD === 'fast';

/**
 * Properties that only our own modules see, which the <script> build may shorten. A name that is missing here
 * costs a few bytes; one that the page, the wire, a store or another library shares must not be here.
 */
const INTERNAL = `
  after announce batch batchEvents bytes carry clock count database deliver emit erase events exclusive expect
  fail findLive flights forgive given hasLost hasMark heldForMs hold idle isAsked isOnline isOpen isOpenAtLast
  journal keep keepAll kind local mark markFlight ms names newId notice onError onHide onLeave onReturn onWake
  pause postpone prefix queue read reconcile remove resume retryAfter sendOwn sender settle spareBytes stop
  succeed tab take tell transport wake write
`;

export default defineConfig([
  {
    entry: ['src/index.ts'],
    format: ['esm', 'cjs'],
    target: 'es2020',
    platform: 'browser',
    dts: !isFast,
    sourcemap: true,
    treeshake: true,
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
    // The <script> build: everything in one file, `dist/sdk.js`, which the collector serves.
    entry: { sdk: 'src/script.ts' },
    format: ['iife'],
    target: 'es2020',
    platform: 'browser',
    noExternal: ['idb-keyval'],
    // 6 % smaller than what esbuild makes of it.
    // ASCII only: a page in another encoding must not read other characters into it.
    minify: 'terser',
    terserOptions: {
      ecma: 2020,
      module: true,
      compress: { passes: 3, inline: 1, unsafe: true, unsafe_arrows: true },
      format: { ascii_only: true },
    },
    // Shorter, joined with the declarations beside it, and the same once types have been checked.
    plugins: [{ name: 'let', renderChunk: (code) => ({ code: code.replace(/\bconst\b/g, 'let') }) }],
    outExtension: () => ({ js: '.js' }),
    esbuildOptions: (options) => {
      options.mangleProps = new RegExp(`^(${INTERNAL.trim().split(/\s+/).join('|')})$`);
    },
  },
]);

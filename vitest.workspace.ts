import { defineConfig } from 'vitest/config';

/**
 * Loading the modules anew for each file took longer than many a file's tests, and nothing of ours keeps state in a
 * module. Projects inherit nothing of this kind from the root.
 */
const SHARED_MODULES = { isolate: false };

/**
 * One Vitest run: `sdk` and `unit` are the inner loop; `db` needs the embedded Postgres,
 * `browser` a Chromium as well; `faults` breaks servers of its own, one file at a time; `repo` holds what is true of
 * the repository itself.
 */
export default defineConfig({
  test: {
    // Most tests wait for other processes; with a worker less than there are cores, which is the default, one of two
    // cores was idle half of the time. Three gained nothing.
    maxWorkers: 2,
    projects: [
      {
        test: {
          // A window to each file.
          name: 'sdk',
          include: ['sdk/test/**/*.test.ts'],
          environment: 'happy-dom',
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'unit',
          include: ['collector/test/unit/**/*.test.ts'],
          ...SHARED_MODULES,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'repo',
          include: ['collector/test/repo/**/*.test.ts'],
          ...SHARED_MODULES,
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'db',
          include: ['collector/test/db/**/*.test.ts'],
          globalSetup: ['collector/test/support/postgres.ts'],
          ...SHARED_MODULES,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['collector/test/faults/**/*.test.ts'],
          globalSetup: ['collector/test/support/built.ts'],
          ...SHARED_MODULES,
          fileParallelism: false,
          // One worker here and two elsewhere: that cannot be one group.
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['collector/test/browser/**/*.test.ts'],
          globalSetup: ['collector/test/support/postgres.ts', 'collector/test/support/shared-chromium.ts'],
          ...SHARED_MODULES,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        // Not part of `npm test`: it needs `npm ci --prefix examples/next`, which is 340 MB. CI runs it beside.
        test: {
          name: 'next',
          include: ['collector/test/next/**/*.test.ts'],
          globalSetup: ['collector/test/support/postgres.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});

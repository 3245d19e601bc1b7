/**
 * `npm run torture -- --minutes N [--seed S]`: the faults of the tests, for longer, over a Postgres of its own with
 * fsync on. Ends with a table, and with 1 where a promise was broken. The same seed plans the same faults and events;
 * where exactly a fault lands is up to the machine.
 */
import { parseArgs } from 'node:util';
import { buildStale } from '../bin/build.mjs';
import { machineBinaries } from '../test/support/machine-binaries';
import { type Report, runScenario } from './scenario';
import { FAULTS } from './schedule';

const USAGE = 'Usage: npm run torture -- --minutes N [--seed S]';
const MS_PER_MINUTE = 60_000;

const { minutes, seed } = readArguments();
if (!(await buildStale())) process.exit(1);
console.log(
  `Seed ${seed}, ${minutes} minutes, ${machineBinaries().binaries?.postgres ?? 'the built-in Postgres'}`,
);
const until = performance.now() + minutes * MS_PER_MINUTE;
const report = await runScenario({
  seed,
  mayGoOn: () => performance.now() < until,
  onFault: ({ kind }) => console.log(`  ${new Date().toISOString().slice(11, 19)}  ${kind}`),
});
console.log(render(report));
process.exitCode = report.violations.length === 0 ? 0 : 1;

function readArguments(): { readonly minutes: number; readonly seed: number } {
  try {
    const options = { minutes: { type: 'string' }, seed: { type: 'string' } } as const;
    const { values } = parseArgs({ options });
    const parsed = {
      minutes: Number(values.minutes ?? NaN),
      seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)),
    };
    if (!(parsed.minutes > 0)) throw new Error('How many minutes?');
    if (!Number.isSafeInteger(parsed.seed)) throw new Error('The seed is a whole number.');
    return parsed;
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return process.exit(2);
  }
}

function render({ faults, answers, acknowledgedEvents, storedEvents, violations }: Report): string {
  const rows = FAULTS.map((kind) => {
    const times = faults.filter((fault) => fault.kind === kind).map(({ recoveryMs }) => recoveryMs);
    const slowest = times.length === 0 ? '' : `${Math.round(Math.max(...times))} ms`;
    return `  ${kind.padEnd(36)}${String(times.length).padStart(6)}${slowest.padStart(12)}`;
  });
  const nameOf = (status: number): string => (status === 0 ? 'no answer' : String(status));
  return [
    '',
    `  ${'fault'.padEnd(36)}${'times'.padStart(6)}${'slowest'.padStart(12)}   until the next acknowledgement`,
    ...rows,
    '',
    `  answers  ${[...answers].map(([status, times]) => `${nameOf(status)}: ${times}`).join(', ')}`,
    `  events   ${acknowledgedEvents} acknowledged, ${storedEvents} stored`,
    violations.length === 0 ? '  Nothing was lost, and nothing was counted twice.' : '  BROKEN PROMISES',
    ...[...new Set(violations)].map((violation) => `  - ${violation}`),
  ].join('\n');
}

/**
 * `npm run bench -- [ingest] [identity] [audiences] [sdk] [start] [--quick] [--events=1M] [--json] [--cpu-profile=FOLDER]`: how fast things are here and now. Rows of
 * one run may be compared with each other; figures of different machines, or of a busy one, may not. It never fails
 * because something is slow, only where something is wrong.
 */
import { cpus, loadavg, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildStale } from '../bin/build.mjs';
import { measureAudiences, readSizes, SIZE_NAMES } from './audiences/measure';
import { tabulateAudiences } from './audiences/tables';
import { createCleanUp } from './clean-up';
import { measureIdentity, tabulateIdentity } from './identity';
import { measureIngest } from './ingest';
import { tabulateIngest } from './ingest-table';
import { measureCosts, tabulateCosts } from './sdk/cost';
import { measureSizes, tabulateSizes } from './sdk/size';
import { measureTorture, tabulateTorture } from './sdk/torture';
import { measureStart, tabulateStart } from './start-time';
import { renderTable, type Table } from './table';

const PARTS = ['sdk', 'start', 'ingest', 'identity', 'audiences'] as const;
type Part = (typeof PARTS)[number];
const USAGE = `Usage: npm run bench -- [${PARTS.join('] [')}] [--quick] [--json] [--events=${SIZE_NAMES.join('|')}] [--cpu-profile=FOLDER]`;
const GIBIBYTE = 2 ** 30;

const { values: flags, positionals } = readArguments();
const isWanted = (part: Part): boolean => positionals.length === 0 || positionals.includes(part);
// The JSON alone goes to stdout.
if (flags.json === true) console.log = console.error;
const note = (sentence: string): void => console.error(`… ${sentence}`);
const cleanUp = createCleanUp();

try {
  if (!(await buildStale())) process.exit(1);
  const results: Record<string, unknown> = { machine: describeMachine() };
  const print = (part: Part, result: object, tables: readonly Table[]): void => {
    results[part] = result;
    if (flags.json !== true) for (const table of tables) console.log(`\n${renderTable(table)}`);
  };
  console.log(`\n  ${describeMachine().text}`);
  if (isWanted('sdk')) {
    note('Bundling what others publish');
    const sizes = await measureSizes();
    note('Loading and calling it in a browser');
    const costs = await measureCosts(cleanUp);
    const torture = flags.quick === true ? [] : await measureTorture(cleanUp, note);
    const tables = torture.length > 0 ? [tabulateTorture(torture)] : [];
    print('sdk', { sizes, costs, torture }, [tabulateSizes(sizes), tabulateCosts(costs), ...tables]);
  }
  if (isWanted('start')) {
    note('Starting and stopping');
    const times = await measureStart(cleanUp);
    print('start', times, [tabulateStart(times)]);
  }
  if (isWanted('ingest')) {
    const folder = flags['cpu-profile'];
    const cpuProfileFolder = folder === undefined ? undefined : resolve(folder);
    const isQuick = flags.quick === true;
    const result = await measureIngest({ cleanUp, note, isQuick, cpuProfileFolder });
    print('ingest', result, tabulateIngest(result));
  }
  if (isWanted('identity')) {
    const rows = await measureIdentity({ cleanUp, note, isQuick: flags.quick === true });
    print('identity', rows, [tabulateIdentity(rows)]);
  }
  if (isWanted('audiences')) {
    const sizes = readSizes(flags.events, { isQuick: flags.quick === true });
    const result = await measureAudiences({ cleanUp, note, sizes });
    print('audiences', result, tabulateAudiences(result));
  }
  if (flags.json === true) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
} catch (error) {
  if (!cleanUp.isInterrupted()) console.error(error);
  process.exitCode = 1;
} finally {
  await cleanUp.run();
}

function readArguments() {
  const options = {
    json: { type: 'boolean' },
    events: { type: 'string' },
    quick: { type: 'boolean' },
    'cpu-profile': { type: 'string' },
  } as const;
  try {
    const parsed = parseArgs({ options, allowPositionals: true });
    const unknown = parsed.positionals.find((part) => !PARTS.some((known) => known === part));
    if (unknown !== undefined) throw new Error(`There is no part "${unknown}".`);
    readSizes(parsed.values.events, { isQuick: false });
    return parsed;
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return process.exit(2);
  }
}

function describeMachine() {
  const cores = cpus();
  const memoryGiB = Math.round(totalmem() / GIBIBYTE);
  const [load = 0] = loadavg();
  const text = `${cores.length} × ${cores[0]?.model.trim()}, ${memoryGiB} GiB, ${process.platform}, Node ${process.versions.node}; load before: ${load.toFixed(1)}`;
  return {
    cores: cores.length,
    model: cores[0]?.model.trim(),
    memoryGiB,
    node: process.versions.node,
    load,
    text,
  };
}

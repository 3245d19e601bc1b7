/** The command `throughline`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXPORT_USAGE, runExportCommand } from './cli/export-command';
import { IMPORT_USAGE, runImportCommand } from './cli/import-command';
import { MigrationError } from './db/migrate';
import { createConsoleLink, migrateOnly } from './deps';
import { StartError } from './embedded/start-error';
import { createLogger } from './logger';
import { loadConfig, runCollector } from './main';

const USAGE = `Usage: throughline <command>

  start      Start the collector and, without DATABASE_URL, its own Postgres
  migrate    Bring the database up to date and end
  console    Print another link into the console of a collector that runs
  import     Send a file of events to a collector: throughline import FILE; import --help says more
  export     Write what is stored into a folder or a bucket, for a warehouse; export --help says more
  help       Print this
  version    Print the version

Settings come from the environment and from the file .env; README.md lists them.
`;

export async function runCommand(args: readonly string[]): Promise<void> {
  const [command = 'help', ...rest] = args;
  if (command === 'import') return runImport(rest);
  if (command === 'export') return runExport(rest);
  if (rest.length > 0) return refuse(`throughline ${command} takes no arguments.`);
  switch (command) {
    case 'start':
      return runCollector();
    case 'migrate':
      return runMigrate();
    case 'console':
      return runConsole();
    case 'help':
    case '--help':
    case '-h':
      process.stdout.write(USAGE);
      return;
    case 'version':
    case '--version':
    case '-v':
      process.stdout.write(`${readVersion()}\n`);
      return;
    default:
      return refuse(`throughline has no command "${command}".`);
  }
}

async function runImport(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(IMPORT_USAGE);
  return runImportCommand(args, (sentence) => refuse(sentence, IMPORT_USAGE));
}

async function runExport(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(EXPORT_USAGE);
  return orComplain(() => runExportCommand(args, (sentence) => refuse(sentence, EXPORT_USAGE)));
}

async function runConsole(): Promise<void> {
  const config = loadConfig();
  if (config === undefined) return void (process.exitCode = 1);
  await orComplain(async () => {
    const link = await createConsoleLink(config);
    process.stdout.write(`${link}   (works once, for 15 minutes)\n`);
  });
}

async function runMigrate(): Promise<void> {
  const config = loadConfig();
  if (config === undefined) return void (process.exitCode = 1);
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  await orComplain(async () => {
    const applied = await migrateOnly({
      config,
      log: createLogger(config.logLevel),
      onNotice: (sentence) => console.error(sentence),
      signal: stopping.signal,
    });
    const lines =
      applied.length === 0 ? ['The database is up to date.'] : applied.map((name) => `Applied ${name}`);
    process.stdout.write(`${lines.join('\n')}\n`);
  });
}

/** What somebody can do something about is one line; the rest comes with its stack. */
async function orComplain(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const isExpected = error instanceof StartError || error instanceof MigrationError;
    console.error(isExpected ? error.message : error);
    process.exitCode = 1;
  }
}

function refuse(sentence: string, usage = USAGE): void {
  process.stderr.write(`${sentence}\n\n${usage}`);
  process.exitCode = 2;
}

function readVersion(): string {
  const manifest = readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** `throughline export`: writes what is stored into a folder or a bucket, and shows how it goes. */
import { parseArgs } from 'node:util';
import type { Config } from '../config';
import { EXPORT_FORMATS, type ExportFormat } from '../core/export-format';
import { isUuid } from '../core/uuid';
import { WAREHOUSE_TABLES, type WarehouseTable } from '../core/warehouse-table';
import { whileExporting } from '../db/export-lock';
import { findFirstWorkspace } from '../db/keys';
import { openBesides } from '../deps';
import { StartError } from '../embedded/start-error';
import { ExportError, ExportStopped } from '../export/export-error';
import { openBucket, openPlace, placesSet } from '../export/export-places';
import { openFolderTarget } from '../export/folder-target';
import { type FinishedRun, runExport } from '../export/run-export';
import type { Target } from '../export/target';
import { createLogger } from '../logger';
import { loadConfig } from '../main';
import { showFinished, startExportProgress } from './export-progress';

export const EXPORT_USAGE = `Usage: throughline export [TARGET] [--format FORMAT] [--tables TABLES] [--workspace ID]

  TARGET            A folder, or the address of an S3-compatible bucket (https://…/bucket/folder); else where the
                    settings let exports go. Credentials of a bucket are settings
  --format FORMAT   parquet (the default), ndjson or csv
  --tables TABLES   Some of ${WAREHOUSE_TABLES.join(',')}; else all
  --workspace ID    Else the first one

Writes the events since the last export into this target, all rows of the other tables, and a manifest last. Where it
breaks off, run it again: it goes on where it was, and no event is in two files.

Ends with 0 when the export is complete, 1 when it broke off, and 2 when the command itself was wrong.
`;

interface ExportArgs {
  readonly target: string | undefined;
  readonly format: ExportFormat;
  readonly tables: readonly WarehouseTable[];
  readonly workspaceId: string | undefined;
}

/** @param refuse says what is wrong with the command */
export async function runExportCommand(
  args: readonly string[],
  refuse: (sentence: string) => void,
): Promise<void> {
  const given = readArgs(args);
  if (typeof given === 'string') return refuse(given);
  const config = loadConfig();
  if (config === undefined) return void (process.exitCode = 1);
  const [place, other] = given.target === undefined ? placesSet(config) : [given.target];
  if (place === undefined)
    return refuse('Where to? Name a folder or a bucket, or set THROUGHLINE_EXPORT_DIR.');
  if (other !== undefined)
    return refuse('The settings have a folder and a bucket: name the one to write to.');
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  try {
    const finished = await exportTo(given, config, stopping.signal);
    process.stdout.write(showFinished(finished));
  } catch (error) {
    if (!(error instanceof ExportError)) throw error;
    const isWaiting =
      error instanceof ExportStopped ? '' : '\nRun it again when that is mended: it goes on where it was.';
    process.stderr.write(`${error.message}${isWaiting}\n`);
    process.exitCode = 1;
  }
}

async function exportTo(
  given: ExportArgs,
  config: Config,
  signal: AbortSignal,
): Promise<FinishedRun & { readonly target: string }> {
  const log = createLogger(config.logLevel);
  const onNotice = (sentence: string): void => console.error(sentence);
  const { db, close } = await openBesides({ config, log, onNotice, signal }, 'throughline-export');
  try {
    const workspaceId = given.workspaceId ?? (await findFirstWorkspace(db));
    if (workspaceId === null)
      throw new StartError('The database has no workspace yet: start Throughline first.');
    const finished = await whileExporting(db, workspaceId, async (assertHeld) => {
      const target = await openTarget(given.target, config, workspaceId);
      const progress = startExportProgress(process.stderr);
      try {
        const mayGoOn = async (): Promise<void> => {
          if (signal.aborted) throw new ExportStopped();
          await assertHeld();
        };
        const order = { ...given, workspaceId };
        const run = { db, target, order, now: () => new Date(), mayGoOn, onProgress: progress.update };
        return { ...(await runExport(run)), target: target.name };
      } finally {
        progress.close();
        await target.close();
      }
    });
    if (finished === null) throw new ExportError('Another export of this workspace runs.');
    return finished;
  } finally {
    await close();
  }
}

function openTarget(target: string | undefined, config: Config, workspaceId: string): Promise<Target> {
  if (target === undefined) return openPlace(config, placesSet(config)[0]!, workspaceId);
  return /^https?:\/\//.test(target) ? openBucket(config, target) : openFolderTarget(target);
}

/** @returns a sentence where something is wrong with them */
function readArgs(args: readonly string[]): ExportArgs | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        format: { type: 'string', default: 'parquet' },
        tables: { type: 'string', default: WAREHOUSE_TABLES.join(',') },
        workspace: { type: 'string' },
      },
      allowPositionals: true,
    });
    const format = EXPORT_FORMATS.find((known) => known === values.format);
    if (format === undefined) return `--format is one of ${EXPORT_FORMATS.join(', ')}.`;
    const names = values.tables.split(',');
    const tables = WAREHOUSE_TABLES.filter((table) => names.includes(table));
    if (tables.length !== names.length) return `--tables are some of ${WAREHOUSE_TABLES.join(',')}.`;
    if (values.workspace !== undefined && !isUuid(values.workspace)) return '--workspace is an ID.';
    if (positionals.length > 1) return 'throughline export takes one target.';
    return { target: positionals[0], format, tables, workspaceId: values.workspace };
  } catch (error) {
    return (error as Error).message;
  }
}

import type { FastifyBaseLogger } from 'fastify';
import type { Kysely } from 'kysely';
import { type Manifest, manifestPath } from '../core/warehouse-run';
import { listWorkspaceIds } from '../db/audiences';
import { isUnavailable } from '../db/availability';
import { whileExporting } from '../db/export-lock';
import type { Database } from '../db/tables';
import {
  type ExportReference,
  type ExportReport,
  findOpenExport,
  noteExport,
  type WarehouseExport,
} from '../db/warehouse-exports';
import { ExportError, ExportStopped } from './export-error';
import { type ExportPlaces, openPlace } from './export-places';
import { runExport, type RunOptions } from './run-export';

export interface ExportKeeperOptions {
  readonly db: Kysely<Database>;
  readonly now: () => Date;
  readonly log: Pick<FastifyBaseLogger, 'error'>;
  readonly places: ExportPlaces;
  /** What is left to runs as they are. */
  readonly lagMs?: number;
}

/** Does the exports that were asked for, one at a time for each workspace; any number of processes may have one. */
export interface ExportKeeper {
  /** Does what is open; a call while one runs waits for that one and does nothing more. */
  readonly work: () => Promise<void>;
  /** Says that there is something to do, and waits for nothing. */
  readonly wake: () => void;
  /** Stops where it is; who starts next goes on there. */
  readonly close: () => Promise<void>;
}

/** How often it is looked whether somebody cancelled, and said how far it is. */
const NOTE_EVERY_MS = 500;

export function createExportKeeper(options: ExportKeeperOptions): ExportKeeper {
  const { db, log } = options;
  let isClosed = false;
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    for (const workspaceId of await listWorkspaceIds(db)) {
      if (isClosed) return;
      if ((await findOpenExport(db, workspaceId)) === null) continue;
      await whileExporting(db, workspaceId, async (assertHeld) => {
        // Another process may have done it just now.
        const open = await findOpenExport(db, workspaceId);
        if (open === null) return;
        await runOpen({ ...options, workspaceId, open, assertHeld, isClosed: () => isClosed });
      });
    }
  }

  const work = (): Promise<void> => {
    if (isClosed) return running ?? Promise.resolve();
    running ??= run().finally(() => (running = null));
    return running;
  };
  return {
    work,
    wake: () =>
      void work().catch((error: unknown) => {
        if (!isClosed) log.error({ err: error }, 'An export could not go on');
      }),
    async close() {
      isClosed = true;
      await running?.catch(() => undefined);
    },
  };
}

interface OpenRun extends ExportKeeperOptions {
  readonly workspaceId: string;
  readonly open: WarehouseExport;
  readonly assertHeld: () => Promise<void>;
  readonly isClosed: () => boolean;
}

/** What becomes of it stands with it. Where it is the database that is away, it stays open for the next look. */
async function runOpen(run: OpenRun): Promise<void> {
  const { db, now, log, places, workspaceId, open } = run;
  const reference: ExportReference = { workspaceId, id: open.id };
  const end = (status: 'done' | 'failed', progress: ExportReport, error?: string) =>
    noteExport(db, reference, { status, progress, at: now(), ...(error === undefined ? {} : { error }) });
  const watch = createWatch(run, reference);
  try {
    await watch.options.mayGoOn();
    const target = await openPlace(places, open.target, workspaceId);
    try {
      const order = { workspaceId, format: open.format, tables: open.tables };
      const { manifest, isResumed } = await runExport({ ...run, target, order, ...watch.options });
      await end('done', reportOf(manifest, isResumed));
    } finally {
      await target.close();
    }
  } catch (error) {
    if (error instanceof ExportStopped || isUnavailable(error)) return;
    const isTold = error instanceof ExportError;
    if (!isTold) log.error({ err: error }, 'An export failed');
    await end(
      'failed',
      watch.progress(),
      isTold ? error.message : 'The export failed; the log has the details.',
    );
  }
}

function createWatch({ db, now, assertHeld, isClosed }: OpenRun, reference: ExportReference) {
  let progress: ExportReport = {};
  let notedAt = -Infinity;
  const options: Pick<RunOptions, 'mayGoOn' | 'onProgress'> = {
    onProgress: (next) => (progress = { ...next }),
    async mayGoOn() {
      if (isClosed()) throw new ExportStopped();
      await assertHeld();
      if (performance.now() - notedAt < NOTE_EVERY_MS) return;
      notedAt = performance.now();
      const isOpen = await noteExport(db, reference, { status: 'running', progress, at: now() });
      if (!isOpen) throw new ExportStopped();
    },
  };
  return { options, progress: () => progress };
}

function reportOf({ run, events, rows, files }: Manifest, isResumed: boolean): ExportReport {
  return {
    ...{ run, isResumed, events, rowsByTable: rows, files: files.length, manifest: manifestPath(run) },
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
  };
}

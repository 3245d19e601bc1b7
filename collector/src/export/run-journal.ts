import type { ExportFormat } from '../core/export-format';
import {
  type CurrentRun,
  type EventWindow,
  type Manifest,
  manifestPath,
  parseState,
  rowsByTable,
  STATE_PATH,
  type WarehouseState,
} from '../core/warehouse-run';
import { WAREHOUSE_COLUMNS, type WarehouseTable } from '../core/warehouse-table';
import { ExportError } from './export-error';
import type { FinishedPart } from './part';
import type { Target } from './target';

/** What was asked for. */
export interface ExportOrder {
  readonly workspaceId: string;
  readonly format: ExportFormat;
  readonly tables: readonly WarehouseTable[];
}

/** What a target is told of a run before and after each step, so that any moment is one at which it may break off. */
export interface RunJournal {
  /** Whether it is one that had broken off. */
  readonly isResumed: boolean;
  readonly current: () => CurrentRun;
  readonly note: (change: Partial<CurrentRun>) => Promise<void>;
  /** Puts a part in its place. It is said before, and again when it is done, with what else is done then. */
  readonly publish: (part: FinishedPart, done: Partial<CurrentRun>) => Promise<void>;
  /** Publishes the manifest; then the run is complete. */
  readonly complete: (finishedAt: Date) => Promise<Manifest>;
}

/**
 * Begins a run, or takes up the one that broke off, as it was begun.
 *
 * @param plan asked for the window of a new run, given where the last one ended
 * @throws ExportError
 */
export async function openJournal(
  target: Target,
  order: ExportOrder,
  { plan, now }: { readonly plan: (from: Date | null) => Promise<EventWindow>; readonly now: () => Date },
): Promise<RunJournal> {
  const known = await readState(target, order.workspaceId);
  const isResumed = known.current !== null;
  let current = known.current ?? (await begin(known, order, { plan, now }));
  const note = async (change: Partial<CurrentRun>): Promise<void> => {
    current = { ...current, ...change };
    await target.replace(STATE_PATH, toText({ ...known, current }));
  };
  await note({});
  if (current.writing !== null) {
    await target.remove(current.writing);
    await note({ writing: null });
  }
  return {
    isResumed,
    current: () => current,
    note,
    async publish({ file, ...part }, done) {
      await note({ writing: part.path });
      await target.publish(file, part);
      await note({ ...done, writing: null, files: [...current.files, part] });
    },
    async complete(finishedAt) {
      const manifest = await publishManifest(target, toManifest(known.workspaceId, current, finishedAt));
      const eventsUntil = current.events?.until ?? known.eventsUntil;
      await target.replace(
        STATE_PATH,
        toText({ ...known, lastRun: current.run, eventsUntil, current: null }),
      );
      return manifest;
    },
  };
}

async function readState(target: Target, workspaceId: string): Promise<WarehouseState> {
  const text = await target.read(STATE_PATH);
  if (text === null) return { version: 1, workspaceId, lastRun: 0, eventsUntil: null, current: null };
  const state = toldOf(target, () => parseState(text));
  if (state.workspaceId === workspaceId) return state;
  throw new ExportError(`${target.name} has exports of another workspace; take another place.`);
}

function toldOf<T>(target: Target, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new ExportError(`${target.name}: ${(cause as Error).message}`, { cause });
  }
}

async function begin(
  { lastRun, eventsUntil }: WarehouseState,
  { format, tables }: ExportOrder,
  { plan, now }: Parameters<typeof openJournal>[2],
): Promise<CurrentRun> {
  const from = eventsUntil === null ? null : new Date(eventsUntil);
  const events = tables.includes('events') ? await plan(from) : null;
  return {
    run: lastRun + 1,
    format,
    tables,
    startedAt: now().toISOString(),
    events,
    after: null,
    areEventsDone: events === null,
    snapshotAt: null,
    files: [],
    writing: null,
  };
}

function toManifest(workspaceId: string, current: CurrentRun, finishedAt: Date): Manifest {
  const { run, format, startedAt, events, snapshotAt, files, tables } = current;
  return {
    version: 1,
    workspaceId,
    run,
    format,
    startedAt,
    finishedAt: finishedAt.toISOString(),
    events,
    snapshotAt,
    rows: rowsByTable(files, tables),
    columns: Object.fromEntries(tables.map((table) => [table, WAREHOUSE_COLUMNS[table]])),
    files,
  };
}

/** Where it was published already, before the run broke off, that one stands. */
async function publishManifest(target: Target, manifest: Manifest): Promise<Manifest> {
  const path = manifestPath(manifest.run);
  if (await target.create(path, toText(manifest))) return manifest;
  const there = JSON.parse((await target.read(path)) ?? '{}') as Partial<Manifest>;
  if (there.workspaceId === manifest.workspaceId && there.startedAt === manifest.startedAt) {
    return there as Manifest;
  }
  throw new ExportError(`${target.name} has another ${path}: two exports write to the same place.`);
}

const toText = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

import type { Column } from './export-column';
import type { ExportFormat } from './export-format';
import { isObject } from './json-value';
import type { WarehouseTable } from './warehouse-table';

/**
 * What a folder or a bucket knows of the exports that went there. A run has a number, and a window: the events received
 * from the end of the run before it until its own. Both are written down before the first file is, so whoever takes over
 * a run that broke off goes on with the same files; and the next one begins where this one ends.
 */
export interface WarehouseState {
  readonly version: 1;
  readonly workspaceId: string;
  /** The last one that is complete. */
  readonly lastRun: number;
  /** Events received before this are in complete runs; null: none are. RFC 3339. */
  readonly eventsUntil: string | null;
  readonly current: CurrentRun | null;
}

/** A run at work, or broken off. */
export interface CurrentRun {
  readonly run: number;
  readonly format: ExportFormat;
  readonly tables: readonly WarehouseTable[];
  readonly startedAt: string;
  /** null where events are not among the tables. */
  readonly events: EventWindow | null;
  /** Behind which event the next file begins; null at the beginning. */
  readonly after: EventPlace | null;
  readonly areEventsDone: boolean;
  /** When the tables of which it has all rows were read; null: not yet. */
  readonly snapshotAt: string | null;
  readonly files: readonly WarehouseFile[];
  /** A file that may be there and is not among the files. */
  readonly writing: string | null;
}

export interface EventWindow {
  /** null: from the first one on. */
  readonly from: string | null;
  readonly until: string;
}

export interface EventPlace {
  readonly receivedAt: string;
  readonly messageId: string;
}

export interface WarehouseFile {
  readonly path: string;
  readonly table: WarehouseTable;
  /** Of events: the day on which they were received, in UTC. */
  readonly receivedDate?: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** What is published of a complete run, under its number and once. */
export interface Manifest {
  readonly version: 1;
  readonly workspaceId: string;
  readonly run: number;
  readonly format: ExportFormat;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly events: EventWindow | null;
  readonly snapshotAt: string | null;
  readonly rows: Readonly<Partial<Record<WarehouseTable, number>>>;
  readonly columns: Readonly<Partial<Record<WarehouseTable, readonly Column[]>>>;
  readonly files: readonly WarehouseFile[];
}

export const STATE_PATH = 'throughline.json';

const numbered = (number: number): string => String(number).padStart(6, '0');

export const manifestPath = (run: number): string => `manifests/${numbered(run)}.json`;

/** Runs and parts are numbered so that names sort; `name=value` is how warehouses read a column off a folder. */
export function partPath(
  { run, format }: Pick<CurrentRun, 'run' | 'format'>,
  { table, receivedDate }: Pick<WarehouseFile, 'table' | 'receivedDate'>,
  part: number,
): string {
  return receivedDate === undefined
    ? `${table}/run=${numbered(run)}/${numbered(part)}.${format}`
    : `${table}/received_date=${receivedDate}/${numbered(run)}-${numbered(part)}.${format}`;
}

/**
 * Reads what {@link STATE_PATH} says.
 *
 * @throws Error where it is not what an export writes
 */
export function parseState(text: string): WarehouseState {
  const state: unknown = parsed(text);
  if (!isObject(state) || state['version'] !== 1 || typeof state['workspaceId'] !== 'string') {
    throw new Error(`${STATE_PATH} is there, and no export of this version wrote it.`);
  }
  return state as unknown as WarehouseState;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Reported as what it is: not ours.
    return null;
  }
}

export function rowsByTable(
  files: readonly Pick<WarehouseFile, 'table' | 'rows'>[],
  tables: readonly WarehouseTable[],
): Partial<Record<WarehouseTable, number>> {
  const rows: Partial<Record<WarehouseTable, number>> = Object.fromEntries(tables.map((table) => [table, 0]));
  for (const file of files) rows[file.table] = (rows[file.table] ?? 0) + file.rows;
  return rows;
}

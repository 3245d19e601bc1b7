/** Exports as jobs: what was asked for, and what became of it. How far one is, its target knows. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Cursor } from '../core/cursor';
import type { ExportFormat } from '../core/export-format';
import type { WarehouseTable } from '../core/warehouse-table';
import { changeWorkspace } from './connect';
import type { WarehouseExportTable } from './export-tables';
import type { Database } from './tables';

export const EXPORT_STATUSES = ['pending', 'running', 'done', 'failed', 'cancelled'] as const;
export type ExportStatus = (typeof EXPORT_STATUSES)[number];

/** What an export says of itself, while it runs and afterwards. */
export interface ExportReport {
  readonly run?: number;
  readonly isResumed?: boolean;
  readonly step?: string;
  readonly events?: { readonly from: string | null; readonly until: string } | null;
  readonly rows?: number;
  readonly rowsByTable?: Readonly<Partial<Record<WarehouseTable, number>>>;
  readonly files?: number;
  readonly bytes?: number;
  readonly manifest?: string;
}

export interface WarehouseExport {
  readonly id: string;
  readonly target: 'folder' | 'bucket';
  readonly format: ExportFormat;
  readonly tables: readonly WarehouseTable[];
  readonly status: ExportStatus;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly progress: ExportReport;
  readonly error: string | null;
}

/** @returns false where one is open */
export async function insertExport(
  db: Kysely<Database>,
  workspaceId: string,
  {
    id,
    target,
    format,
    tables,
    createdAt,
  }: Pick<WarehouseExport, 'id' | 'target' | 'format' | 'tables' | 'createdAt'>,
): Promise<boolean> {
  const row = await db
    .insertInto('warehouse_export')
    .values({
      ...{ workspace_id: workspaceId, export_id: id, target, format, tables: [...tables] },
      ...{ status: 'pending', created_at: createdAt },
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('export_id')
    .executeTakeFirst();
  return row !== undefined;
}

export async function findExport(
  db: Kysely<Database>,
  workspaceId: string,
  id: string,
): Promise<WarehouseExport | null> {
  const row = await db
    .selectFrom('warehouse_export')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('export_id', '=', id)
    .executeTakeFirst();
  return row === undefined ? null : toExport(row);
}

/** A page of exports, newest first. */
export async function listExports(
  db: Kysely<Database>,
  workspaceId: string,
  { limit, after }: { limit: number; after: Cursor | null },
): Promise<WarehouseExport[]> {
  const rows = await db
    .selectFrom('warehouse_export')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .$if(after !== null, (query) => query.where('export_id', '<', sql<string>`${after!.id}::uuid`))
    .orderBy('export_id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(toExport);
}

/** The one that is to be done, or is being done; null where there is none. */
export async function findOpenExport(
  db: Kysely<Database>,
  workspaceId: string,
): Promise<WarehouseExport | null> {
  const row = await changeWorkspace(db, workspaceId, (transaction) =>
    transaction
      .selectFrom('warehouse_export')
      .selectAll()
      .where('workspace_id', '=', workspaceId)
      .where('status', 'in', ['pending', 'running'])
      .executeTakeFirst(),
  );
  return row === undefined ? null : toExport(row);
}

export interface ExportReference {
  readonly workspaceId: string;
  readonly id: string;
}

/** Says how far an open export is, and what became of it. @returns false where it is open no more: it was cancelled */
export async function noteExport(
  db: Kysely<Database>,
  { workspaceId, id }: ExportReference,
  noted: {
    readonly status: ExportStatus;
    readonly progress: ExportReport;
    readonly at: Date;
    readonly error?: string;
  },
): Promise<boolean> {
  const { status, progress, at, error = null } = noted;
  const hasEnded = status !== 'running';
  return changeWorkspace(db, workspaceId, async (transaction) => {
    const row = await transaction
      .updateTable('warehouse_export')
      .set({
        ...{ status, error, progress: JSON.stringify(progress) },
        started_at: sql`coalesce(started_at, ${at})`,
        finished_at: hasEnded ? at : null,
      })
      .where('workspace_id', '=', workspaceId)
      .where('export_id', '=', id)
      .where('status', 'in', ['pending', 'running'])
      .returning('export_id')
      .executeTakeFirst();
    return row !== undefined;
  });
}

/** @returns false where it had ended already */
export async function cancelExport(
  db: Kysely<Database>,
  { workspaceId, id }: ExportReference,
  at: Date,
): Promise<boolean> {
  const row = await db
    .updateTable('warehouse_export')
    .set({ status: 'cancelled', finished_at: at })
    .where('workspace_id', '=', workspaceId)
    .where('export_id', '=', id)
    .where('status', 'in', ['pending', 'running'])
    .returning('export_id')
    .executeTakeFirst();
  return row !== undefined;
}

function toExport(row: Selectable<WarehouseExportTable>): WarehouseExport {
  return {
    id: row.export_id,
    target: row.target,
    format: row.format,
    tables: row.tables,
    status: row.status,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    progress: row.progress,
    error: row.error,
  };
}

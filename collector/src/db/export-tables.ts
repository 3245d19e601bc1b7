import type { ColumnType, Generated } from 'kysely';
import type { ExportFormat } from '../core/export-format';
import type { WarehouseTable } from '../core/warehouse-table';

export interface WarehouseExportTable {
  workspace_id: string;
  export_id: string;
  target: 'folder' | 'bucket';
  format: ExportFormat;
  tables: WarehouseTable[];
  status: 'pending' | 'running' | 'done' | 'failed' | 'cancelled';
  created_at: Date;
  started_at: Generated<Date | null>;
  finished_at: Generated<Date | null>;
  progress: ColumnType<Record<string, unknown>, string | undefined, string>;
  error: Generated<string | null>;
}

export interface ExportTables {
  warehouse_export: WarehouseExportTable;
}

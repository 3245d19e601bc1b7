import type { Column } from '../core/export-column';
import {
  csvFormat,
  type CsvOptions,
  type ExportFormat,
  type LineFormat,
  ndjsonFormat,
} from '../core/export-format';
import { createParquetEncoder } from './parquet';
import type { RowEncoder } from './row-encoder';

export function createRowEncoder(
  format: ExportFormat,
  columns: readonly Column[],
  options: CsvOptions = {},
): RowEncoder {
  if (format === 'parquet') return createParquetEncoder(columns);
  return createLineEncoder(format === 'csv' ? csvFormat(columns, options) : ndjsonFormat(columns));
}

function createLineEncoder({ head, line }: LineFormat): RowEncoder {
  let text = head;
  const take = (): Buffer => {
    const taken = Buffer.from(text);
    text = '';
    return taken;
  };
  return {
    add(rows) {
      for (const row of rows) text += line(row);
      return take();
    },
    end: take,
  };
}

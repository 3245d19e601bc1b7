import type { Column, Row } from '../core/export-column';
import {
  csvFormat,
  type CsvOptions,
  type ExportFormat,
  type LineFormat,
  ndjsonFormat,
} from '../core/export-format';
import { createParquetEncoder } from './parquet';

/** Makes a file of rows, piece by piece; what is still missing of a piece comes with a later one. */
export interface RowEncoder {
  readonly add: (rows: readonly Row[]) => Buffer;
  /** The file's end; nothing comes after it. */
  readonly end: () => Buffer;
}

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

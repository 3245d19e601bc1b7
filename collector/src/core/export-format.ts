import type { Cell, Column, ColumnType, Row } from './export-column';

export const EXPORT_FORMATS = ['csv', 'ndjson', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const CONTENT_TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
};

/** How a file of text is written: what begins it, and a line for each row. */
export interface LineFormat {
  readonly head: string;
  readonly line: (row: Row) => string;
}

export interface CsvOptions {
  /**
   * Whether text that a spreadsheet would run is made harmless.
   * @default true
   */
  readonly isFormulaSafe?: boolean;
  /**
   * Whether it begins with a byte order mark, by which Excel knows UTF-8.
   * @default false
   */
  readonly hasBom?: boolean;
}

const BOM = '\uFEFF';

/** RFC 4180: commas, CRLF, quotes where a cell needs them. A missing value is an empty cell. */
export function csvFormat(
  columns: readonly Column[],
  { isFormulaSafe = true, hasBom = false }: CsvOptions = {},
): LineFormat {
  const text = isFormulaSafe ? textCell : quotedCell;
  const writers = columns.map(({ type }) => CSV_CELLS[type]);
  return {
    head: `${hasBom ? BOM : ''}${columns.map(({ name }) => text(name)).join(',')}\r\n`,
    line: (row) => {
      const cells = row.map((cell, index) => (cell === null ? '' : writers[index]!(cell, text)));
      return `${cells.join(',')}\r\n`;
    },
  };
}

type WriteCell = (cell: NonNullable<Cell>, text: (text: string) => string) => string;

/** Numbers are written as they are, so that they stay numbers. */
const CSV_CELLS: Readonly<Record<ColumnType, WriteCell>> = {
  text: (cell, text) => text(cell as string),
  json: (cell, text) =>
    isJsonText(cell as string) ? text(textOfJson(cell as string)) : quotedCell(cell as string),
  instant: (cell) => (cell as Date).toISOString(),
  integer: String,
  decimal: String,
};

/**
 * A cell of text that came from outside. A spreadsheet runs what begins with = + - @, tab or a line's end as a formula
 * (OWASP, "CSV Injection"), and some the full-width ones too; a leading ' makes it text.
 */
export function textCell(text: string): string {
  return quotedCell(/^[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text);
}

function quotedCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** An object a line, with every column in the same order; null where a value is missing. A decimal is a text, exact. */
export function ndjsonFormat(columns: readonly Column[]): LineFormat {
  const heads = columns.map(({ name }, index) => `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`);
  return {
    head: '',
    line: (row) => {
      let line = '';
      for (const [index, cell] of row.entries()) {
        line += heads[index]! + (columns[index]!.type === 'json' ? (cell ?? 'null') : JSON.stringify(cell));
      }
      return `${line}}\n`;
    },
  };
}

const isJsonText = (json: string): boolean => json.startsWith('"');

/** JSON as a column of text holds it: a string is itself, everything else stays JSON. */
export function textOfJson(json: string): string {
  return isJsonText(json) ? (JSON.parse(json) as string) : json;
}

/** The file's name from an alphabet that needs no quoting in a header. */
export function exportFileName(
  audienceKey: string,
  { format, isGzip = false }: { readonly format: ExportFormat; readonly isGzip?: boolean },
): string {
  const safe = audienceKey.replace(/[^a-z0-9-]/g, '');
  return `${safe === '' ? 'audience' : safe}.${format}${isGzip ? '.gz' : ''}`;
}

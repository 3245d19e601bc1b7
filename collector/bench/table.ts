/** Results as text: aligned columns, figures to the right. */

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Whether the last column is text, of any length. @default false */
  readonly endsInText?: boolean;
}

export function renderTable({ title, columns, rows, endsInText = false }: Table): string {
  const lines = [columns, ...rows];
  const isText = (column: number): boolean => column === 0 || (endsInText && column === columns.length - 1);
  const widths = columns.map((name, column) =>
    column > 0 && isText(column)
      ? name.length
      : Math.max(...lines.map((line) => (line[column] ?? '').length)),
  );
  const render = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('   ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('───');
  return [title, '', render(columns), rule, ...rows.map(render), '']
    .map((line) => `  ${line}`.trimEnd())
    .join('\n');
}

/** `21,300`; a dash where there is nothing to show. */
export function count(value: number | null): string {
  return value === null ? '–' : Math.round(value).toLocaleString('en-US');
}

export function fixed(value: number | null, digits: number, unit = ''): string {
  return value === null ? '–' : `${value.toFixed(digits)}${unit}`;
}

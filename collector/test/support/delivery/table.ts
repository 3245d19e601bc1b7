import type { Result } from './run';

/** A row for each scenario. */
export function tabulate(library: string, results: readonly Result[]): string {
  const rows = results.map(({ scenario, sent, arrivedAtOnce, arrivedAfterRevisit, copies }) => [
    scenario,
    ...[sent, arrivedAtOnce, arrivedAfterRevisit, copies].map(String),
  ]);
  const all = [[library, 'sent', 'at once', 'after revisit', 'copies'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!);
  return all.map((row) => `  ${row.map(pad).join('  ')}`).join('\n');
}

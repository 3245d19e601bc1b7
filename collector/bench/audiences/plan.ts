/** How Postgres reads what a rule asks: which tables by which index, and how much of them. */
import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Database } from '../../src/db/tables';

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Shared Hit Blocks'?: number;
  readonly 'Shared Read Blocks'?: number;
  readonly Plans?: readonly Node[];
}

export interface Reading {
  /** Such as "event: Seq Scan × 2; profile_part: Index Scan by profile_part_pkey". */
  readonly scans: string;
  /** Pages of 8 KB that it touched, most of them in memory. */
  readonly pages: number;
}

/** Runs the query and says what it read. */
export async function explain(
  transaction: Transaction<Database>,
  query: RawBuilder<unknown>,
): Promise<Reading> {
  const { rows } = await sql<{ 'QUERY PLAN': [{ Plan: Node }] }>`
    explain (analyze, buffers, timing off, format json) ${query}`.execute(transaction);
  const { Plan: root } = rows[0]!['QUERY PLAN'][0];
  const walk = (node: Node): readonly Node[] => [node, ...(node.Plans ?? []).flatMap(walk)];
  const times = new Map<string, number>();
  for (const node of walk(root)) {
    const scan = describeScan(node);
    if (scan !== null) times.set(scan, (times.get(scan) ?? 0) + 1);
  }
  const scans = [...times].sort().map(([scan, count]) => (count === 1 ? scan : `${scan} × ${count}`));
  return {
    scans: scans.join('; '),
    pages: pagesOf(root),
  };
}

const pagesOf = (node: Node): number => (node['Shared Hit Blocks'] ?? 0) + (node['Shared Read Blocks'] ?? 0);

/** null where nothing of a table was read: no scan, one that never ran, or of a month that has no events yet. */
function describeScan(node: Node): string | null {
  const { 'Node Type': kind, 'Relation Name': table, 'Index Name': index } = node;
  if (pagesOf(node) === 0 || (table ?? index) === undefined) return null;
  // A bitmap's own node names the index alone, and the one above it the table alone.
  const name = partitionless(table ?? index!);
  return index === undefined || table === undefined
    ? `${name}: ${kind}`
    : `${name}: ${kind} by ${partitionless(index)}`;
}

/** Of a partition the table, or the index, that it is a part of. */
function partitionless(name: string): string {
  return name
    .replace(/^event_(\d{4}_\d\d|default)/, 'event')
    .replace(/^event_workspace_id_subject_id.*/, 'event_timeline');
}

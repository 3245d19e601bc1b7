/** Ingest's results as tables, with the floors of the design beside them. */
import type { IngestResult, IngestRow } from './ingest';
import { count, fixed, type Table } from './table';

export function tabulateIngest(result: IngestResult): readonly Table[] {
  const { version, fsync, synchronousCommit } = result.postgres;
  return [
    {
      title: `Ingest over HTTP, committed before the answer (Postgres ${version}, fsync ${fsync}, synchronous_commit ${synchronousCommit})`,
      columns: ['', 'events', 'events/s', 'of COPY', 'ack p50', 'p95', 'p99 ms', 'floor'],
      rows: [...result.rows.map(speedOf), copySpeed(result)],
    },
    {
      title: 'What a million events cost: processor seconds, and bytes an event',
      columns: ['', 'collector', 'Postgres', 'generator', 'log bytes', 'disk bytes'],
      rows: [...result.rows.map((row, index) => costOf(row, index === 0 ? result : null)), copyCost(result)],
    },
    {
      title: `On disk after the batches, bytes an event (${count(result.requestBytesPerEvent)} as it was sent)`,
      columns: ['table, indexes included', 'bytes'],
      rows: Object.entries(result.diskBytesPerEvent.tables).map(([name, bytes]) => [name, count(bytes)]),
    },
  ];
}

function speedOf({ name, floor, events, eventsPerSecond, ofCopy, ackMs }: IngestRow): readonly string[] {
  return [
    name,
    count(events),
    count(eventsPerSecond),
    fixed(ofCopy, 2),
    fixed(ackMs.p50, 1),
    fixed(ackMs.p95, 1),
    fixed(ackMs.p99, 1),
    floor,
  ];
}

function copySpeed({ copy }: IngestResult): readonly string[] {
  return [
    'COPY, bare table, timeline index',
    count(copy.rows),
    count(copy.rowsPerSecond),
    '1.00',
    '',
    '',
    '',
    '',
  ];
}

function costOf(
  { name, cpuPerMillion, walBytesPerEvent }: IngestRow,
  first: IngestResult | null,
): readonly string[] {
  return [
    name,
    fixed(cpuPerMillion.collector, 1),
    fixed(cpuPerMillion.postgres, 1),
    fixed(cpuPerMillion.generator, 1),
    count(walBytesPerEvent),
    first === null ? '' : count(first.diskBytesPerEvent.total),
  ];
}

function copyCost({ copy }: IngestResult): readonly string[] {
  const { postgresCpuPerMillion, walBytesPerRow, bytesPerRow } = copy;
  return [
    'COPY, bare table, timeline index',
    '',
    fixed(postgresCpuPerMillion, 1),
    '',
    count(walBytesPerRow),
    count(bytesPerRow),
  ];
}

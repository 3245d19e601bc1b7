/** Ingest's results as tables, with the floors of the design beside them. */
import type { IngestResult, IngestRow } from './ingest';
import { count, fixed, type Table } from './table';

const NAMES: Readonly<Record<IngestRow['name'], string>> = {
  batches: '50 a batch, 16 connections',
  halfLoad: '50 a batch, half of that load',
  duplicates: 'the same batches again',
  singles: 'one a request, 128 connections',
};

/** What must hold on 2 cores with the load generator on the same machine. */
const FLOORS: Readonly<Record<IngestRow['name'], string>> = {
  batches: '20,000 · 0.30 of COPY',
  halfLoad: 'p99 50 ms',
  duplicates: '–',
  singles: '5,000',
};

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
      rows: [...result.rows.map((row) => costOf(row, result)), copyCost(result)],
    },
    {
      title: `On disk after the batches, bytes an event (${count(result.requestBytesPerEvent)} as it was sent)`,
      columns: ['table, indexes included', 'bytes'],
      rows: Object.entries(result.diskBytesPerEvent.tables).map(([name, bytes]) => [name, count(bytes)]),
    },
  ];
}

function speedOf({ name, events, eventsPerSecond, ofCopy, ackMs }: IngestRow): readonly string[] {
  return [
    NAMES[name],
    count(events),
    count(eventsPerSecond),
    fixed(ofCopy, 2),
    fixed(ackMs.p50, 1),
    fixed(ackMs.p95, 1),
    fixed(ackMs.p99, 1),
    FLOORS[name],
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
  { diskBytesPerEvent }: IngestResult,
): readonly string[] {
  return [
    NAMES[name],
    fixed(cpuPerMillion.collector, 1),
    fixed(cpuPerMillion.postgres, 1),
    fixed(cpuPerMillion.generator, 1),
    count(walBytesPerEvent),
    name === 'batches' ? count(diskBytesPerEvent.total) : '',
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

import { count, fixed, type Table } from '../table';
import type { AudiencesResult } from './measure';

const MEGABYTE = 1e6;

export function tabulateAudiences(results: readonly AudiencesResult[]): readonly Table[] {
  return results.flatMap((result) => {
    const about = `${count(result.events)} events of ${count(result.profiles)} profiles`;
    return [tabulateAsked(about, result), tabulatePlans(about, result), tabulateServed(about, result)];
  });
}

function tabulateAsked(about: string, { asked }: AudiencesResult): Table {
  return {
    title: `Audiences over ${about}, in ms (floor of a rebuild at 1M events: 2,000)`,
    columns: [
      ...['', 'members', 'first rebuild', 'rebuild', 'preview'],
      ...['200 dirty p50', 'p95', 'one profile p50', 'p95'],
    ],
    rows: asked.map(({ rule, members, first, again, preview, some, one }) => [
      ...[rule, count(members), count(first), count(again), count(preview)],
      ...[fixed(some.p50, 1), fixed(some.p95, 1), fixed(one.p50, 1), fixed(one.p95, 1)],
    ]),
  };
}

function tabulatePlans(about: string, { asked }: AudiencesResult): Table {
  return {
    title: `What Postgres reads for it (EXPLAIN (ANALYZE, BUFFERS)), over ${about}`,
    columns: ['', 'pages', 'scans'],
    endsInText: true,
    rows: asked.flatMap(({ rule, plans }) => [
      [`${rule}: all`, count(plans.all.pages), plans.all.scans],
      [`${rule}: one`, count(plans.one.pages), plans.one.scans],
    ]),
  };
}

function tabulateServed(about: string, { exports, delay, decide }: AudiencesResult): Table {
  const megabytes = (bytes: number | null) => (bytes === null ? '–' : count(bytes / MEGABYTE));
  return {
    title: `Members as a file, the way of an event, and decisions (floor: p95 10 ms), over ${about}`,
    columns: ['', 'rows/s', 'MB', 'collector’s MB before', 'at most', 'p50 / p95 / max ms'],
    rows: [
      ...exports.map(({ format, members, rowsPerSecond, bytes, memory }) => [
        ...[`${format}, ${count(members)} members`, count(rowsPerSecond), megabytes(bytes)],
        ...[megabytes(memory.before), megabytes(memory.peak), ''],
      ]),
      ...[{ name: 'from an event’s answer to /changes', ms: delay }, ...decide].map(({ name, ms }) => [
        ...[name, '', '', '', ''],
        [ms.p50, ms.p95, ms.max].map((value) => fixed(value, 1)).join(' / '),
      ]),
    ],
  };
}

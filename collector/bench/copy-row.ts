/** What the machine and its disk can do: the stored events once more, into a bare table with the timeline's index. */
import type pg from 'pg';
import { copyIn, copyOut } from './copy';
import { cpuSecondsOfFamily } from './cpu-time';
import { median } from './median';
import { readWalPosition } from './wal';

export interface CopyRow {
  readonly rows: number;
  /** The median of {@link ROUNDS}. */
  readonly rowsPerSecond: number;
  readonly postgresCpuPerMillion: number | null;
  readonly walBytesPerRow: number;
  readonly bytesPerRow: number;
}

const ROUNDS = 3;
const CHUNK_BYTES = 64 * 1024;

interface Round {
  readonly seconds: number;
  readonly cpu: number | null;
  readonly walBytes: number;
  readonly tableBytes: number;
}

/** One connection, one statement. */
export async function measureCopy(server: {
  readonly admin: pg.Client;
  readonly postmasterPid: number;
}): Promise<CopyRow> {
  const lines = await copyOut(server.admin, 'copy (select * from event) to stdout');
  const chunks = joinChunks(lines);
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await runRound(server, chunks, lines.length));
  const middle = median(rounds.map(({ seconds }) => seconds));
  const { cpu, walBytes, tableBytes } = rounds.find(({ seconds }) => seconds === middle)!;
  return {
    rows: lines.length,
    rowsPerSecond: lines.length / middle,
    postgresCpuPerMillion: cpu === null ? null : (cpu / lines.length) * 1e6,
    walBytesPerRow: walBytes / lines.length,
    bytesPerRow: tableBytes / lines.length,
  };
}

async function runRound(
  { admin, postmasterPid }: { readonly admin: pg.Client; readonly postmasterPid: number },
  chunks: readonly Buffer[],
  expected: number,
): Promise<Round> {
  await admin.query('create table bare_event (like event)');
  await admin.query('create index on bare_event (workspace_id, subject_id, occurred_at, message_id)');
  const cpuBefore = cpuSecondsOfFamily(postmasterPid);
  const walBefore = await readWalPosition(admin);
  const begun = performance.now();
  await copyIn(admin, 'copy bare_event from stdin', chunks);
  const seconds = (performance.now() - begun) / 1000;
  const cpuAfter = cpuSecondsOfFamily(postmasterPid);
  const walBytes = (await readWalPosition(admin)) - walBefore;
  const { rows } = await admin.query<{ bytes: string; count: string }>(
    `select pg_total_relation_size('bare_event') as bytes, count(*) as count from bare_event`,
  );
  if (Number(rows[0]!.count) !== expected) throw new Error('COPY did not store every row.');
  await admin.query('drop table bare_event');
  const cpu = cpuAfter === null || cpuBefore === null ? null : cpuAfter - cpuBefore;
  return { seconds, cpu, walBytes, tableBytes: Number(rows[0]!.bytes) };
}

/** A message a row, as COPY says them, would cost the sender more than Postgres. */
function joinChunks(lines: readonly Buffer[]): Buffer[] {
  const chunks: Buffer[] = [];
  let waiting: Buffer[] = [];
  let bytes = 0;
  for (const line of lines) {
    waiting.push(line);
    bytes += line.length;
    if (bytes < CHUNK_BYTES) continue;
    chunks.push(Buffer.concat(waiting));
    waiting = [];
    bytes = 0;
  }
  return [...chunks, Buffer.concat(waiting)];
}

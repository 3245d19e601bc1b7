import type { Kysely } from 'kysely';
import type { EventPlace, Manifest } from '../core/warehouse-run';
import type { StateTable } from '../core/warehouse-table';
import { awaitWriters, fixHorizon } from '../db/event-horizon';
import type { Database } from '../db/tables';
import { type EventPage, readEventPage, streamState } from '../db/warehouse-rows';
import type { Part } from './part';
import { createPartSeries } from './part-series';
import { type ExportOrder, openJournal, type RunJournal } from './run-journal';
import type { Target } from './target';

/** How far a run is. */
export interface ExportProgress {
  readonly run: number;
  readonly isResumed: boolean;
  /** What it does now. */
  readonly step: 'settling' | 'events' | StateTable;
  /** Rows in files that are there, and in the one that is being written. */
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
}

export interface RunOptions {
  readonly db: Kysely<Database>;
  readonly target: Target;
  readonly order: ExportOrder;
  readonly now: () => Date;
  /** Asked again and again; throws to end the run where it is. */
  readonly mayGoOn: () => void | Promise<void>;
  readonly onProgress: (progress: ExportProgress) => void;
  /** @default 1,000,000 */
  readonly maxRowsInFile?: number;
  /** How much younger events are left to the next run. @default LAG_MS */
  readonly lagMs?: number;
}

export interface FinishedRun {
  readonly manifest: Manifest;
  readonly isResumed: boolean;
}

const MAX_ROWS_IN_FILE = 1_000_000;
/** Requests are rarely on their way for longer; those that are lose nothing, and their group is written twice. */
const LAG_MS = 10_000;
const EVENTS_IN_PAGE = 1_000;

/**
 * Writes what a workspace has to a target, or goes on with what broke off there. A target has one run at a time (whoever
 * calls it sees to that), and each event is in the files of exactly one.
 *
 * @throws ExportError, or that the database is unavailable; the next run then goes on where this one was
 */
export async function runExport(options: RunOptions): Promise<FinishedRun> {
  const { db, target, order, now, mayGoOn, lagMs = LAG_MS, maxRowsInFile = MAX_ROWS_IN_FILE } = options;
  const { workspaceId } = order;
  const journal = await openJournal(target, order, {
    now,
    plan: async (from) => {
      const until = await fixHorizon(db, workspaceId, new Date(now().getTime() - lagMs));
      const isBehind = from !== null && until < from;
      return { from: from?.toISOString() ?? null, until: (isBehind ? from : until).toISOString() };
    },
  });
  const run = { ...options, maxRowsInFile, journal };
  if (!journal.current().areEventsDone) {
    report(run, 'settling');
    await awaitWriters(db, mayGoOn);
    await writeEvents(run);
  }
  const tables = journal.current().tables.filter((table) => table !== 'events');
  if (tables.length > 0 && journal.current().snapshotAt === null) await writeState(run, tables);
  await mayGoOn();
  return { manifest: await journal.complete(now()), isResumed: journal.isResumed };
}

type Run = RunOptions & { readonly journal: RunJournal; readonly maxRowsInFile: number };

function report({ journal, onProgress }: Run, step: ExportProgress['step'], part: Part | null = null): void {
  const { run, files } = journal.current();
  onProgress({
    run,
    isResumed: journal.isResumed,
    step,
    rows: files.reduce((sum, file) => sum + file.rows, part?.rows() ?? 0),
    files: files.length,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
  });
}

/** By the day on which they were received, in order: behind what is published nothing was written yet. */
async function writeEvents(run: Run): Promise<void> {
  const { journal, mayGoOn } = run;
  const series = createPartSeries(run);
  try {
    for await (const { rows, places } of pagesOf(run)) {
      await mayGoOn();
      for (const { day, from, to } of byDay(places)) {
        const kind = { table: 'events', receivedDate: day } as const;
        await series.add(kind, rows.slice(from, to), (row) => ({ after: toPlace(places[from + row]!) }));
      }
      report(run, 'events', series.open());
    }
    await series.finish();
  } finally {
    await series.abandon();
  }
  await journal.note({ areEventsDone: true });
}

async function* pagesOf({ db, order, journal }: Run): AsyncGenerator<EventPage, void, undefined> {
  const { events, after: done } = journal.current();
  const from = events!.from === null ? null : new Date(events!.from);
  const until = new Date(events!.until);
  let after = done === null ? null : { receivedAt: new Date(done.receivedAt), messageId: done.messageId };
  for (;;) {
    const limit = EVENTS_IN_PAGE;
    const page = await readEventPage(db, order.workspaceId, { from, until, after, limit });
    if (page.rows.length > 0) yield page;
    if (page.rows.length < limit) return;
    after = page.places.at(-1)!;
  }
}

const toPlace = ({ receivedAt, messageId }: EventPage['places'][number]): EventPlace => ({
  receivedAt: receivedAt.toISOString(),
  messageId,
});

interface DayOfPage {
  readonly day: string;
  readonly from: number;
  readonly to: number;
}

/** Which rows of a page, which is sorted, were received on which day. */
function byDay(places: EventPage['places']): DayOfPage[] {
  const days: DayOfPage[] = [];
  for (const [index, { receivedAt }] of places.entries()) {
    const day = receivedAt.toISOString().slice(0, 10);
    const last = days.at(-1);
    if (last?.day === day) days[days.length - 1] = { ...last, to: index + 1 };
    else days.push({ day, from: index, to: index + 1 });
  }
  return days;
}

/** All of them are of one moment: of a try that broke off nothing stays. */
async function writeState(run: Run, tables: readonly StateTable[]): Promise<void> {
  const { db, target, order, journal, mayGoOn } = run;
  for (const file of journal.current().files.filter(({ table }) => table !== 'events')) {
    await target.remove(file.path);
    await journal.note({ files: journal.current().files.filter(({ path }) => path !== file.path) });
  }
  const series = createPartSeries(run);
  let at: Date | null = null;
  try {
    for await (const { table, rows, snapshotAt } of streamState(db, order.workspaceId, tables)) {
      await mayGoOn();
      await series.add({ table }, rows);
      at = snapshotAt;
      report(run, table, series.open());
    }
    await series.finish();
  } finally {
    await series.abandon();
  }
  await journal.note({ snapshotAt: at!.toISOString() });
}

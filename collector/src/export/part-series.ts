import type { Row } from '../core/export-column';
import { type CurrentRun, partPath } from '../core/warehouse-run';
import type { WarehouseTable } from '../core/warehouse-table';
import { openPart, type Part } from './part';
import type { RunJournal } from './run-journal';
import type { Target } from './target';

/** Which files rows go into. */
export interface PartKind {
  readonly table: WarehouseTable;
  /** Of events. */
  readonly receivedDate?: string;
}

/** Files one after the other, each published before the next one is begun. */
export interface PartSeries {
  /**
   * @param doneAt what is done of the run when the rows up to this one are published
   */
  readonly add: (
    kind: PartKind,
    rows: readonly Row[],
    doneAt?: (row: number) => Partial<CurrentRun>,
  ) => Promise<void>;
  /** The file that is open. */
  readonly open: () => Part | null;
  readonly finish: () => Promise<void>;
  /** Gives up the file that is open. */
  readonly abandon: () => Promise<void>;
}

interface OpenPart {
  readonly part: Part;
  readonly kind: PartKind;
  done: Partial<CurrentRun>;
}

export function createPartSeries({
  target,
  journal,
  maxRowsInFile,
}: {
  readonly target: Target;
  readonly journal: RunJournal;
  readonly maxRowsInFile: number;
}): PartSeries {
  let open: OpenPart | null = null;
  const finish = async (): Promise<void> => {
    if (open === null) return;
    const { part, done } = open;
    await journal.publish(await part.finish(), done);
    open = null;
  };
  const openFor = async (kind: PartKind): Promise<OpenPart> => {
    if (open !== null && isSame(open.kind, kind) && open.part.rows() < maxRowsInFile) return open;
    await finish();
    const { current } = journal;
    const path = partPath(current(), kind, 1 + current().files.filter((file) => isSame(file, kind)).length);
    const part = await openPart(target.scratch, { ...kind, path, format: current().format });
    open = { kind, done: {}, part };
    return open;
  };
  return {
    open: () => open?.part ?? null,
    finish,
    abandon: async () => open?.part.abandon(),
    async add(kind, rows, doneAt = () => ({})) {
      let at = 0;
      do {
        const into = await openFor(kind);
        const end = Math.min(rows.length, at + maxRowsInFile - into.part.rows());
        await into.part.add(rows.slice(at, end));
        into.done = end === 0 ? {} : doneAt(end - 1);
        at = end;
      } while (at < rows.length);
    },
  };
}

const isSame = (one: PartKind, other: PartKind): boolean =>
  one.table === other.table && one.receivedDate === other.receivedDate;

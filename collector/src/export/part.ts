import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Row } from '../core/export-column';
import type { ExportFormat } from '../core/export-format';
import type { WarehouseFile } from '../core/warehouse-run';
import { WAREHOUSE_COLUMNS } from '../core/warehouse-table';
import { createRowEncoder } from './encode-rows';
import { toFileError } from './folder-target';

/** A file that is being written. */
export interface Part {
  /** How many it has so far. */
  readonly rows: () => number;
  readonly add: (rows: readonly Row[]) => Promise<void>;
  /** Ends the file, durably. */
  readonly finish: () => Promise<FinishedPart>;
  /** Gives it up. */
  readonly abandon: () => Promise<void>;
}

export interface FinishedPart extends WarehouseFile {
  /** Where it lies. */
  readonly file: string;
}

/** @throws ExportError */
export async function openPart(
  scratch: string,
  {
    format,
    ...place
  }: Pick<WarehouseFile, 'path' | 'table' | 'receivedDate'> & { readonly format: ExportFormat },
): Promise<Part> {
  const file = join(scratch, 'part.tmp');
  const encoder = createRowEncoder(format, WAREHOUSE_COLUMNS[place.table], { isFormulaSafe: false });
  const hash = createHash('sha256');
  const told = <T>(work: Promise<T>): Promise<T> =>
    work.catch((cause: unknown) => {
      throw toFileError(scratch, cause);
    });
  const handle = await told(open(file, 'w'));
  let [rows, bytes] = [0, 0];
  const write = async (chunk: Buffer): Promise<void> => {
    hash.update(chunk);
    bytes += chunk.length;
    await told(handle.writeFile(chunk));
  };
  return {
    rows: () => rows,
    async add(more) {
      rows += more.length;
      await write(encoder.add(more));
    },
    async finish() {
      await write(encoder.end());
      await told(handle.sync());
      await handle.close();
      return { ...place, rows, bytes, sha256: hash.digest('hex'), file };
    },
    abandon: () => handle.close().catch(() => undefined),
  };
}

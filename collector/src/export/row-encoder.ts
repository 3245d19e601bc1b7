import type { Row } from '../core/export-column';

/** Makes a file of rows, piece by piece; what is still missing of a piece comes with a later one. */
export interface RowEncoder {
  readonly add: (rows: readonly Row[]) => Buffer;
  /** The file's end; nothing comes after it. */
  readonly end: () => Buffer;
}

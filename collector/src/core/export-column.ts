/**
 * Files that leave have columns with a type, whatever they are written as. A cell is what the database says, unread where
 * reading would lose something: JSON stays its text, so a number is as exact as it was stored, and so does a decimal.
 */
export type ColumnType = 'text' | 'json' | 'instant' | 'integer' | 'decimal';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

/** null: missing. An instant is a Date, an integer a number; the others are texts. */
export type Cell = string | number | Date | null;

/** A cell for each column, in their order. */
export type Row = readonly Cell[];

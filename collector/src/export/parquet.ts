import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { DECIMAL_PRECISION, DECIMAL_SCALE, scaleDecimal } from '../core/decimal';
import type { Cell, Column, ColumnType, Row } from '../core/export-column';
import { textOfJson } from '../core/export-format';
import type { RowEncoder } from './row-encoder';

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];
type Element = Schema[number];

/**
 * What a group has at most: it is in memory, and encoded at a stretch in which nothing else runs. Larger groups would be
 * a few per cent smaller.
 */
const ROWS_IN_GROUP = 10_000;
const CHARACTERS_IN_GROUP = 4 * 1024 * 1024;
/** 38 digits take 127 bits. */
const DECIMAL_BYTES = 16;

/** JSON is a column of text: not every warehouse reads Parquet's own kind. */
const ELEMENTS: Readonly<Record<ColumnType, Omit<Element, 'name'>>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  json: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  instant: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  },
  integer: { type: 'INT64' },
  decimal: {
    type: 'FIXED_LEN_BYTE_ARRAY',
    type_length: DECIMAL_BYTES,
    converted_type: 'DECIMAL',
    logical_type: { type: 'DECIMAL', precision: DECIMAL_PRECISION, scale: DECIMAL_SCALE },
    precision: DECIMAL_PRECISION,
    scale: DECIMAL_SCALE,
  },
};

const asIs = (cell: NonNullable<Cell>): unknown => cell;

const VALUES: Readonly<Record<ColumnType, (cell: NonNullable<Cell>) => unknown>> = {
  text: asIs,
  json: (cell) => textOfJson(cell as string),
  instant: asIs,
  integer: (cell) => BigInt(cell as number),
  decimal: (cell) => scaleDecimal(cell as string),
};

/** Parquet in groups of rows, each of which is written and forgotten; what a file's end says of each stays. */
export function createParquetEncoder(columns: readonly Column[]): RowEncoder {
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({ writer: bytes, schema: schemaOf(columns), createdBy: 'throughline' });
  let waiting: Row[] = [];
  let characters = 0;
  const writeGroup = (): void => {
    const columnData = columns.map(({ name, type }, index) => ({
      name,
      data: waiting.map((row) => (row[index] === null ? null : VALUES[type](row[index]!))),
      offsetIndex: false,
    }));
    // Into memory, so it is done when it returns.
    void writer.write({ columnData, rowGroupSize: waiting.length });
    waiting = [];
    characters = 0;
  };
  const take = (): Buffer => {
    const taken = Buffer.from(bytes.getBytes());
    bytes.index = 0;
    return taken;
  };
  return {
    add(rows) {
      for (const row of rows) {
        waiting.push(row);
        for (const cell of row) if (typeof cell === 'string') characters += cell.length;
        if (waiting.length >= ROWS_IN_GROUP || characters >= CHARACTERS_IN_GROUP) writeGroup();
      }
      return take();
    },
    end() {
      if (waiting.length > 0) writeGroup();
      void writer.finish();
      return take();
    },
  };
}

function schemaOf(columns: readonly Column[]): Schema {
  const elements = columns.map(({ name, type }): Element => ({
    name,
    repetition_type: 'OPTIONAL',
    ...ELEMENTS[type],
  }));
  return [{ name: 'root', num_children: elements.length }, ...elements];
}

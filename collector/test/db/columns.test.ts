import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { counts, instants, jsons, texts, uuids } from '../../src/db/columns';
import { type OpenedDatabase, openDatabase } from '../../src/db/connect';
import { createTestDatabase, type TestDatabase } from '../support/database';

/** The first and last instants that RFC 3339 can say. */
const FIRST = Date.parse('0001-01-01T00:00:00.000Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

describe('a column that is sent as a binary array', () => {
  let database: TestDatabase;
  let opened: OpenedDatabase;
  beforeAll(async () => {
    database = await createTestDatabase({ isEmpty: true });
    opened = openDatabase(database.url, { max: 1, applicationName: 'throughline-test' });
  });
  afterAll(async () => {
    await opened.close();
    await database.close();
  });

  /** What the server read, as text, row by row. */
  async function readBack(column: Buffer, type: string): Promise<(string | null)[]> {
    const { rows } = await opened.pool.query<{ value: string | null }>(
      `select value::text from unnest($1::${type}[]) as given (value)`,
      [column],
    );
    return rows.map(({ value }) => value);
  }

  const nullable = <T>(values: fc.Arbitrary<T>) => fc.array(fc.option(values));
  const storable = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));

  it('arrives as it was: texts', async () => {
    await fc.assert(
      fc.asyncProperty(nullable(storable), async (values) => {
        expect(await readBack(texts(values), 'text')).toEqual(values);
      }),
    );
  });

  it('arrives as it was: JSON', async () => {
    const json = fc.dictionary(storable, storable);
    await fc.assert(
      fc.asyncProperty(nullable(json), async (values) => {
        const column = jsons(values.map((value) => (value === null ? null : JSON.stringify(value))));
        const read = await readBack(column, 'jsonb');
        expect(read.map((text) => (text === null ? null : (JSON.parse(text) as unknown)))).toEqual(
          values.map((value) => (value === null ? null : { ...value })),
        );
      }),
    );
  });

  it('arrives as it was: UUIDs, in whatever case', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.uuid(), fc.boolean())), async (values) => {
        const given = values.map(([uuid, isUpper]) => (isUpper ? uuid.toUpperCase() : uuid));
        expect(await readBack(uuids(given), 'uuid')).toEqual(values.map(([uuid]) => uuid.toLowerCase()));
      }),
    );
  });

  it('arrives as it was: whole numbers, also below zero and beyond 32 bits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.maxSafeInteger()), async (values) => {
        expect(await readBack(counts(values), 'bigint')).toEqual(values.map(String));
      }),
    );
  });

  it('arrives as it was: instants from the year 1 to the year 9999, to the millisecond', async () => {
    const instant = fc.oneof(fc.integer({ min: FIRST, max: LAST }), fc.constantFrom(FIRST, LAST, -1, 0, 1));
    await fc.assert(
      fc.asyncProperty(nullable(instant), async (values) => {
        const { rows } = await opened.pool.query<{ ms: string | null }>(
          `select (extract(epoch from value) * 1000)::bigint::text as ms from unnest($1::timestamptz[]) as given (value)`,
          [instants(values)],
        );
        expect(rows.map(({ ms }) => ms)).toEqual(
          values.map((value) => (value === null ? null : String(value))),
        );
      }),
    );
  });

  it('arrives as it was: the ends of time', async () => {
    expect(await readBack(instants([-Infinity, Infinity]), 'timestamptz')).toEqual(['-infinity', 'infinity']);
  });
});

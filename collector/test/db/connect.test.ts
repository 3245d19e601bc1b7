import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inWorkspace, openDatabase, type OpenedDatabase } from '../../src/db/connect';
import { createTestDatabase, type TestDatabase } from '../support/database';

const WORKSPACE = '0190b3f0-0000-7000-8000-000000000001';

let database: TestDatabase;
let opened: OpenedDatabase;
let idleErrors: Error[];

beforeAll(async () => {
  database = await createTestDatabase();
  idleErrors = [];
  opened = openDatabase(database.url, {
    max: 3,
    applicationName: 'throughline-test',
    onIdleError: (error) => idleErrors.push(error),
  });
});

afterAll(async () => {
  await opened.close();
  await database.close();
});

async function ask(expression: string): Promise<unknown> {
  const { rows } = await opened.pool.query<{ answer: unknown }>(`select ${expression} as answer`);
  return rows[0]?.answer;
}

describe('what comes out of the database', () => {
  it('is a number where it counts, exact text where it is money, and an instant where it is a time', async () => {
    expect(await ask('9007199254740991::bigint')).toBe(9_007_199_254_740_991);
    expect(await ask('array[1, null]::bigint[]')).toEqual([1, null]);
    expect(await ask('0.10::numeric')).toBe('0.10');
    expect(await ask(`'2026-01-02T03:04:05.678Z'::timestamptz`)).toEqual(
      new Date('2026-01-02T03:04:05.678Z'),
    );
    expect(await ask(`'infinity'::timestamptz`)).toBe(Infinity);
    expect(await ask(`'-infinity'::timestamptz`)).toBe(-Infinity);
  });

  it('is an error rather than a wrong number where a count does not fit', async () => {
    await expect(ask('9007199254740993::bigint')).rejects.toThrow('9007199254740993 does not fit');
  });
});

describe('a read in a workspace', () => {
  const read = sql<{ workspace: string }>`select current_setting('throughline.workspace', true) as workspace`;

  it('says which one, for that transaction only', async () => {
    const inside = await inWorkspace(opened.db, WORKSPACE, (transaction) => read.execute(transaction));
    expect(inside.rows[0]?.workspace).toBe(WORKSPACE);
    expect(await ask(`coalesce(current_setting('throughline.workspace', true), '')`)).toBe('');
  });

  it('cannot change anything', async () => {
    const write = inWorkspace(opened.db, WORKSPACE, (transaction) =>
      sql`create table written (a int)`.execute(transaction),
    );
    await expect(write).rejects.toThrow('read-only transaction');
  });
});

describe('a connection that the server ends', () => {
  it('while it is in use fails what used it, and neither the process nor the pool', async () => {
    const client = await opened.pool.connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    await opened.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    // Without a listener of the pool's own, the process ends before this.
    await ended;
    await expect(client.query('select 1')).rejects.toThrow();
    client.release(true);
    expect(await ask('1')).toBe(1);
  });

  it('while nobody uses it is told, and the next query has another', async () => {
    const before = idleErrors.length;
    const [first, second] = await Promise.all([opened.pool.connect(), opened.pool.connect()]);
    const { rows } = await first.query<{ pid: number }>('select pg_backend_pid() as pid');
    const ended = new Promise<void>((resolve) => first.once('end', resolve));
    first.release();
    await second.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await ended;
    second.release();
    expect(idleErrors.length).toBeGreaterThan(before);
    expect(await ask('1')).toBe(1);
  });
});

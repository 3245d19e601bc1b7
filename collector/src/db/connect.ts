/** The connection pools. Nothing here is session state, so a transaction pooler may stand in between. */
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import pg from 'pg';
import { createPreparing, type Preparing } from './prepared';
import type { Database } from './tables';

export interface OpenDatabaseOptions {
  /** Connections at most. */
  readonly max: number;
  /** How the connections call themselves in `pg_stat_activity`. */
  readonly applicationName: string;
  /**
   * Sends the statements of one connection without waiting for the answers of those before; for writers, which know
   * their statements in advance. https://node-postgres.com/features/pipelining
   * @default false
   */
  readonly pipeline?: boolean;
  /**
   * How long the server may take for an answer, in milliseconds. It has time limits of its own; this one is for a server
   * whose machine vanished without a word, and closes the connection.
   * @default for ever
   */
  readonly answerTimeoutMs?: number;
  /** A connection that nobody was using broke; the pool has already dropped it and opens another when asked. */
  readonly onIdleError?: (error: Error) => void;
}

export interface OpenedDatabase {
  readonly db: Kysely<Database>;
  readonly pool: pg.Pool;
  /** Waits for the connections in use to be given back. */
  readonly close: () => Promise<void>;
}

/** What prepares the statements of a database. */
const preparingOf = new WeakMap<Kysely<Database>, Preparing>();

const CONNECT_TIMEOUT_MS = 10_000;
const INT8 = 20;
// Typed as a number: pg's list of type IDs has no arrays.
const INT8_ARRAY: number = 1016;

/** Opens lazily: the first query connects. */
export function openDatabase(url: string, options: OpenDatabaseOptions): OpenedDatabase {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max,
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    pipeline: options.pipeline ?? false,
    ...(options.answerTimeoutMs === undefined ? {} : { query_timeout: options.answerTimeoutMs }),
    types: { getTypeParser },
  });
  // Without a listener, a database that goes away ends the process. The pool listens to idle connections only; one in
  // use, or just thrown out, may still report that its socket broke, after whoever used it has had the error.
  pool.on('error', (error) => options.onIdleError?.(error));
  pool.on('connect', (client) => client.on('error', () => undefined));
  const preparing = createPreparing();
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: preparing.among(pool) }) });
  preparingOf.set(db, preparing);
  const close = async () => {
    await db.destroy();
    // Kysely only ends a pool that it has used itself.
    if (!pool.ended) await pool.end();
  };
  return { db, pool, close };
}

/**
 * What waits longer holds one of few connections: for a lock (a migration, an administrator), or with a statement that
 * does not end. It is answered 503.
 */
const LOCK_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;

/**
 * Runs `read` in a read-only transaction that sees one workspace: row-level security compares each row with
 * `throughline.workspace`, which is set for this transaction only.
 */
export function inWorkspace<T>(
  db: Kysely<Database>,
  workspaceId: string,
  read: (transaction: Transaction<Database>) => Promise<T>,
): Promise<T> {
  return readAs('read committed', { db, workspaceId, read });
}

/** As {@link inWorkspace}; all statements see the same moment. None is long enough to be worth compiling (JIT). */
export function inSnapshot<T>(
  db: Kysely<Database>,
  workspaceId: string,
  read: (transaction: Transaction<Database>) => Promise<T>,
): Promise<T> {
  return readAs('repeatable read', { db, workspaceId, read });
}

interface Read<T> {
  readonly db: Kysely<Database>;
  readonly workspaceId: string;
  readonly read: (transaction: Transaction<Database>) => Promise<T>;
}

/** Once more where a pooler keeps no prepared statements: from then on none is prepared. */
async function readAs<T>(isolation: 'read committed' | 'repeatable read', reading: Read<T>): Promise<T> {
  try {
    return await readOnce(isolation, reading);
  } catch (error) {
    if (preparingOf.get(reading.db)?.isGivenUpBy(error) !== true) throw error;
    return readOnce(isolation, reading);
  }
}

function readOnce<T>(
  isolation: 'read committed' | 'repeatable read',
  { db, workspaceId, read }: Read<T>,
): Promise<T> {
  return db
    .transaction()
    .setIsolationLevel(isolation)
    .setAccessMode('read only')
    .execute(async (transaction) => {
      await sql`
        select set_config('throughline.workspace', ${workspaceId}, true),
          set_config('lock_timeout', ${String(LOCK_TIMEOUT_MS)}, true),
          set_config('statement_timeout', ${String(STATEMENT_TIMEOUT_MS)}, true),
          set_config('jit', ${isolation === 'repeatable read' ? 'off' : 'on'}, true)`.execute(transaction);
      return read(transaction);
    });
}

/**
 * As {@link inWorkspace}, for changes: all of them or none. They wait for locks as long as a statement may take, since
 * one rebuild waits for another.
 */
export function changeWorkspace<T>(
  db: Kysely<Database>,
  workspaceId: string,
  change: (transaction: Transaction<Database>) => Promise<T>,
): Promise<T> {
  return db.transaction().execute(async (transaction) => {
    await sql`
      select set_config('throughline.workspace', ${workspaceId}, true),
        set_config('statement_timeout', ${String(STATEMENT_TIMEOUT_MS)}, true)`.execute(transaction);
    return change(transaction);
  });
}

/**
 * pg's parsers, except for bigint: we count with it, so it is a number, and one that does not fit is an error rather
 * than a wrong number. numeric stays text (exact), timestamptz is a Date, or ±Infinity where it is 'infinity'.
 */
const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: unknown) => {
  if (format !== 'binary' && oid === INT8) return parseInt8;
  if (format !== 'binary' && oid === INT8_ARRAY) return parseInt8Array;
  return pg.types.getTypeParser(oid, format as 'text');
};

function parseInt8(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new RangeError(`The bigint ${text} does not fit a number`);
  return number;
}

function parseInt8Array(text: string): (number | null)[] {
  const asTexts = pg.types.getTypeParser(INT8_ARRAY, 'text') as (text: string) => (string | null)[];
  return asTexts(text).map((element) => (element === null ? null : parseInt8(element)));
}

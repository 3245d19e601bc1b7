/**
 * Applies `migrations/NNNN_name.sql` in order, each in its own transaction. Forward only: what was applied must still
 * be there, unchanged. Any number of processes may do this at once; one applies, the others wait and find it done.
 */
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool, PoolClient } from 'pg';

/** The migrations and the database do not fit each other; the message says which file and what to do. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

interface Migration {
  readonly number: number;
  /** File name, e.g. `0001_workspaces.sql`. */
  readonly name: string;
  readonly checksum: string;
  readonly sql: string;
}

interface AppliedMigration {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
}

/** Any constant will do; it must only never change, because older versions wait for the same one. */
const ADVISORY_LOCK = 7_436_151_204;

/** A migration must not queue behind a long query while everybody else queues behind it: it gives up and tries again. */
const LOCK_TIMEOUT_MS = 5_000;
const LOCK_ATTEMPTS = 12;
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Brings the database up to date and returns the names of the migrations that this call applied.
 * @throws MigrationError
 */
export async function migrate(pool: Pool, folder: string): Promise<readonly string[]> {
  const migrations = await readMigrations(folder);
  const names: string[] = [];
  const client = await pool.connect();
  try {
    let name = await applyNext(client, migrations);
    while (name !== undefined) {
      names.push(name);
      name = await applyNext(client, migrations);
    }
  } finally {
    client.release();
  }
  return names;
}

async function readMigrations(folder: string): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  const migrations = await Promise.all(names.map((name) => readMigration(folder, name)));
  for (const [index, { number, name }] of migrations.entries()) {
    if (number === index + 1) continue;
    const previous = migrations[index - 1];
    throw new MigrationError(
      previous?.number === number
        ? `${previous.name} and ${name} have the same number.`
        : `There is no migration number ${index + 1} before ${name}: numbers start at 0001 and leave no gap.`,
    );
  }
  return migrations;
}

async function readMigration(folder: string, name: string): Promise<Migration> {
  const digits = /^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1];
  if (digits === undefined) throw new MigrationError(`${name} is not named like 0001_what_it_does.sql.`);
  // Some checkouts end lines with CR LF; that does not make it another migration.
  const text = (await readFile(join(folder, name), 'utf8')).replaceAll('\r\n', '\n');
  return {
    number: Number(digits),
    name,
    sql: text,
    checksum: createHash('sha256').update(text).digest('hex'),
  };
}

async function applyNext(client: PoolClient, migrations: readonly Migration[]): Promise<string | undefined> {
  for (let attempt = 1; ; attempt++) {
    await client.query('begin');
    try {
      const name = await applyNextInTransaction(client, migrations);
      await client.query('commit');
      return name;
    } catch (error) {
      await rollBack(client);
      const mayRetry = isDatabaseError(error) && error.code === LOCK_NOT_AVAILABLE && attempt < LOCK_ATTEMPTS;
      if (!mayRetry) throw error;
    }
  }
}

async function applyNextInTransaction(
  client: PoolClient,
  migrations: readonly Migration[],
): Promise<string | undefined> {
  // Held until the transaction ends, also by a process that dies; never left to a pooled session.
  await client.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCK]);
  const applied = await readApplied(client);
  refuseMismatch(migrations, applied);
  const next = migrations[applied.length];
  if (next === undefined) return undefined;

  await client.query(`select set_config('lock_timeout', $1, true)`, [`${LOCK_TIMEOUT_MS}ms`]);
  await client.query(next.sql).catch((error: unknown) => {
    throw locate(error, next);
  });
  await client.query('insert into throughline_migration (number, name, checksum) values ($1, $2, $3)', [
    next.number,
    next.name,
    next.checksum,
  ]);
  return next.name;
}

async function readApplied(client: PoolClient): Promise<readonly AppliedMigration[]> {
  // Looked up first, since "create … if not exists" would print a notice at every start and needs more rights.
  const { rows } = await client.query<{ exists: boolean }>(
    `select to_regclass('throughline_migration') is not null as exists`,
  );
  if (rows[0]?.exists !== true) {
    await client.query(`create table throughline_migration (
      number integer primary key, name text not null, checksum text not null,
      applied_at timestamptz not null default now())`);
  }
  const applied = await client.query<AppliedMigration>(
    'select number, name, checksum from throughline_migration order by number',
  );
  return applied.rows;
}

function refuseMismatch(migrations: readonly Migration[], applied: readonly AppliedMigration[]): void {
  for (const [index, done] of applied.entries()) {
    const here = migrations[index];
    if (here === undefined) {
      throw new MigrationError(
        `The database is newer than this version: it has ${done.name}, which is not here. Start the version that applied it, or a later one.`,
      );
    }
    if (here.name !== done.name) {
      throw new MigrationError(
        `The database was migrated with ${done.name}, but here number ${here.number} is ${here.name}. Restore the file that was applied.`,
      );
    }
    if (here.checksum !== done.checksum) {
      throw new MigrationError(
        `${here.name} was edited after it was applied. Restore it, and put the change into a new migration.`,
      );
    }
  }
}

type DatabaseError = Error & { readonly code: string; readonly position?: string };

function isDatabaseError(error: unknown): error is DatabaseError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}

function locate(error: unknown, migration: Migration): unknown {
  if (!isDatabaseError(error) || error.code === LOCK_NOT_AVAILABLE) return error;
  const before = migration.sql.slice(0, Number(error.position ?? 0));
  const line = error.position === undefined ? '' : `, line ${before.split('\n').length}`;
  return new MigrationError(`${migration.name}${line}: ${error.message}`, { cause: error });
}

async function rollBack(client: PoolClient): Promise<void> {
  // A connection that is gone has nothing to roll back, and the first error is the one to tell.
  await client.query('rollback').catch(() => undefined);
}

/** A database to a test: its own, migrated, and owned by the role that the collector uses, which is no superuser. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
  readonly url: string;
  /** Drops it, with whatever is still connected. */
  readonly close: () => Promise<void>;
}

export interface TestDatabaseOptions {
  /** Without the schema. @default false */
  readonly isEmpty?: boolean;
}

export async function createTestDatabase({
  isEmpty = false,
}: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { url } = inject('postgres');
  const owner = new URL(url).username;
  const template = isEmpty ? 'template0' : new URL(url).pathname.slice(1);
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(`create database ${name} template ${template} owner ${owner} strategy file_copy`);
  const its = new URL(url);
  its.pathname = `/${name}`;
  return { url: its.href, close: () => asAdmin(`drop database ${name} with (force)`) };
}

async function asAdmin(statement: string): Promise<void> {
  const client = new pg.Client(inject('postgres').adminUrl);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Folders that exports write to, as whoever loads them finds them. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Manifest } from '../../src/core/warehouse-run';
import type { WarehouseTable } from '../../src/core/warehouse-table';

export type LoadedRow = Readonly<Record<string, unknown>>;

export interface Warehouse {
  readonly folder: string;
  /** Of the complete runs, in order. */
  readonly manifests: () => readonly Manifest[];
  /** Paths of all files that somebody could load, sorted. */
  readonly files: () => readonly string[];
  /** All rows of a table in NDJSON, or those of one run. */
  readonly rows: (table: WarehouseTable, run?: number) => readonly LoadedRow[];
  readonly remove: () => void;
}

/** A new folder, or one below it. */
export function makeWarehouse(below = ''): Warehouse {
  const root = mkdtempSync(join(tmpdir(), 'throughline-warehouse-'));
  return {
    ...openWarehouse(join(root, below)),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

export function openWarehouse(folder: string): Omit<Warehouse, 'remove'> {
  const allFiles = (): readonly string[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .sort();
  const manifests = (): readonly Manifest[] =>
    allFiles()
      .filter((path) => path.startsWith('manifests/'))
      .map((path) => JSON.parse(readFileSync(join(folder, path), 'utf8')) as Manifest);
  return {
    folder,
    manifests,
    files: () => allFiles().filter((path) => !path.endsWith('.json')),
    rows: (table, run) =>
      manifests()
        .filter((manifest) => run === undefined || manifest.run === run)
        .flatMap(({ files }) => files.filter((file) => file.table === table))
        .flatMap(({ path }) => readFileSync(join(folder, path), 'utf8').trimEnd().split('\n'))
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as LoadedRow),
  };
}

/** What manifests say of their files is what is there, and nothing else is. */
export function expectWhole({ folder, manifests, files }: Omit<Warehouse, 'remove'>): void {
  const named = manifests().flatMap((manifest) => manifest.files);
  expect(files()).toEqual(named.map(({ path }) => path).sort());
  for (const { path, bytes, sha256 } of named) {
    const content = readFileSync(join(folder, path));
    expect([path, content.length, createHash('sha256').update(content).digest('hex')]).toEqual([
      path,
      bytes,
      sha256,
    ]);
  }
}

import { copyFile, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type OpenedDatabase } from '../../src/db/connect';
import { migrate } from '../../src/db/migrate';
import { FOLDERS } from '../../src/folders';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let opened: OpenedDatabase;
let folder: string;

beforeEach(async () => {
  database = await createTestDatabase({ isEmpty: true });
  opened = openDatabase(database.url, { max: 4, applicationName: 'throughline-test' });
  folder = await mkdtemp(join(tmpdir(), 'throughline-migrations-'));
  await writeFile(
    join(folder, '0001_first.sql'),
    'create table first (a int);\ncreate table second (a int);\n',
  );
  await writeFile(join(folder, '0002_more.sql'), 'alter table first add column b int;\n');
});

afterEach(async () => {
  await opened.close();
  await database.close();
  await rm(folder, { recursive: true });
});

const columnsOfFirst = async (): Promise<readonly string[]> => {
  const { rows } = await opened.pool.query<{ column_name: string }>(
    `select column_name from information_schema.columns where table_name = 'first' order by 1`,
  );
  return rows.map((row) => row.column_name);
};

describe('migrate', () => {
  it('applies the files in order, says which, and does nothing the second time', async () => {
    expect(await migrate(opened.pool, folder)).toEqual(['0001_first.sql', '0002_more.sql']);
    expect(await columnsOfFirst()).toEqual(['a', 'b']);
    expect(await migrate(opened.pool, folder)).toEqual([]);
  });

  it('applies what came later on top of what was there', async () => {
    await migrate(opened.pool, folder);
    await writeFile(join(folder, '0003_later.sql'), 'alter table first add column c int;');
    expect(await migrate(opened.pool, folder)).toEqual(['0003_later.sql']);
    expect(await columnsOfFirst()).toEqual(['a', 'b', 'c']);
  });

  it('lets three at once share the work: each file is applied by exactly one, and all of them succeed', async () => {
    const others = [0, 1].map(() =>
      openDatabase(database.url, { max: 1, applicationName: 'throughline-test' }),
    );
    const applied = await Promise.all([opened, ...others].map(({ pool }) => migrate(pool, folder)));
    await Promise.all(others.map((other) => other.close()));
    expect(applied.flat().sort()).toEqual(['0001_first.sql', '0002_more.sql']);
  });

  it('names an edited file and leaves the database as it was', async () => {
    await migrate(opened.pool, folder);
    await writeFile(join(folder, '0001_first.sql'), 'create table elsewhere (a int);');
    await writeFile(join(folder, '0003_later.sql'), 'alter table first add column c int;');
    await expect(migrate(opened.pool, folder)).rejects.toThrow(
      '0001_first.sql was edited after it was applied',
    );
    expect(await columnsOfFirst()).toEqual(['a', 'b']);
  });

  it('does not take other line ends for an edit', async () => {
    await migrate(opened.pool, folder);
    await writeFile(
      join(folder, '0001_first.sql'),
      'create table first (a int);\r\ncreate table second (a int);\r\n',
    );
    expect(await migrate(opened.pool, folder)).toEqual([]);
  });

  it('refuses a database that is newer than the files', async () => {
    await migrate(opened.pool, folder);
    await rm(join(folder, '0002_more.sql'));
    await expect(migrate(opened.pool, folder)).rejects.toThrow(
      'newer than this version: it has 0002_more.sql',
    );
  });

  it('refuses a file that has taken the number of another that was applied', async () => {
    await migrate(opened.pool, folder);
    await rename(join(folder, '0002_more.sql'), join(folder, '0002_other.sql'));
    await expect(migrate(opened.pool, folder)).rejects.toThrow(
      '0002_more.sql, but here number 2 is 0002_other.sql',
    );
  });

  it('refuses a gap, a number twice and an odd name before it touches anything', async () => {
    await rename(join(folder, '0002_more.sql'), join(folder, '0003_more.sql'));
    await expect(migrate(opened.pool, folder)).rejects.toThrow('no migration number 2 before 0003_more.sql');
    await rename(join(folder, '0003_more.sql'), join(folder, '0001_more.sql'));
    await expect(migrate(opened.pool, folder)).rejects.toThrow(
      '0001_first.sql and 0001_more.sql have the same number',
    );
    await rename(join(folder, '0001_more.sql'), join(folder, 'more.sql'));
    await expect(migrate(opened.pool, folder)).rejects.toThrow('more.sql is not named like');
    expect(await columnsOfFirst()).toEqual([]);
  });

  it('takes a failing file back whole, keeps those before it, and says the line', async () => {
    await writeFile(
      join(folder, '0003_broken.sql'),
      '-- why\nalter table first add column c int;\nalter tabel first;',
    );
    await expect(migrate(opened.pool, folder)).rejects.toThrow('0003_broken.sql, line 3: syntax error');
    expect(await columnsOfFirst()).toEqual(['a', 'b']);
    await writeFile(join(folder, '0003_broken.sql'), '-- why\nalter table first add column c int;');
    expect(await migrate(opened.pool, folder)).toEqual(['0003_broken.sql']);
  });

  it("applies the collector's own files to an empty database", async () => {
    for (const name of await readdir(FOLDERS.migrations))
      await copyFile(join(FOLDERS.migrations, name), join(folder, name));
    await rm(join(folder, '0001_first.sql'));
    await rm(join(folder, '0002_more.sql'));
    const names = (await readdir(FOLDERS.migrations)).filter((name) => name.endsWith('.sql')).sort();
    expect(await migrate(opened.pool, FOLDERS.migrations)).toEqual(names);
    expect(await migrate(opened.pool, folder)).toEqual([]);
  });
});

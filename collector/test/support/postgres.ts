/** Starts one Postgres for a test run, the way `npm start` does, and prepares a migrated database to copy. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildStale } from '../../bin/build.mjs';
import { openDatabase } from '../../src/db/connect';
import { migrate } from '../../src/db/migrate';
import { openEmbeddedPostgres } from '../../src/embedded/embedded-postgres';
import { FOLDERS } from '../../src/folders';
import { machineBinaries } from './machine-binaries';

declare module 'vitest' {
  interface ProvidedContext {
    postgres: {
      /** The superuser's. */
      readonly adminUrl: string;
      /** Of the role that owns the databases; its database is migrated, and nobody connects to it. */
      readonly url: string;
    };
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!(await buildStale())) console.error('What starts a collector will not start what the sources say.');
  const folder = mkdtempSync(join(tmpdir(), 'throughline-test-'));
  // Root starts Postgres as another user, who must be able to enter.
  chmodSync(folder, 0o711);
  const postgres = await openEmbeddedPostgres({
    folder: join(folder, 'data'),
    isConfigured: true,
    onNotice: (sentence) => console.warn(sentence),
    onProblem: (sentence) => console.error(sentence),
    // Nothing here survives the run, so nothing needs to reach the disk; what must is tested with a collector's own.
    settings: { fsync: 'off', full_page_writes: 'off', max_connections: '200' },
    ...machineBinaries(),
  });
  const template = openDatabase(postgres.url, { max: 1, applicationName: 'throughline-test-template' });
  await migrate(template.pool, FOLDERS.migrations);
  await template.close();
  project.provide('postgres', { adminUrl: postgres.adminUrl, url: postgres.url });
  return async () => {
    await postgres.close('immediate');
    rmSync(folder, { recursive: true, force: true });
  };
}

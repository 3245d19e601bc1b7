/** Where Postgres and its data lie, so that the user who runs it can reach both. */
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { copyBinaries, type Binaries } from './binaries';
import { findServerUser, mayAccess, type ServerUser } from './server-user';
import { StartError } from './start-error';

export interface Places {
  readonly binaries: Binaries;
  /** Holds everything below; the collector's own files in it are readable by the collector alone. */
  readonly folder: string;
  /** Postgres's data directory, owned by `user`. */
  readonly pgData: string;
  readonly user: ServerUser;
  /** Said at the start when something does not lie where one would look for it. */
  readonly notice: string | undefined;
}

export interface Wanted {
  /** Absolute. */
  readonly folder: string;
  /** Somebody named that folder, so it is that one or none. */
  readonly isConfigured: boolean;
  readonly binaries: Binaries;
  /** @default "postgres" */
  readonly osUser?: string;
  /** Where every user may go, for what cannot lie where it should. @default "/var/lib/throughline" */
  readonly sharedFolder?: string;
}

const SHARED_FOLDER = '/var/lib/throughline';
const SIGNPOST = 'data-lie-in';

/** @throws StartError when the data cannot lie where they were asked to, or already are */
export function findPlaces(wanted: Wanted): Places {
  const user = findServerUser(pgDataIn(wanted.folder), wanted.osUser);
  const shared = wanted.sharedFolder ?? SHARED_FOLDER;
  const binaries = canRun(user, wanted.binaries) ? wanted.binaries : copyTo(shared, wanted.binaries);
  const folder = chooseFolder(wanted, user, shared);
  makeFolder(folder, user);
  if (user !== undefined && !mayAccess(user, '-x', folder)) throw unreachable({ ...wanted, folder }, user);
  const notice =
    folder === wanted.folder
      ? undefined
      : `The data lie in ${folder}, because ${nameOf(user)}, who runs Postgres, may not enter ${dirname(wanted.folder)}.`;
  return { binaries, folder, pgData: pgDataIn(folder), user, notice };
}

function chooseFolder(wanted: Wanted, user: ServerUser, shared: string): string {
  const { folder, isConfigured } = wanted;
  // Data that are there are used where they are, whatever became of the folder's permissions since.
  const isHere = existsSync(pgDataIn(folder));
  const elsewhere = isConfigured || isHere ? undefined : readSignpost(folder);
  if (elsewhere !== undefined) return elsewhere;
  if (user === undefined || mayAccess(user, '-x', nearestExisting(folder))) return folder;
  if (!isConfigured && !isHere) return putSignpost(folder, shared);
  throw unreachable(wanted, user);
}

/**
 * The data folder then holds only a line that says where the data are: with it, as with data, they are found again,
 * and without it (a new clone in an old place) the start begins anew.
 */
function putSignpost(folder: string, shared: string): string {
  const place = createHash('sha256').update(folder).digest('hex').slice(0, 12);
  const elsewhere = join(shared, `data-${place}-${randomBytes(3).toString('hex')}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(join(folder, SIGNPOST), `${elsewhere}\n`, { flag: 'wx' });
    return elsewhere;
  } catch (error) {
    // Another start put one there just now.
    const theirs = readSignpost(folder);
    if (theirs === undefined) throw error;
    return theirs;
  }
}

/** Where the data are that do not lie in this folder; undefined where nothing says that they are elsewhere. */
export function readSignpost(folder: string): string | undefined {
  const path = join(folder, SIGNPOST);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}

function unreachable({ folder, isConfigured }: Wanted, user: ServerUser): StartError {
  return new StartError(
    `The data folder ${folder} cannot be entered by ${nameOf(user)}, who runs Postgres because root may not. ` +
      (isConfigured
        ? 'Set THROUGHLINE_DATA_DIR to a folder that every user may enter.'
        : 'Allow others to enter the folders above it (chmod o+x), or move it and set THROUGHLINE_DATA_DIR.'),
  );
}

function makeFolder(folder: string, user: ServerUser): void {
  if (existsSync(folder)) return;
  try {
    mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
    mkdirSync(folder);
    // Whoever runs Postgres passes through, without looking around.
    chmodSync(folder, user === undefined ? 0o700 : 0o711);
  } catch (cause) {
    throw new StartError(`Cannot create the data folder ${folder}: ${(cause as Error).message}`, { cause });
  }
}

function canRun(user: ServerUser, binaries: Binaries): boolean {
  return (
    user === undefined || (mayAccess(user, '-x', binaries.postgres) && mayAccess(user, '-x', binaries.initdb))
  );
}

function copyTo(shared: string, binaries: Binaries): Binaries {
  mkdirSync(shared, { recursive: true });
  chmodSync(shared, 0o755);
  return copyBinaries(binaries, shared);
}

function nearestExisting(folder: string): string {
  return existsSync(folder) ? folder : nearestExisting(dirname(folder));
}

export const pgDataIn = (folder: string): string => join(folder, 'postgres');

const nameOf = (user: ServerUser): string => user?.name ?? 'the current user';

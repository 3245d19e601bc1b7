/** Postgres refuses to run as root, so root starts it as another user, found or made. */
import { execFileSync, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { StartError } from './start-error';

/** Who runs Postgres; undefined is whoever runs the collector. */
export type ServerUser = { readonly name: string; readonly uid: number; readonly gid: number } | undefined;

export const SERVER_USER = 'postgres';

/**
 * Creates the user where root needs it and the machine has none.
 * @param pgData when it exists, its owner is the user: data made by an ordinary user can also be started by root
 * @throws StartError when it cannot be created
 */
export function findServerUser(pgData: string, name = SERVER_USER): ServerUser {
  if (process.getuid?.() !== 0) return undefined;
  const owned = statSync(pgData, { throwIfNoEntry: false });
  if (owned !== undefined && owned.uid !== 0) {
    return { name: `user ${owned.uid}`, uid: owned.uid, gid: owned.gid };
  }
  const user = lookUp(name) ?? create(name);
  if (user !== undefined) return user;
  throw new StartError(
    `Postgres does not run as root, there is no user "${name}", and neither useradd nor adduser could create one. ` +
      'Start as an ordinary user, create that user, or set DATABASE_URL.',
  );
}

/** Whether the user passes `test` on the path, e.g. `-x` to enter a folder: asked of the system, not guessed from modes. */
export function mayAccess(user: ServerUser, test: '-x' | '-r' | '-w', path: string): boolean {
  const { status } = spawnSync('/bin/sh', ['-c', `test ${test} "$1"`, 'sh', path], {
    cwd: '/',
    stdio: 'ignore',
    ...asUser(user),
  });
  return status === 0;
}

/** The options of child_process that run a child as that user. */
export function asUser(
  user: ServerUser,
): { readonly uid: number; readonly gid: number } | Record<string, never> {
  return user === undefined ? {} : { uid: user.uid, gid: user.gid };
}

function lookUp(name: string): ServerUser {
  try {
    const ask = (flag: string): number =>
      Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    return { name, uid: ask('-u'), gid: ask('-g') };
  } catch {
    // `id` fails for a user that there is not.
    return undefined;
  }
}

function create(name: string): ServerUser {
  // shadow-utils (Debian, Fedora, …), else BusyBox.
  const isMade =
    (mayRun('groupadd', ['--system', '--force', name]) &&
      mayRun('useradd', ['--system', '--gid', name, '--no-create-home', '--shell', '/bin/false', name])) ||
    (mayRun('addgroup', ['-S', name]) && mayRun('adduser', ['-S', '-D', '-H', '-G', name, name]));
  return isMade ? lookUp(name) : undefined;
}

function mayRun(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

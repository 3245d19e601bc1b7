/** Makes the data directory, once: complete or not there. */
import { spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADMIN_ROLE, ROLE, type Credentials } from './credentials';
import type { Places } from './places';
import { serverEnvironment } from './server-process';
import { asUser, type ServerUser } from './server-user';
import { StartError } from './start-error';

/** The data directory gets its name when it is complete. */
export function isInitialised({ pgData }: Places): boolean {
  return existsSync(pgData);
}

/** @throws StartError when initdb fails, or the data are another major version's */
export async function initialiseOnce(places: Places, credentials: Credentials): Promise<void> {
  const { pgData, binaries } = places;
  if (!isInitialised(places)) return initialise(places, credentials);
  const major = readFileSync(join(pgData, 'PG_VERSION'), 'utf8').trim();
  if (major === binaries.major) return;
  throw new StartError(
    `The data in ${places.folder} were written by Postgres ${major}, and this is Postgres ${binaries.major}. ` +
      'Start the version that wrote them to take a dump, or move the folder away to begin anew.',
  );
}

async function initialise(places: Places, credentials: Credentials): Promise<void> {
  const { binaries, folder, pgData, user } = places;
  const draft = join(folder, 'postgres.new');
  const passwordFile = join(folder, 'password.new');
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  writeFileSync(passwordFile, credentials.adminPassword, { mode: 0o600 });
  for (const path of [draft, passwordFile]) giveTo(user, path);
  try {
    await run(places, binaries.initdb, {
      args: [
        `--pgdata=${draft}`,
        `--username=${ADMIN_ROLE}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // Byte order, the same on every machine; and nothing here sorts text for people to read.
        '--locale=C',
        '--no-instructions',
      ],
    });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  // Before the data directory gets its name, so that one that is there always has them. Single-user mode reads a
  // statement a line. https://www.postgresql.org/docs/current/app-postgres.html#APP-POSTGRES-SINGLE-USER
  await run(places, binaries.postgres, {
    args: ['--single', '-D', draft, '-c', 'exit_on_error=on', 'postgres'],
    input: [
      `create role ${ROLE} login password '${credentials.password}' nosuperuser nobypassrls nocreatedb nocreaterole`,
      `create database ${ROLE} owner ${ROLE}`,
      '',
    ].join('\n'),
  });
  renameSync(draft, pgData);
}

function giveTo(user: ServerUser, path: string): void {
  if (user !== undefined) chownSync(path, user.uid, user.gid);
}

interface Run {
  readonly args: readonly string[];
  readonly input?: string;
}

function run({ folder, user }: Places, program: string, { args, input = '' }: Run): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: folder,
      env: serverEnvironment(),
      stdio: ['pipe', 'pipe', 'pipe'],
      ...asUser(user),
    });
    let output = '';
    const collect = (chunk: Buffer): void => void (output += chunk.toString());
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    // One that ends before it has read everything says why on its output.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('error', (cause) => {
      reject(new StartError(`Cannot run ${program}: ${cause.message}`, { cause }));
    });
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new StartError(`Postgres could not create its data in ${folder}:\n${output.trim()}`));
    });
  });
}

/** The passwords of the built-in Postgres: random, made once, in a file that only the collector's user may read. */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from './start-error';

export interface Credentials {
  /** Of the superuser, for creating what follows. */
  readonly adminPassword: string;
  /** Of the role that the collector uses. */
  readonly password: string;
}

export const ADMIN_ROLE = 'postgres';
/** Also the database's name. Its owner, but no superuser: row-level security binds it. */
export const ROLE = 'throughline';

export const CREDENTIALS_FILE = 'credentials.json';

/** @throws StartError when there are data but their passwords cannot be read */
export function readOrMakeCredentials(folder: string, hasData: boolean): Credentials {
  const path = join(folder, CREDENTIALS_FILE);
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Credentials;
  } catch (cause) {
    if (hasData) {
      throw new StartError(`Cannot read ${path}, which holds the passwords of the data beside it.`, {
        cause,
      });
    }
  }
  const made: Credentials = { adminPassword: password(), password: password() };
  writeFileSync(`${path}.new`, JSON.stringify(made), { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return made;
}

const password = (): string => randomBytes(24).toString('base64url');

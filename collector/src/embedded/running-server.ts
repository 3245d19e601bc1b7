/** The built-in Postgres of a collector that runs already, for a command beside it. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CREDENTIALS_FILE, type Credentials, ROLE } from './credentials';
import { pgDataIn, readSignpost } from './places';
import { isPostmasterOf } from './process-identity';
import { readPostmasterFile } from './server-process';

/** Of postmaster.pid: pid, data directory, start, port. */
const PORT_LINE = 3;

/**
 * Where the server listens that runs on a data folder, as a URL for the collector's role.
 *
 * @returns undefined where none runs there
 */
export function findRunningServer(folder: string): string | undefined {
  const wanted = resolve(folder);
  for (const place of [wanted, readSignpost(wanted)]) {
    if (place === undefined) continue;
    const pgData = pgDataIn(place);
    const lines = readPostmasterFile(pgData);
    if (!isPostmasterOf(Number(lines[0] ?? 0), pgData)) continue;
    const { password } = JSON.parse(readFileSync(join(place, CREDENTIALS_FILE), 'utf8')) as Credentials;
    return `postgres://${ROLE}:${password}@127.0.0.1:${lines[PORT_LINE]}/${ROLE}`;
  }
  return undefined;
}

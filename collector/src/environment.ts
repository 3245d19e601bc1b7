import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

/** The process's environment on top of the file `.env` in the folder, where there is one. */
export function readEnvironment(folder: string): Readonly<Record<string, string | undefined>> {
  const path = join(folder, '.env');
  return existsSync(path) ? { ...parseEnv(readFileSync(path, 'utf8')), ...process.env } : process.env;
}

/** Audiences over two years of events: rebuilt, previewed, looked at, exported, and how soon an event is seen. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openDatabase } from '../../src/db/connect';
import { openEmbeddedPostgres } from '../../src/embedded/embedded-postgres';
import { makeDataFolder, startCollector } from '../../test/support/collector';
import type { CleanUp } from '../clean-up';
import type { Spread } from '../spread';
import { count } from '../table';
import { type AskedRow, measureRule } from './asking';
import { fillShop, type ShopSize } from './data';
import { EVERYBODY, type RuleName, RULES } from './rules';
import {
  type DecideRow,
  type ExportRow,
  measureDecide,
  measureDelay,
  measureExport,
  type Server,
} from './served';

const SIZES = {
  '1M': { events: 1_000_000, profiles: 50_000 },
  '10M': { events: 10_000_000, profiles: 1_000_000 },
} as const;
export const SIZE_NAMES = Object.keys(SIZES);

/** @throws where there is no such size */
export function readSizes(
  name: string | undefined,
  { isQuick }: { readonly isQuick: boolean },
): readonly ShopSize[] {
  if (name === undefined) return isQuick ? [SIZES['1M']] : Object.values(SIZES);
  if (name !== '1M' && name !== '10M') throw new Error(`There is no size "${name}".`);
  return [SIZES[name]];
}

export interface AudiencesOptions {
  readonly cleanUp: CleanUp;
  readonly note: (sentence: string) => void;
  readonly sizes: readonly ShopSize[];
}

export interface AudiencesResult extends ShopSize {
  readonly asked: readonly AskedRow[];
  readonly exports: readonly ExportRow[];
  readonly delay: Spread;
  readonly decide: readonly DecideRow[];
}

export async function measureAudiences(options: AudiencesOptions): Promise<readonly AudiencesResult[]> {
  const results: AudiencesResult[] = [];
  for (const size of options.sizes) results.push(await measureShop(options, size));
  return results;
}

async function measureShop({ cleanUp, note }: AudiencesOptions, size: ShopSize): Promise<AudiencesResult> {
  const bench = await openBench(cleanUp);
  const about = `${count(size.events)} events of ${count(size.profiles)} profiles`;
  note(`Making ${about}`);
  await fillShop(bench, size);
  const opened = openDatabase(bench.url, { max: 4, applicationName: 'throughline-bench', pipeline: true });
  const closeDatabase = cleanUp.add(opened.close);
  const asked: Awaited<ReturnType<typeof measureRule>>[] = [];
  for (const name of Object.keys(RULES) as RuleName[]) {
    note(`${about}: ${name}`);
    asked.push(await measureRule(opened.db, bench.workspaceId, name));
  }
  await closeDatabase();
  const server = await bench.start();
  const everybody = asked.find(({ rule }) => rule === EVERYBODY)!;
  const exports: ExportRow[] = [];
  for (const format of EXPORTED) {
    note(`${about}: all of them as ${format}`);
    exports.push(await measureExport(server, everybody, format));
  }
  note(`${about}: from an event to its change`);
  const delay = await measureDelay(server, size);
  note(`${about}: decisions`);
  const keys = asked.filter(({ rule }) => DECIDED.includes(rule)).map(({ key }) => key);
  const decide = await measureDecide(server, { ...size, keys });
  await bench.stop();
  return { ...size, asked, exports, delay, decide };
}

const EXPORTED = ['csv', 'ndjson', 'parquet'];
const DECIDED: readonly RuleName[] = ['ordered for 100 in 30 days', 'left a cart in 7 days', '3 orders ever'];

interface Bench {
  readonly url: string;
  readonly adminUrl: string;
  readonly workspaceId: string;
  readonly start: () => Promise<Server>;
  /** The collector and its database. */
  readonly stop: () => Promise<void>;
}

/** A Postgres with the settings of `npm start`, and the first workspace of a collector in it. */
async function openBench(cleanUp: CleanUp): Promise<Bench> {
  const folder = makeDataFolder();
  const remove = cleanUp.add(folder.remove);
  const say = (sentence: string) => console.error(sentence);
  const opening = openEmbeddedPostgres({
    ...{ folder: join(folder.path, 'data'), isConfigured: true, onNotice: say, onProblem: say },
  });
  const closePostgres = cleanUp.add(() => opening.then((opened) => opened.close(), ignore));
  const postgres = await opening;
  const adminUrl = new URL(postgres.adminUrl);
  adminUrl.pathname = new URL(postgres.url).pathname;
  const writeKey = `pk_${randomBytes(16).toString('hex')}`;
  const secretKey = `sk_${randomBytes(16).toString('hex')}`;
  let stopCollector = (): Promise<void> => Promise.resolve();
  const start = async (): Promise<Server> => {
    const starting = startCollector({
      env: {
        ...{ DATABASE_URL: postgres.url, THROUGHLINE_WRITE_KEY: writeKey, THROUGHLINE_SECRET_KEY: secretKey },
        THROUGHLINE_LOG_LEVEL: 'error',
      },
    });
    stopCollector = cleanUp.add(() => starting.then((started) => started.stop(), ignore).then(ignore));
    const { url, pid } = await starting;
    return { url, pid, writeKey, secretKey };
  };
  const { url } = await start();
  const answer = await fetch(`${url}/v1/workspace`, { headers: { authorization: `Bearer ${secretKey}` } });
  const { id: workspaceId } = (await answer.json()) as { id: string };
  await stopCollector();
  return {
    ...{ url: postgres.url, adminUrl: adminUrl.href, workspaceId, start },
    async stop() {
      await stopCollector();
      await closePostgres();
      await remove();
    },
  };
}

const ignore = (): void => undefined;

/** Timelines and claims against the size of what they read and move; events are there by COPY, over 24 months. */
import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { normaliseBatch } from '../src/core/event';
import { subjectIdOf } from '../src/core/identifier';
import { uuidV7 } from '../src/core/uuid';
import { inSnapshot, openDatabase } from '../src/db/connect';
import { migrate } from '../src/db/migrate';
import { EVERYTHING, readTimeline } from '../src/db/timeline';
import { openEmbeddedPostgres } from '../src/embedded/embedded-postgres';
import { FOLDERS } from '../src/folders';
import { openIngest } from '../src/ingest';
import { makeDataFolder } from '../test/support/collector';
import type { CleanUp } from './clean-up';
import { copyIn } from './copy';
import { spread } from './spread';
import { count, fixed, type Table } from './table';

const DAYS = 720;
const DAY_MS = 24 * 3_600_000;
const ROWS_AT_ONCE = 20_000;
const READS = 200;
const WORKSPACE = randomUUID();

export interface IdentityRow {
  readonly name: string;
  readonly p50: number;
  readonly p95: number;
}

export interface IdentityOptions {
  readonly cleanUp: CleanUp;
  readonly note: (sentence: string) => void;
  readonly isQuick: boolean;
}

export async function measureIdentity({
  cleanUp,
  note,
  isQuick,
}: IdentityOptions): Promise<readonly IdentityRow[]> {
  const bench = await openBench(cleanUp);
  const rows: IdentityRow[] = [];
  const mega = isQuick ? { devices: 1_000, events: 100_000 } : { devices: 10_000, events: 1_000_000 };
  note(`A profile of ${count(mega.devices)} identifiers and ${count(mega.events)} events`);
  await bench.fill({ user: 'mega', ...mega });
  await bench.settle();
  const megaName = `first page of ${count(mega.devices)} identifiers, ${count(mega.events)} events`;
  rows.push(await measure(megaName, 30, () => bench.read('mega')));
  let total = mega.events;
  for (const size of isQuick ? [200_000] : [2_000_000, 11_000_000]) {
    note(`${count(size)} events`);
    const users = (size - total) / 1_000;
    for (let n = 0; n < users; n += 1)
      await bench.fill({ user: `u${total}-${n}`, devices: 3, events: 1_000 });
    await bench.settle();
    let turn = 0;
    const name = `page of a profile of 1,000 events, among ${count(size)}`;
    const first = total;
    rows.push(await measure(name, READS, () => bench.read(`u${first}-${(turn += 7) % users}`)));
    total = size;
  }
  for (const events of isQuick ? [10, 1_000] : [10, 1_000, 100_000]) {
    const times: number[] = [];
    for (let round = 0; round < 5; round += 1) times.push(await bench.claim(events));
    rows.push({ name: `claim that moves ${count(events)} events`, ...spread(times) });
  }
  return rows;
}

export function tabulateIdentity(rows: readonly IdentityRow[]): Table {
  return {
    title: 'Identity: timelines read, and claims written, in ms',
    columns: ['', 'p50', 'p95'],
    rows: rows.map(({ name, p50, p95 }) => [name, fixed(p50, 1), fixed(p95, 1)]),
  };
}

async function measure(name: string, times: number, run: () => Promise<unknown>): Promise<IdentityRow> {
  const taken: number[] = [];
  for (let n = 0; n < times; n += 1) {
    const begun = performance.now();
    await run();
    taken.push(performance.now() - begun);
  }
  return { name, ...spread(taken) };
}

async function openBench(cleanUp: CleanUp) {
  const folder = makeDataFolder();
  cleanUp.add(folder.remove);
  const say = (sentence: string) => console.error(sentence);
  const postgres = await openEmbeddedPostgres({
    folder: folder.path,
    isConfigured: true,
    onNotice: say,
    onProblem: say,
  });
  cleanUp.add(() => postgres.close());
  const opened = openDatabase(postgres.url, { max: 4, applicationName: 'throughline-bench', pipeline: true });
  cleanUp.add(opened.close);
  await migrate(opened.pool, FOLDERS.migrations);
  // A superuser: COPY does not go together with row-level security.
  const adminUrl = new URL(postgres.adminUrl);
  adminUrl.pathname = new URL(postgres.url).pathname;
  const client = new pg.Client(adminUrl.href);
  await client.connect();
  cleanUp.add(() => client.end());
  await client.query("select set_config('throughline.workspace', $1, false)", [WORKSPACE]);
  await client.query("insert into workspace (workspace_id, name) values ($1, 'Bench')", [WORKSPACE]);
  const start = Date.now() - DAYS * DAY_MS;
  await client.query('select ensure_event_partitions($1::date, 26)', [new Date(start)]);
  const ingest = openIngest({
    ...{ pool: opened.pool, groupMaxEvents: 500, groupMaxWaitMs: 0, writers: 1, maxBytesInFlight: 2 ** 26 },
    monotonic: () => performance.now(),
    newId: () => uuidV7(Date.now(), randomBytes(10)),
  });
  cleanUp.add(ingest.close);
  const fill = (given: Filling): Promise<void> => fillProfile(client, start, given);
  return {
    fill,
    settle: () => client.query('analyze'),
    read: (user: string) =>
      inSnapshot(opened.db, WORKSPACE, (transaction) =>
        readTimeline(transaction, WORKSPACE, {
          ...{ profileId: idOf('user', user), order: 'newest', from: null, to: null, after: null },
          ...{ filter: EVERYTHING, limit: 100, hasContext: false },
        }),
      ),
    async claim(events: number): Promise<number> {
      const device = randomUUID();
      await fill({ user: null, devices: 1, events, device });
      const items = [{ type: 'identify', userId: randomUUID(), anonymousId: device }];
      const envelope = { workspaceId: WORKSPACE, sourceId: WORKSPACE, receivedAt: Date.now() };
      const more = { sentAt: null, oldest: null, context: null, newMessageId: randomUUID };
      const normalised = normaliseBatch(items, { ...envelope, ...more });
      const begun = performance.now();
      await ingest.submit({ ...envelope, currency: 'USD', bytes: 1, items, normalised });
      return performance.now() - begun;
    },
  };
}

interface Filling {
  /** null: nobody has claimed the devices. */
  readonly user: string | null;
  readonly devices: number;
  readonly events: number;
  readonly device?: string;
}

const idOf = (kind: 'user' | 'anonymous', value: string) => subjectIdOf(WORKSPACE, { kind, value });

/** Events of the devices in turn, evenly over the time, and what the write path would have made of them. */
async function fillProfile(client: pg.Client, start: number, filling: Filling): Promise<void> {
  const { user, events } = filling;
  const devices = Array.from({ length: filling.devices }, (_, n) => filling.device ?? `${user}-${n}`);
  const ids = devices.map((device) => idOf('anonymous', device));
  const columns =
    'workspace_id, received_at, message_id, source_id, type, name, subject_id, anonymous_id, occurred_at, properties';
  for (let from = 0; from < events; from += ROWS_AT_ONCE) {
    let text = '';
    for (let n = from; n < Math.min(events, from + ROWS_AT_ONCE); n += 1) {
      const at = new Date(start + Math.floor((n / events) * DAYS * DAY_MS)).toISOString();
      const device = n % devices.length;
      const page = `{"path":"/p/${n}","title":"A page of the shop with a title"}`;
      text += `${[WORKSPACE, at, randomUUID(), WORKSPACE, 'page', 'Home', ids[device], devices[device], at, page].join('\t')}\n`;
    }
    await copyIn(client, `copy event (${columns}) from stdin`, [Buffer.from(text)]);
  }
  const given = [WORKSPACE, ids, devices];
  await client.query(
    `insert into subject (workspace_id, subject_id, kind, value)
     select $1, id, 'anonymous', value from unnest($2::uuid[], $3::text[]) as given (id, value)`,
    given,
  );
  const owner = user === null ? null : idOf('user', user);
  if (owner !== null) {
    await client.query(
      `insert into ownership select $1, id, '-infinity', 'infinity', $3, $3 from unnest($2::uuid[]) as given (id)`,
      [WORKSPACE, ids, owner],
    );
  }
  await client.query(
    `insert into profile_part (workspace_id, owner_id, subject_id, first_seen_at, last_seen_at, last_seen_hour,
       event_count, page_count)
     select $1, coalesce($3::uuid, e.subject_id), e.subject_id, min(e.occurred_at), max(e.occurred_at),
       date_trunc('hour', max(e.occurred_at), 'UTC'), count(*), count(*)
     from event e where e.workspace_id = $1 and e.subject_id = any($2::uuid[]) group by e.subject_id`,
    [WORKSPACE, ids, owner],
  );
}

/** Opens everything that the collector works with, in order, and closes it in the opposite one. */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import type { FastifyBaseLogger } from 'fastify';
import { originOf } from './banner';
import type { Config } from './config';
import { uuidV7 } from './core/uuid';
import { readRunningRebuilds } from './db/audience-progress';
import { type OpenDatabaseOptions, openDatabase, type OpenedDatabase } from './db/connect';
import { findFirstWorkspace } from './db/keys';
import { migrate } from './db/migrate';
import { ensureEventPartitions, MONTHS_AHEAD } from './db/partitions';
import { describeServer } from './db/server';
import { createConsoleTicket } from './db/sessions';
import { createWebhooks } from './delivery/send-webhook';
import { openEmbeddedPostgres } from './embedded/embedded-postgres';
import { findRunningServer } from './embedded/running-server';
import type { StopMode } from './embedded/server-process';
import { StartError } from './embedded/start-error';
import { FOLDERS } from './folders';
import { createDecider } from './decide';
import { openIngest } from './ingest';
import { createIdentityChanges } from './ingest/change-identity';
import { createMetrics, type PoolUse } from './metrics';
import type { RouteContext } from './routes/context';
import { createWorker } from './worker';

export interface OpenOptions {
  readonly config: Config;
  readonly log: FastifyBaseLogger;
  /** A sentence for whoever starts it. */
  readonly onNotice: (sentence: string) => void;
  /** Gives the start up. */
  readonly signal: AbortSignal;
}

interface Server {
  readonly url: string;
  readonly close: (mode?: StopMode) => Promise<void>;
}

export interface Deps {
  readonly context: Omit<RouteContext, 'isDraining'>;
  /** May be called again with "now" to hurry a close up. */
  readonly close: (how: CloseMode) => Promise<void>;
}

/**
 * "drained" writes what was accepted, then closes. "now" stops the database where it stands: what was acknowledged is
 * committed, and it recovers at its next start.
 */
export type CloseMode = 'drained' | 'now';

/**
 * Bytes in flight, where nobody says. Of a small heap only a share: what was written is garbage for a while, and the
 * next events are here before it is collected. Measured in a flood with a heap of 128 MB: 48 MB alive, 75 at most.
 */
const MAX_BYTES_IN_FLIGHT = 256 * 1024 * 1024;
const SHARE_OF_HEAP = 1 / 8;

/** How long a stop waits for reads and rebuilds, once all that was accepted is written. */
const PATIENCE_MS = 1_000;
/** Well beyond the server's own limits for a statement and a lock. */
const ANSWER_TIMEOUT_MS = 60_000;
const READERS = 10;
/** Looking a key up takes a moment, and an answer is kept for a while (access.ts). */
const KEY_READERS = 2;
/** Voids and links may move a long history; neither reads nor events wait for that. */
const CHANGERS = 2;
/** Who decides does not wait behind long reads, nor for a server that vanished: nobody waits longer than 5 s for it. */
const DECIDING = { max: 4, pipeline: true, answerTimeoutMs: 6_000 } as const;
const COMMAND_CONNECTIONS = 4;
const DEFAULT_FOLDER = '.throughline';
const TOKEN_BYTES = 24;
const ID_RANDOM_BYTES = 10;
const IDS_AT_ONCE = 1_000;

/** The database, migrated and ready for the application. @throws StartError, MigrationError, or what the database says */
export async function openDeps(options: OpenOptions): Promise<Deps> {
  const { config, log } = options;
  const server = await openServer(options);
  const { readers, keyReaders, writers, changers, deciders, closePools } = openPools(server.url, options);
  try {
    await prepareDatabase(readers, options);
  } catch (error) {
    await closePools();
    await server.close();
    throw error;
  }

  const newId = createIds(() => Date.now());
  const metrics = createMetrics({
    queue: () => ingest.stats(),
    pools: () =>
      usesOf({ read: readers, keys: keyReaders, ingest: writers, changes: changers, decisions: deciders }),
    upkeep: () => worker.upkeep(),
    membership: () => worker.membership(),
    deliveries: () => worker.deliveries(),
    rebuilds: () => readRunningRebuilds(readers.db),
  });
  const ingest = openIngest({
    ...config,
    maxBytesInFlight: config.maxBytesInFlight ?? defaultBytesInFlight(),
    pool: writers.pool,
    monotonic: () => performance.now(),
    newId,
    observer: metrics,
    onMarked: () => worker.wakeAudiences(),
  });
  const webhooks = createWebhooks({ allow: config.webhookAllow });
  const worker = createWorker({
    ...{ db: readers.db, now: () => new Date(), log, exportPlaces: config },
    deliveries: { webhooks, newId, random: Math.random },
  });
  worker.start();
  const drain = async (): Promise<void> => {
    await ingest.close();
    // A rebuild may take minutes, and loses nothing when it is cut off: it is one transaction.
    await Promise.race([
      Promise.all([worker.close(), closePools()]),
      wait(PATIENCE_MS, undefined, { ref: false }),
    ]);
  };
  return {
    context: {
      config,
      db: readers.db,
      accessDb: keyReaders.db,
      ingest,
      identity: createIdentityChanges({ pool: changers.pool, now: () => new Date(), newId }),
      decider: createDecider({
        ...{ ...deciders, ingest, onDecided: metrics.onDecided },
        monotonic: () => performance.now(),
        onProblem: (error) => log.error({ err: error }, 'A decision was not made, or not recorded'),
      }),
      metrics,
      webhooks,
      now: () => new Date(),
      newId,
      newToken,
      wakeWorker: worker.wake,
      wakeExports: worker.exports.wake,
      folders: FOLDERS,
    },
    close: async (how) => {
      if (how === 'drained') await drain();
      await server.close(how === 'drained' ? 'fast' : 'immediate');
    },
  };
}

function openPools(url: string, { config, log }: OpenOptions) {
  const open = (
    applicationName: string,
    more: Pick<OpenDatabaseOptions, 'max' | 'pipeline' | 'answerTimeoutMs'>,
  ): OpenedDatabase =>
    openDatabase(url, {
      ...more,
      applicationName,
      // The error carries the whole connection; its sentence is enough.
      onIdleError: ({ message }) => log.warn({ reason: message }, 'A database connection broke'),
    });
  // A rebuild may take longer than any bound; what events wait for may not.
  const answerTimeoutMs = ANSWER_TIMEOUT_MS;
  const readers = open('throughline', { max: READERS });
  const keyReaders = open('throughline-keys', { max: KEY_READERS, answerTimeoutMs });
  const writers = open('throughline-ingest', { max: config.writers, pipeline: true, answerTimeoutMs });
  const changers = open('throughline-changes', { max: CHANGERS, pipeline: true, answerTimeoutMs });
  const deciders = open('throughline-decisions', DECIDING);
  const closePools = (): Promise<unknown> =>
    Promise.allSettled([readers, keyReaders, writers, changers, deciders].map((pool) => pool.close()));
  return { readers, keyReaders, writers, changers, deciders, closePools };
}

async function prepareDatabase(readers: OpenedDatabase, options: OpenOptions): Promise<void> {
  await refuseUnfit(readers, options);
  await migrate(readers.pool, FOLDERS.migrations);
  // Before the first event: one that falls beside the partitions keeps its month from ever having one.
  await ensureEventPartitions(readers.db, { from: new Date(), months: MONTHS_AHEAD }).catch(
    (error: unknown) =>
      // Most likely a long read of another process is in the way: the worker comes back to it.
      options.log.warn({ err: error }, 'Partitions could not be created ahead'),
  );
}

function usesOf(pools: Readonly<Record<string, OpenedDatabase>>): PoolUse[] {
  return Object.entries(pools).map(([name, { pool }]) => ({
    ...{ pool: name, total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount },
  }));
}

/** Node's default heap may be smaller than a few bodies, on a small machine. */
function defaultBytesInFlight(): number {
  return Math.min(MAX_BYTES_IN_FLIGHT, Math.floor(getHeapStatistics().heap_size_limit * SHARE_OF_HEAP));
}

/** `throughline migrate`: applies what is missing and closes again. */
export async function migrateOnly(options: OpenOptions): Promise<readonly string[]> {
  const server = await openServer(options);
  const { pool, close } = openDatabase(server.url, { max: 1, applicationName: 'throughline-migrate' });
  try {
    return await migrate(pool, FOLDERS.migrations);
  } finally {
    await close();
    await server.close();
  }
}

/**
 * For a command that works beside a collector with the same settings: its database, or one that is started for it.
 *
 * @throws StartError
 */
export async function openBesides(options: OpenOptions, applicationName: string): Promise<OpenedDatabase> {
  const running = options.config.databaseUrl ?? findRunningServer(options.config.dataDir ?? DEFAULT_FOLDER);
  const server = running === undefined ? await openServer(options) : null;
  const opened = openDatabase(running ?? server!.url, { max: COMMAND_CONNECTIONS, applicationName });
  const close = async (): Promise<void> => {
    await opened.close();
    await server?.close();
  };
  try {
    await refuseUnfit(opened, options);
    if (server !== null) await migrate(opened.pool, FOLDERS.migrations);
    return { ...opened, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * `throughline console`: another link that signs in once, for a collector that runs with the same settings.
 *
 * @throws StartError where none runs
 */
export async function createConsoleLink(config: Config): Promise<string> {
  const folder = config.dataDir ?? DEFAULT_FOLDER;
  const url = config.databaseUrl ?? findRunningServer(folder);
  if (url === undefined) {
    throw new StartError(`Throughline does not run on the data folder ${folder}; its start prints a link.`);
  }
  const { db, close } = openDatabase(url, { max: 1, applicationName: 'throughline-console' });
  try {
    const workspaceId = await findFirstWorkspace(db);
    if (workspaceId === null)
      throw new StartError('The database has no workspace yet: start Throughline first.');
    const ticket = newToken();
    await createConsoleTicket(db, { workspaceId, ticket, now: new Date() });
    return `${originOf(config.host, config.port)}/console/enter?ticket=${ticket}`;
  } finally {
    await close();
  }
}

/** UUIDv7s. Every request takes one, and asking the system for ten bytes each time cost more than the rest of it. */
function createIds(nowMs: () => number): () => string {
  let random = Buffer.alloc(0);
  return () => {
    if (random.length < ID_RANDOM_BYTES) random = randomBytes(ID_RANDOM_BYTES * IDS_AT_ONCE);
    const mine = random.subarray(0, ID_RANDOM_BYTES);
    random = random.subarray(ID_RANDOM_BYTES);
    return uuidV7(nowMs(), mine);
  };
}

const newToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url');

/** Postgres where DATABASE_URL says, else our own in the data folder. */
async function openServer({ config, log, onNotice, signal }: OpenOptions): Promise<Server> {
  if (config.databaseUrl !== undefined) return { url: config.databaseUrl, close: () => Promise.resolve() };
  return openEmbeddedPostgres({
    folder: config.dataDir ?? DEFAULT_FOLDER,
    isConfigured: config.dataDir !== undefined,
    onNotice,
    onProblem: (sentence) => log.error(sentence),
    signal,
  });
}

async function refuseUnfit({ pool }: OpenedDatabase, { onNotice }: OpenOptions): Promise<void> {
  const traits = await describeServer(pool).catch((cause: unknown) => {
    throw new StartError(`Cannot connect to the database: ${reasonOf(cause)}`, { cause });
  });
  if (!traits.isSupported)
    throw new StartError(`Postgres 15 or newer is needed, and this is ${traits.version}.`);
  if (traits.bypassesRowSecurity) {
    onNotice(
      'The role in DATABASE_URL bypasses row-level security, the second wall between workspaces; give us a plain role.',
    );
  }
}

/** Node reports a host that refused on several addresses as one error without a message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}

/** The collector's application over real HTTP and a database of its own, with the clock in the test's hands. */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { buildApp } from '../../src/app';
import { generateKey, KEY_RANDOM_BYTES } from '../../src/core/key';
import { uuidV7 } from '../../src/core/uuid';
import { readRunningRebuilds } from '../../src/db/audience-progress';
import { openDatabase, type OpenedDatabase } from '../../src/db/connect';
import { ensureFirstWorkspace } from '../../src/db/keys';
import { FOLDERS } from '../../src/folders';
import { createDecider } from '../../src/decide';
import { type ExportPlaces, NO_PLACES } from '../../src/export/export-places';
import { openIngest } from '../../src/ingest';
import { createIdentityChanges } from '../../src/ingest/change-identity';
import { createMetrics } from '../../src/metrics';
import { createLogger } from '../../src/logger';
import { createWebhooks, type WebhookOptions } from '../../src/delivery/send-webhook';
import { createWorker, type Worker } from '../../src/worker';
import { createTestDatabase } from './database';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // A test says what it expects of a body; anything else fails there.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

export interface Api extends OpenedDatabase {
  readonly url: string;
  readonly databaseUrl: string;
  readonly workspaceId: string;
  readonly writeKey: string;
  readonly secretKey: string;
  readonly clock: { now: Date };
  /** Works by the test's clock, when the test calls tick(). */
  readonly worker: Worker;
  readonly draining: { isDraining: boolean };
  /** Sends events with the write key. */
  readonly batch: (items: readonly unknown[], more?: object) => Promise<Answer>;
  /** Any request; the secret key unless headers say otherwise. */
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answer>;
  readonly get: (path: string) => Promise<Answer>;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ApiOptions {
  /** @default 64 MB */
  readonly maxBytesInFlight?: number;
  /** @default a moment in June 2026 that stands still until the test moves it */
  readonly clock?: { now: Date };
  /** @default none */
  readonly trustedProxies?: readonly string[];
  /** null: none is set. @default METRICS_TOKEN */
  readonly metricsToken?: string | null;
  /** How webhooks are sent. @default to any port of this machine, too */
  readonly webhooks?: Partial<WebhookOptions>;
  /** Where exports may go. @default nowhere */
  readonly exportPlaces?: Partial<ExportPlaces>;
  /** How long a request may take to arrive. @default those of production */
  readonly timeouts?: Parameters<typeof buildApp>[2];
}

/** The clock of what runs outside the test's hands, e.g. a client in a page. */
export const REAL_CLOCK = {
  get now() {
    return new Date();
  },
};

export const METRICS_TOKEN = 'metrics-token-of-tests';

export async function openApi({
  maxBytesInFlight = 64 * 1024 * 1024,
  clock = { now: new Date('2026-06-15T12:00:00.000Z') },
  trustedProxies = [],
  metricsToken = METRICS_TOKEN,
  webhooks: webhookOptions,
  exportPlaces = {},
  timeouts,
}: ApiOptions = {}): Promise<Api> {
  const places = { ...NO_PLACES, ...exportPlaces };
  const database = await createTestDatabase();
  const opened = openDatabase(database.url, { max: 10, applicationName: 'throughline-test', pipeline: true });
  const draining = { isDraining: false };
  const newId = () => uuidV7(clock.now.getTime(), randomBytes(10));
  const webhooks = createWebhooks({ allow: ['http://127.0.0.1:*'], ...webhookOptions });
  const worker = createWorker({
    ...{ db: opened.db, now: () => clock.now, log: createLogger('silent') },
    exportPlaces: places,
    deliveries: { webhooks, newId, random: () => 0.5 },
  });
  const metrics = createMetrics({
    queue: () => ingest.stats(),
    pools: () => [],
    upkeep: worker.upkeep,
    membership: worker.membership,
    deliveries: worker.deliveries,
    rebuilds: () => readRunningRebuilds(opened.db),
  });
  const ingest = openIngest({
    pool: opened.pool,
    groupMaxEvents: 500,
    groupMaxWaitMs: 1,
    writers: 2,
    maxBytesInFlight,
    monotonic: () => performance.now(),
    newId,
    observer: metrics,
  });
  const first = await ensureFirstWorkspace(opened.db, {
    writeKey: undefined,
    secretKey: undefined,
    newKey: (kind) => generateKey(kind, randomBytes(KEY_RANDOM_BYTES)),
    newId,
  });
  const app = await buildApp(
    {
      config: {
        environment: 'test',
        corsOrigins: ['https://analyst.example'],
        trustedProxies,
        metricsToken: metricsToken ?? undefined,
        ...places,
      },
      db: opened.db,
      accessDb: opened.db,
      ingest,
      identity: createIdentityChanges({ pool: opened.pool, now: () => clock.now, newId }),
      decider: createDecider({
        ...opened,
        ingest,
        onDecided: metrics.onDecided,
        monotonic: () => performance.now(),
        // A test sees it by the answer.
        onProblem: () => undefined,
      }),
      metrics,
      webhooks,
      now: () => clock.now,
      newId,
      newToken: () => randomBytes(24).toString('base64url'),
      // Tests say when the worker works.
      wakeWorker: () => undefined,
      wakeExports: () => undefined,
      isDraining: () => draining.isDraining,
      folders: FOLDERS,
    },
    createLogger('silent'),
    timeouts,
  );
  await app.listen({ port: 0, host: '127.0.0.1' });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const secretKey = first.newSecretKey!;
  const call = async (method: string, path: string, { body, headers }: CallOptions = {}): Promise<Answer> => {
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: headers ?? {
        authorization: `Bearer ${secretKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: isRaw(body) ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };
  return {
    ...opened,
    url,
    databaseUrl: database.url,
    workspaceId: first.workspaceId,
    writeKey: first.writeKey,
    secretKey,
    clock,
    worker,
    draining,
    call,
    get: (path) => call('GET', path),
    batch: (items, more) =>
      call('POST', `/v1/batch?writeKey=${first.writeKey}`, {
        headers: { 'content-type': 'text/plain' },
        body: { batch: items, ...more },
      }),
    async close() {
      await app.close();
      await worker.close();
      await ingest.close();
      await opened.close();
      await database.close();
    },
  };
}

function isRaw(body: unknown): body is string | Uint8Array<ArrayBuffer> {
  return typeof body === 'string' || body instanceof Uint8Array;
}

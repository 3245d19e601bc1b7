/**
 * The collector's HTTP side without its write path: what is accepted is read, normalised and answered, and goes
 * nowhere. A process of its own, started by the bench with an IPC channel; it tells where it listens.
 */
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { buildApp } from '../src/app';
import { uuidV7 } from '../src/core/uuid';
import { openDatabase } from '../src/db/connect';
import { createDecider } from '../src/decide';
import { NOTHING_SENT } from '../src/delivery/keep-deliveries';
import { createWebhooks } from '../src/delivery/send-webhook';
import { FOLDERS } from '../src/folders';
import type { AcceptedBatch, Ingest, Verdict } from '../src/ingest';
import { createIdentityChanges } from '../src/ingest/change-identity';
import { NO_PLACES } from '../src/export/export-places';
import { createLogger } from '../src/logger';
import { NOTHING_DONE } from '../src/membership/keep-audience';
import { createMetrics } from '../src/metrics';

const NOTHING_WAITS = {
  waitingJobs: 0,
  waitingEvents: 0,
  bytesInFlight: 0,
  maxBytes: Infinity,
  writing: 0,
  writers: 0,
  oldestAgeMs: 0,
};

const verdictsOf = ({ normalised }: AcceptedBatch): Verdict[] =>
  normalised.map((result) =>
    result.ok
      ? { status: 'accepted', messageId: result.event.originalMessageId ?? result.event.messageId }
      : { status: 'rejected', ...result.rejection },
  );

const nowhere: Ingest = {
  submit: (batch) => Promise.resolve(verdictsOf(batch)),
  reserve: () => ({ grow: () => undefined, release: () => undefined }),
  stats: () => NOTHING_WAITS,
  close: () => Promise.resolve(),
};

const { db, pool } = openDatabase(process.env['DATABASE_URL']!, {
  max: 2,
  applicationName: 'throughline-bench',
});
const newId = () => uuidV7(Date.now(), randomBytes(10));
const metrics = createMetrics({
  queue: nowhere.stats,
  pools: () => [],
  membership: () => NOTHING_DONE,
  deliveries: () => NOTHING_SENT,
  rebuilds: () => Promise.resolve({ running: 0, leastPercent: null }),
  upkeep: () => ({
    partitionsAheadSeconds: null,
    defaultPartitionEvents: null,
    droppedPartitions: 0,
    deletedEvents: 0,
  }),
});
const app = await buildApp(
  {
    config: {
      ...NO_PLACES,
      ...{ environment: 'production', corsOrigins: [], trustedProxies: [], metricsToken: undefined },
    },
    db,
    accessDb: db,
    ingest: nowhere,
    identity: createIdentityChanges({ pool, now: () => new Date(), newId }),
    decider: createDecider({
      ...{ db, pool, ingest: nowhere },
      monotonic: () => performance.now(),
      onProblem: () => undefined,
    }),
    metrics,
    webhooks: createWebhooks({ allow: [] }),
    now: () => new Date(),
    newId,
    newToken: () => randomBytes(24).toString('base64url'),
    isDraining: () => false,
    wakeWorker: () => undefined,
    wakeExports: () => undefined,
    folders: FOLDERS,
  },
  createLogger('error'),
);
await app.listen({ host: '127.0.0.1', port: 0 });
process.send!({ url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}` });

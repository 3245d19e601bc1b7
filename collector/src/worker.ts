import type { FastifyBaseLogger } from 'fastify';
import type { Kysely } from 'kysely';
import { listWorkspaceIds } from './db/audiences';
import { deleteRejectedBefore } from './db/rejected';
import type { Database } from './db/tables';
import type { DeliveryOptions } from './delivery/deliver';
import { createDeliveryKeeper, type DeliveryStats, NOTHING_SENT } from './delivery/keep-deliveries';
import { type ExportPlaces, NO_PLACES } from './export/export-places';
import { createExportKeeper, type ExportKeeper } from './export/keep-exports';
import type { MembershipStats } from './membership/keep-audience';
import { createMembershipKeeper } from './membership/keep-membership';
import { runRegulations } from './regulation/run-regulations';
import { createPartitionKeeper, type Upkeep } from './upkeep';

export interface WorkerOptions {
  readonly db: Kysely<Database>;
  readonly now: () => Date;
  readonly log: Pick<FastifyBaseLogger, 'error' | 'warn'>;
  /** How destinations are sent to. @default not at all */
  readonly deliveries?: Pick<DeliveryOptions, 'webhooks' | 'newId' | 'random'>;
  /** @default nowhere */
  readonly exportPlaces?: ExportPlaces;
}

/** What is done by the clock. */
export interface Worker {
  readonly upkeep: () => Upkeep;
  /** Does what is due now; a call while one runs waits for that one and does nothing more. */
  readonly tick: () => Promise<void>;
  /** Ticks at once and then every minute. */
  readonly start: () => void;
  /** Erases what is due, without waiting for the next tick. */
  readonly wake: () => void;
  /** What was asked for may take hours: ticks do not wait for it. */
  readonly exports: Pick<ExportKeeper, 'wake' | 'work'>;
  readonly membership: () => MembershipStats;
  readonly deliveries: () => DeliveryStats;
  /** Looks at audiences soon, without waiting for the next look. */
  readonly wakeAudiences: () => void;
  /** Stops after the step at hand. */
  readonly close: () => Promise<void>;
}

const TICK_MS = 60_000;
const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
/** As long as an event may be late: whoever looks into why one is missing still finds it. */
const REJECTED_KEPT_MS = 30 * DAY_MS;
const REJECTED_PER_DELETE = 5_000;

/** Keeps partitions ahead of the events, audiences true while time passes, destinations told of it, and refused events no longer than promised. Any number of processes may have one. */
export function createWorker({ db, now, log, ...options }: WorkerOptions): Worker {
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | null = null;
  let rejectedUntil = -Infinity;
  const partitions = createPartitionKeeper({ db, now, log, isClosed: () => isClosed });
  const audiences = createMembershipKeeper({ db, now, log });
  const deliveries = options.deliveries && createDeliveryKeeper({ db, now, log, ...options.deliveries });
  const exports = createExportKeeper({ db, now, log, places: options.exportPlaces ?? NO_PLACES });
  const noteFailure = (error: unknown): void => {
    if (!isClosed) log.error({ err: error }, 'Work by the clock failed');
  };
  const regulate = oneAtATime(() => runRegulations({ db, now, log, isClosed: () => isClosed }));

  async function deleteOldRejected(): Promise<void> {
    const at = now().getTime();
    if (at < rejectedUntil) return;
    const bounds = { before: new Date(at - REJECTED_KEPT_MS), limit: REJECTED_PER_DELETE };
    for (const workspaceId of await listWorkspaceIds(db)) {
      for (let deleted = bounds.limit; deleted === bounds.limit;) {
        if (isClosed) return;
        deleted = await deleteRejectedBefore(db, workspaceId, bounds);
      }
    }
    rejectedUntil = at + HOUR_MS;
  }

  async function run(): Promise<void> {
    for (const job of [
      partitions.ensurePartitions,
      partitions.enforceRetention,
      deleteOldRejected,
      regulate,
      audiences.work,
      // What members have just become is sent.
      async () => deliveries?.work(),
    ]) {
      // One job's failure is not the next one's; what failed is tried again at the next tick.
      await job().catch(noteFailure);
    }
  }

  function tick(): Promise<void> {
    if (isClosed) return Promise.resolve();
    running ??= run().finally(() => (running = null));
    return running;
  }

  function loop(): void {
    exports.wake();
    void tick().then(() => {
      if (!isClosed) timer = setTimeout(loop, TICK_MS);
    });
  }

  return {
    upkeep: partitions.upkeep,
    tick,
    start() {
      loop();
      audiences.start();
      deliveries?.start();
    },
    exports,
    membership: audiences.stats,
    deliveries: () => deliveries?.stats() ?? NOTHING_SENT,
    wakeAudiences: audiences.wake,
    wake: () => void regulate().catch(noteFailure),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await Promise.all([audiences.close(), deliveries?.close(), exports.close()]);
      await running;
      // Takes no further step.
      await regulate().catch(() => undefined);
    },
  };
}

/** A call while one runs waits for that one. */
function oneAtATime(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => (running ??= run().finally(() => (running = null)));
}

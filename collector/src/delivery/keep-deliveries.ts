import { type Backlog, listDue, listWorkspacesWithDestinations, readBacklog } from '../db/deliveries';
import { deleteOldDeliveries } from '../db/delivery-log';
import type { DestinationReference } from '../db/destinations';
import { deliver, type DeliverOptions, type DeliveryOptions } from './deliver';

/** What was done since the process started, and what was left to do when it looked last. */
export interface DeliveryStats {
  readonly delivered: number;
  /** Attempts that did not deliver. */
  readonly failed: number;
  readonly dead: number;
  /** How long the oldest change has waited that a destination was not sent; null where nothing waits. */
  readonly oldestWaitingMs: number | null;
  /** Deliveries that were sent in vain, and wait for their next try. */
  readonly waiting: number;
  /** Of all processes, and over restarts. */
  readonly deadOfLastDay: number;
  /** When it looked last; null before the first time. */
  readonly lookedAt: Date | null;
}

export const NOTHING_SENT: DeliveryStats = {
  ...{ delivered: 0, failed: 0, dead: 0 },
  ...{ oldestWaitingMs: null, waiting: 0, deadOfLastDay: 0, lookedAt: null },
};

/** Sends to destinations what they wait for. Any number of processes may have one. */
export interface DeliveryKeeper {
  /** Sends all that is due; a call while it runs waits for that one. */
  readonly work: () => Promise<void>;
  /** Works now, and whenever something may be due. */
  readonly start: () => void;
  /** Stops after the attempts at hand. */
  readonly close: () => Promise<void>;
  readonly stats: () => DeliveryStats;
}

const LOOK_EVERY_MS = 1_000;
/** Slow receivers keep each other waiting only beyond so many. */
const AT_ONCE = 8;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long it can be seen what was sent, and dead letters can be sent again. */
const LOG_KEPT_MS = 30 * DAY_MS;
const PER_DELETE = 2_000;

export function createDeliveryKeeper(options: DeliveryOptions): DeliveryKeeper {
  const { db, now, log } = options;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | null = null;
  let tidyFrom = -Infinity;
  let stats = NOTHING_SENT;

  const lane = {
    ...options,
    isClosed: () => isClosed,
    onSent(fate: 'delivered' | 'retry' | 'gone' | 'dead') {
      stats = {
        ...stats,
        delivered: stats.delivered + (fate === 'delivered' ? 1 : 0),
        failed: stats.failed + (fate === 'delivered' ? 0 : 1),
        dead: stats.dead + (fate === 'dead' ? 1 : 0),
      };
    },
  };

  async function run(): Promise<void> {
    const workspaceIds = await listWorkspacesWithDestinations(db);
    for (let hasMore = true; hasMore && !isClosed;) {
      const due: DestinationReference[] = [];
      for (const workspaceId of workspaceIds) due.push(...(await listDue(db, workspaceId, now())));
      hasMore = await deliverAll(lane, due);
      stats = { ...stats, ...(await sumBacklogs(lane, workspaceIds)) };
      if (now().getTime() < tidyFrom) continue;
      await deleteOld(lane, workspaceIds);
      tidyFrom = now().getTime() + HOUR_MS;
    }
  }

  function work(): Promise<void> {
    running ??= run().finally(() => (running = null));
    return running;
  }

  function loop(): void {
    void work()
      .catch((error: unknown) => {
        if (!isClosed) log.error({ err: error }, 'Destinations could not be sent to');
      })
      .then(() => {
        if (!isClosed) timer = setTimeout(loop, LOOK_EVERY_MS);
      });
  }

  return {
    work,
    start: loop,
    stats: () => stats,
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await running?.catch(() => undefined);
    },
  };
}

/** @returns whether there may be more to send now */
async function deliverAll(options: DeliverOptions, due: DestinationReference[]): Promise<boolean> {
  const { isClosed, log } = options;
  let hasMore = false;
  const next = async (): Promise<void> => {
    for (let place = due.shift(); place !== undefined && !isClosed(); place = due.shift()) {
      // One destination's failure is not the next one's.
      const mayHaveMore = await deliver(options, place).catch((error: unknown) => {
        if (!isClosed()) log.error({ err: error, ...place }, 'A destination could not be sent to');
        return false;
      });
      if (mayHaveMore) hasMore = true;
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, due.length) }, next));
  return hasMore;
}

async function deleteOld(
  { db, now, isClosed }: DeliverOptions,
  workspaceIds: readonly string[],
): Promise<void> {
  const bounds = { before: new Date(now().getTime() - LOG_KEPT_MS), limit: PER_DELETE };
  for (const workspaceId of workspaceIds) {
    while (!isClosed() && (await deleteOldDeliveries(db, workspaceId, bounds)) === PER_DELETE);
  }
}

type Left = Pick<DeliveryStats, 'oldestWaitingMs' | 'waiting' | 'deadOfLastDay' | 'lookedAt'>;

async function sumBacklogs({ db, now }: DeliverOptions, workspaceIds: readonly string[]): Promise<Left> {
  const lookedAt = now();
  const deadSince = new Date(lookedAt.getTime() - DAY_MS);
  const backlogs: Backlog[] = [];
  for (const workspaceId of workspaceIds) backlogs.push(await readBacklog(db, workspaceId, { deadSince }));
  const waits = backlogs.flatMap(({ oldestAt }) =>
    oldestAt === null ? [] : [lookedAt.getTime() - oldestAt.getTime()],
  );
  return {
    oldestWaitingMs: waits.length === 0 ? null : Math.max(...waits),
    waiting: backlogs.reduce((sum, { waiting }) => sum + waiting, 0),
    deadOfLastDay: backlogs.reduce((sum, { dead }) => sum + dead, 0),
    lookedAt,
  };
}

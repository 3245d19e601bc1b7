import type { FastifyBaseLogger } from 'fastify';
import type { Kysely } from 'kysely';
import { listWorkspaceIds, makeStale } from './db/audiences';
import {
  countDefaultPartitionEvents,
  ensureEventPartitions,
  findPartitionsEnd,
  MONTHS_AHEAD,
} from './db/partitions';
import { deleteExpiredEvents, dropExpiredPartitions } from './db/retention';
import type { Database } from './db/tables';

/** How the events' partitions stand; null before the first look. */
export interface Upkeep {
  /** How long the partitions that exist will last, in seconds. */
  readonly partitionsAheadSeconds: number | null;
  /** Events beside the monthly partitions. */
  readonly defaultPartitionEvents: number | null;
  readonly droppedPartitions: number;
  readonly deletedEvents: number;
}

export interface UpkeepOptions {
  readonly db: Kysely<Database>;
  readonly now: () => Date;
  readonly log: Pick<FastifyBaseLogger, 'warn'>;
  /** Whether to stop at the next chance. */
  readonly isClosed: () => boolean;
}

export interface PartitionKeeper {
  /** Creates the partitions that are missing, once a day. */
  readonly ensurePartitions: () => Promise<void>;
  /** Drops and deletes what no workspace keeps any longer, once an hour. */
  readonly enforceRetention: () => Promise<void>;
  readonly upkeep: () => Upkeep;
}

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** Keeps the events' partitions ahead of the clock, and retention behind it. */
export function createPartitionKeeper({ db, now, log, isClosed }: UpkeepOptions): PartitionKeeper {
  let ensuredUntil = -Infinity;
  let enforcedUntil = -Infinity;
  let partitionsEnd: Date | null = null;
  let defaultPartitionEvents: number | null = null;
  let droppedPartitions = 0;
  let deletedEvents = 0;

  async function ensurePartitions(): Promise<void> {
    const at = now();
    if (at.getTime() < ensuredUntil) return;
    const occupied = await ensureEventPartitions(db, { from: at, months: MONTHS_AHEAD });
    if (occupied.length > 0)
      log.warn({ months: occupied }, 'Events of these months stay in the default partition');
    partitionsEnd = await findPartitionsEnd(db, at);
    ensuredUntil = at.getTime() + DAY_MS;
  }

  async function enforceRetention(): Promise<void> {
    const at = now();
    if (at.getTime() < enforcedUntil) return;
    const dropped = await dropExpiredPartitions(db, at);
    droppedPartitions += dropped.length;
    if (dropped.length > 0)
      log.warn({ partitions: dropped }, 'Partitions that no workspace keeps were dropped');
    for (const workspaceId of await listWorkspaceIds(db)) {
      const deleted = await deleteExpiredEvents(db, { workspaceId, now: at, isClosed });
      deletedEvents += deleted;
      // What counted those events counts less of them now.
      if (deleted + dropped.length > 0) await makeStale(db, workspaceId);
    }
    await countDefault();
    if (!isClosed()) enforcedUntil = at.getTime() + HOUR_MS;
  }

  async function countDefault(): Promise<void> {
    const before = defaultPartitionEvents ?? 0;
    defaultPartitionEvents = await countDefaultPartitionEvents(db);
    if (defaultPartitionEvents > before)
      log.warn({ events: defaultPartitionEvents }, 'Events lie beside the monthly partitions');
  }

  return {
    ensurePartitions,
    enforceRetention,
    upkeep: () => ({
      partitionsAheadSeconds:
        partitionsEnd === null ? null : (partitionsEnd.getTime() - now().getTime()) / 1000,
      defaultPartitionEvents,
      droppedPartitions,
      deletedEvents,
    }),
  };
}

import type { FastifyBaseLogger } from 'fastify';
import type { Kysely } from 'kysely';
import { RebuildError } from '../db/audience-evaluation';
import { noteError, refreshAudience, toRebuildError } from '../db/audience-rebuild';
import { recountAudience } from '../db/audience-recount';
import { takeStep, type Waiting } from '../db/audience-steps';
import type { Database } from '../db/tables';

export interface MembershipOptions {
  readonly db: Kysely<Database>;
  readonly now: () => Date;
  readonly log: Pick<FastifyBaseLogger, 'error'>;
}

/** What was done since the process started. */
export interface MembershipStats {
  /** Profiles that were looked at because something happened, or their time had come. */
  readonly evaluated: number;
  readonly entered: number;
  readonly exited: number;
  /** How long the last mark waited that was taken, in milliseconds; null before the first. */
  readonly waitedMs: number | null;
  /** How many audiences were counted from scratch, and how many of their members were wrong: 0 is expected. */
  readonly recounts: number;
  readonly drift: number;
}

export const NOTHING_DONE: MembershipStats = {
  ...{ evaluated: 0, entered: 0, exited: 0, waitedMs: null },
  ...{ recounts: 0, drift: 0 },
};

/** What failed is left alone for so long. */
const LEAVE_FAILED_MS = 60_000;
/** Then the other audiences have their turn. */
const STEPS_IN_A_ROW = 20;

/** Does for one audience what it waits for. */
export interface AudienceKeeper {
  /** @returns whether there may be more to do, for it or for others. Never throws: what fails is logged, and left alone for a while. */
  readonly keep: (audience: Waiting) => Promise<boolean>;
  readonly stats: () => MembershipStats;
}

/** @param isClosed whether to stop after the step at hand */
export function createAudienceKeeper(
  { db, now, log }: MembershipOptions,
  isClosed: () => boolean,
): AudienceKeeper {
  const failedAt = new Map<string, number>();
  let stats = NOTHING_DONE;

  async function keep(audience: Waiting): Promise<boolean> {
    const { audienceId } = audience;
    const failed = failedAt.get(audienceId);
    if (failed !== undefined && now().getTime() < failed + LEAVE_FAILED_MS) return false;
    try {
      const hasMore = await keepSurely(audience);
      failedAt.delete(audienceId);
      return hasMore;
    } catch (error) {
      // Cut off by a stop: nothing is wrong with the audience.
      if (isClosed()) return false;
      failedAt.set(audienceId, now().getTime());
      log.error({ err: error, audienceId }, 'The members of an audience could not be found; they stay');
      await say(audience, error);
      return false;
    }
  }

  async function keepSurely(audience: Waiting): Promise<boolean> {
    if (audience.isSettling || (audience.isStale && !audience.isGivenUp)) {
      const rebuilt = await refreshAudience(db, { ...audience, now });
      return rebuilt !== null && rebuilt.entered + rebuilt.exited > 0;
    }
    if (audience.isUnchecked) await recount(audience);
    if (!audience.hasDue) return false;
    let hasChanged = false;
    for (let steps = 0; steps < STEPS_IN_A_ROW && !isClosed(); steps += 1) {
      const step = await takeStep(db, { ...audience, now: now() });
      // Those whose rules read its members have marks now.
      if (step === null) return hasChanged;
      hasChanged ||= step.entered + step.exited > 0;
      stats = {
        ...stats,
        evaluated: stats.evaluated + step.evaluated,
        entered: stats.entered + step.entered,
        exited: stats.exited + step.exited,
        waitedMs: step.waitedMs ?? stats.waitedMs,
      };
      if (step.isLast) return hasChanged;
    }
    return true;
  }

  async function recount({ workspaceId, audienceId }: Waiting): Promise<void> {
    const found = await recountAudience(db, { workspaceId, audienceId, now: now() });
    if (found === null) return;
    stats = { ...stats, recounts: stats.recounts + 1, drift: stats.drift + found.drift };
    if (found.drift > 0) log.error({ audienceId, ...found }, 'Members were wrong; they are found anew');
  }

  /** A rebuild has said so itself. */
  async function say({ workspaceId, audienceId }: Waiting, error: unknown): Promise<void> {
    const reason = error instanceof RebuildError ? null : toRebuildError(error, Infinity);
    if (reason === null) return;
    await noteError(db, { workspaceId, audienceId }, reason.message).catch((cause: unknown) =>
      log.error({ err: cause, audienceId }, 'Nor could that be noted'),
    );
  }

  return { keep, stats: () => stats };
}

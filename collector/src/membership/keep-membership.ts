import { listWaiting, listWorkspacesWithAudiences } from '../db/audience-steps';
import { createAudienceKeeper, type MembershipOptions, type MembershipStats } from './keep-audience';
import { createPace } from './pace';

/** Keeps the members of audiences true. Any number of processes may have one. */
export interface MembershipKeeper {
  /** Does all that is due; a call while it runs waits until what was due at the call is done. */
  readonly work: () => Promise<void>;
  /** Works now, and whenever something may be due. */
  readonly start: () => void;
  /** Says that there is something to look at, which need not wait for the next look. */
  readonly wake: () => void;
  /** Stops after the step at hand. */
  readonly close: () => Promise<void>;
  readonly stats: () => MembershipStats;
}

/** Audiences read others, so one pass may make work for the next; events that come without end do not make it endless. */
const PASSES_IN_A_ROW = 20;
const RECOUNT_AFTER_MS = 24 * 60 * 60 * 1000;

export function createMembershipKeeper(options: MembershipOptions): MembershipKeeper {
  const { db, now, log } = options;
  let isClosed = false;
  const audiences = createAudienceKeeper(options, () => isClosed);

  async function keepWorkspace(workspaceId: string): Promise<boolean> {
    const at = now();
    const checkedBefore = new Date(at.getTime() - RECOUNT_AFTER_MS);
    let hasMore = false;
    for (const audience of await listWaiting(db, workspaceId, { now: at, checkedBefore })) {
      if (isClosed) return false;
      if (await audiences.keep(audience)) hasMore = true;
    }
    return hasMore;
  }

  /** @returns whether there may be more to do */
  async function pass(): Promise<boolean> {
    let hasMore = false;
    for (const workspaceId of await listWorkspacesWithAudiences(db)) {
      if (!isClosed && (await keepWorkspace(workspaceId))) hasMore = true;
    }
    return hasMore;
  }

  const work = oneBehindAnother(async () => {
    for (let passes = 0; passes < PASSES_IN_A_ROW && !isClosed && (await pass()); passes += 1);
  });

  const pace = createPace(() =>
    pass().catch((error: unknown) => {
      if (!isClosed) log.error({ err: error }, 'Audiences could not be looked at');
      return false;
    }),
  );

  return {
    work,
    start: pace.start,
    wake: pace.wake,
    stats: audiences.stats,
    async close() {
      isClosed = true;
      await Promise.all([pace.close(), work().catch(() => undefined)]);
    },
  };
}

/** A call while one runs is answered by one more, which begins when that one has ended: both have seen what was there. */
function oneBehindAnother(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const begin = (): Promise<void> => (running = run().finally(() => (running = null)));
  return () => {
    if (running === null) return begin();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = null;
        return begin();
      });
    return next;
  };
}

import { listWaiting, listWorkspacesWithAudiences } from '../db/audience-steps';
import { createAudienceKeeper, type MembershipOptions, type MembershipStats } from './keep-audience';

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

/** Marks of other processes and due checks are looked for this often. */
const LOOK_EVERY_MS = 1_000;
/** Whoever is woken waits this long for company: many events in a row are one look. */
const GATHER_MS = 100;
const RECOUNT_AFTER_MS = 24 * 60 * 60 * 1000;

export function createMembershipKeeper(options: MembershipOptions): MembershipKeeper {
  const { db, now, log } = options;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let woken: NodeJS.Timeout | undefined;
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

  async function run(): Promise<void> {
    for (const workspaceId of await listWorkspacesWithAudiences(db)) {
      while (!isClosed && (await keepWorkspace(workspaceId)));
    }
  }

  const work = oneBehindAnother(run);

  function loop(): void {
    clearTimeout(timer);
    if (isClosed) return;
    void work()
      .catch((error: unknown) => {
        if (!isClosed) log.error({ err: error }, 'Audiences could not be looked at');
      })
      .then(() => {
        clearTimeout(timer);
        if (!isClosed) timer = setTimeout(loop, LOOK_EVERY_MS);
      });
  }

  function wake(): void {
    woken ??= setTimeout(() => {
      woken = undefined;
      loop();
    }, GATHER_MS);
  }

  return {
    work,
    start: loop,
    wake,
    stats: audiences.stats,
    async close() {
      isClosed = true;
      clearTimeout(timer);
      clearTimeout(woken);
      await work().catch(() => undefined);
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

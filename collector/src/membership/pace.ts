/** When to look: whenever somebody says so, but gathered, and with rests between. */
export interface Pace {
  /** Looks now, and from now on. */
  readonly start: () => void;
  /** Says that there is something to look at, which need not wait for the next look. */
  readonly wake: () => void;
  /** Resolves when the look at hand has ended; there is no other. */
  readonly close: () => Promise<void>;
}

/** What nobody said is looked for this often. */
const LOOK_EVERY_MS = 1_000;
/** Whoever is woken waits this long for company: many events in a row are one look. */
const GATHER_MS = 100;
/**
 * After a look it rests so many times as long as that took, though not longer than events may wait to be seen: looks at
 * many profiles cost less for each than looks at few, and while events come without end they take a share of the
 * machine, and not all of it.
 */
const RESTS_PER_LOOK = 4;
const REST_AT_MOST_MS = 800;

/** @param look never throws; tells whether there may be more to look at */
export function createPace(look: () => Promise<boolean>): Pace {
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let woken: NodeJS.Timeout | undefined;
  let looking: Promise<void> | null = null;
  let isWokenMeanwhile = false;
  /** By the clock that never goes back. */
  let restsUntil = -Infinity;

  async function lookOnce(): Promise<void> {
    const begun = performance.now();
    const hasMore = await look();
    const ended = performance.now();
    looking = null;
    if (isClosed) return;
    restsUntil = ended + Math.min((ended - begun) * RESTS_PER_LOOK, REST_AT_MOST_MS);
    timer = setTimeout(lookNow, LOOK_EVERY_MS);
    if (hasMore || isWokenMeanwhile) wake();
  }

  function lookNow(): void {
    clearTimeout(timer);
    isWokenMeanwhile = false;
    looking = lookOnce();
  }

  function wake(): void {
    isWokenMeanwhile = looking !== null;
    if (isClosed || isWokenMeanwhile) return;
    woken ??= setTimeout(lookWhenRested, Math.max(GATHER_MS, restsUntil - performance.now()));
  }

  /** A look by the clock may have come in between. */
  function lookWhenRested(): void {
    woken = undefined;
    if (looking !== null || performance.now() < restsUntil) wake();
    else lookNow();
  }

  return {
    start: lookNow,
    wake,
    async close() {
      isClosed = true;
      clearTimeout(timer);
      clearTimeout(woken);
      await looking;
    },
  };
}

/** What goes wrong, and when: from a seed alone, so that a run can be had again. */

/** Each is said in the summary as it stands here. */
export const FAULTS = [
  'kill -9 of the collector',
  'kill -9 of Postgres',
  'kill -9 of both',
  'SIGTERM and a new start',
  'Postgres stopped where it stands',
  'all connections cut',
  'cut before COMMIT',
  'cut before the answer to COMMIT',
  'a lock held',
] as const;

export type FaultKind = (typeof FAULTS)[number];

export interface PlannedFault {
  readonly kind: FaultKind;
  /** Batches that are acknowledged before it, counted from the recovery from the one before. */
  readonly afterBatches: number;
  /** Then so long, so that it lands anywhere within a batch's life. */
  readonly delayMs: number;
  /** How long a lock is held. */
  readonly holdMs: number;
}

const MAX_BATCHES_BETWEEN = 40;
const MAX_DELAY_MS = 25;
const MAX_HOLD_MS = 1_000;

/** Without an end. Every kind comes once in each round, in an order of its own. */
export function* planFaults(seed: number, kinds: readonly FaultKind[]): Generator<PlannedFault, never> {
  const random = createRandom(seed);
  const upTo = (max: number): number => Math.floor(random() * max);
  for (;;) {
    const round = kinds.map((kind) => ({ kind, at: random() })).sort((a, b) => a.at - b.at);
    for (const { kind } of round) {
      yield {
        kind,
        afterBatches: upTo(MAX_BATCHES_BETWEEN),
        delayMs: upTo(MAX_DELAY_MS),
        holdMs: upTo(MAX_HOLD_MS),
      };
    }
  }
}

/** Numbers from 0 to 1, the same for the same seed: mulberry32, by Tommy Ettinger. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

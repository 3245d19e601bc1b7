import { type Flush, type Queue, QueueClosed, QueueFull, type Weight } from './contract';
import { createHold } from './hold';
import { createLanes, type Waiting } from './lanes';

export interface GroupCommitOptions<Job, Result> {
  /** Writes jobs of one lane together; gives one result for each, in their order, or throws for all. */
  readonly write: (jobs: readonly Job[]) => Promise<readonly Result[]>;
  /** Jobs of different lanes are never written together. */
  readonly laneOf: (job: Job) => string;
  readonly weigh: (job: Job) => Weight;
  /** A group is full at this many events. A larger job is a group of its own; jobs are never split. */
  readonly maxEvents: number;
  /** How long a job waits for company while a writer is free, in milliseconds. */
  readonly maxWaitMs: number;
  /** Groups that are written at the same time. */
  readonly writers: number;
  /** Bytes that may wait or be written at once. One job is always taken, however large. */
  readonly maxBytes: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Hears of each group when it is over. */
  readonly onFlush?: (flush: Flush) => void;
}

/**
 * The in-memory engine: requests wait while a writer collects what arrived, and are answered together after one
 * commit. While all writers are busy, groups grow by themselves; so under load the wait costs nothing.
 */
export function createGroupCommit<Job, Result>(options: GroupCommitOptions<Job, Result>): Queue<Job, Result> {
  const lanes = createLanes<Job, Result>(options.maxEvents);
  const closed = deferred();
  let isClosing = false;
  const hold = createHold(options.maxBytes);
  let writing = 0;
  let timer: NodeJS.Timeout | undefined;

  function pump(): void {
    clearTimeout(timer);
    timer = undefined;
    const due = isClosing ? Infinity : options.now() - options.maxWaitMs;
    for (
      let lane = lanes.findRipe(due);
      lane !== undefined && writing < options.writers;
      lane = lanes.findRipe(due)
    ) {
      void run(lanes.take(lane));
    }
    const oldest = lanes.oldest();
    if (oldest !== undefined && writing < options.writers) {
      timer = setTimeout(pump, Math.max(0, oldest + options.maxWaitMs - options.now()));
    }
    if (isClosing && writing === 0 && lanes.isEmpty()) closed.resolve();
  }

  async function run(group: readonly Waiting<Job, Result>[]): Promise<void> {
    writing += 1;
    const since = options.now();
    let isWritten = false;
    try {
      const results = await options.write(group.map(({ job }) => job));
      isWritten = true;
      for (const [index, { resolve }] of group.entries()) resolve(results[index]!);
    } catch (error) {
      for (const { reject } of group) reject(error);
    } finally {
      writing -= 1;
      for (const { weight } of group) hold.give(weight.bytes);
      pump();
      options.onFlush?.(describeFlush(group, { since, now: options.now(), isWritten }));
    }
  }

  return {
    submit(job) {
      const weight = options.weigh(job);
      if (isClosing) return Promise.reject(new QueueClosed());
      if (!hold.take(weight.bytes)) return Promise.reject(new QueueFull());
      return new Promise((resolve, reject) => {
        lanes.push(options.laneOf(job), { job, weight, since: options.now(), resolve, reject });
        if (writing < options.writers) pump();
      });
    },
    reserve(bytes) {
      if (isClosing) throw new QueueClosed();
      return hold.reserve(bytes);
    },
    stats() {
      const { jobs, events } = lanes.counts();
      const oldest = lanes.oldest();
      const oldestAgeMs = oldest === undefined ? 0 : options.now() - oldest;
      const { maxBytes, writers } = options;
      const waiting = { waitingJobs: jobs, waitingEvents: events, oldestAgeMs };
      return { ...waiting, bytesInFlight: hold.held(), maxBytes, writing, writers };
    },
    close() {
      isClosing = true;
      pump();
      return closed.promise;
    },
  };
}

function describeFlush(
  group: readonly Waiting<unknown, never>[],
  { since, now, isWritten }: { since: number; now: number; isWritten: boolean },
): Flush {
  const events = group.reduce((sum, { weight }) => sum + weight.events, 0);
  return { events, waitedMs: since - group[0]!.since, durationMs: now - since, isWritten };
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

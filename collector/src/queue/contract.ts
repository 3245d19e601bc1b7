/** How much a job weighs while it waits. */
export interface Weight {
  readonly events: number;
  readonly bytes: number;
}

export interface QueueStats {
  readonly waitingJobs: number;
  readonly waitingEvents: number;
  /** Bytes of the jobs that wait or are being written. */
  readonly bytesInFlight: number;
  readonly writing: number;
  /** How long the oldest waiting job has waited, in milliseconds; 0 where none waits. */
  readonly oldestAgeMs: number;
}

/**
 * What stands between accepting events and writing them. An engine may hold jobs in memory (then the answer comes
 * after the commit) or durably (then it may come before).
 */
export interface Queue<Job, Result> {
  /**
   * Resolves when the job has been written, with what became of it.
   *
   * @throws QueueFull, QueueClosed, or what writing it threw
   */
  submit(job: Job): Promise<Result>;
  stats(): QueueStats;
  /** Takes no more jobs, and resolves when those that were accepted are written. */
  close(): Promise<void>;
}

/** More is waiting than may: nothing of the job was kept. */
export class QueueFull extends Error {
  constructor() {
    super('Too much is waiting to be written.');
  }
}

/** The process is shutting down: nothing of the job was kept. */
export class QueueClosed extends Error {
  constructor() {
    super('The collector is shutting down.');
  }
}

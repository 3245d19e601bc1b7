/** How much a job weighs while it waits. */
export interface Weight {
  readonly events: number;
  readonly bytes: number;
}

export interface QueueStats {
  readonly waitingJobs: number;
  readonly waitingEvents: number;
  /** Bytes of the jobs that wait or are being written, and what is reserved for those to come. */
  readonly bytesInFlight: number;
  /** What they may be. */
  readonly maxBytes: number;
  readonly writing: number;
  /** What that may be. */
  readonly writers: number;
  /** How long the oldest waiting job has waited, in milliseconds; 0 where none waits. */
  readonly oldestAgeMs: number;
}

/** A group that was written, or could not be. */
export interface Flush {
  readonly events: number;
  /** How long its first job had waited when a writer took it, in milliseconds. */
  readonly waitedMs: number;
  /** How long writing it took, up to the answer to its commit, in milliseconds. */
  readonly durationMs: number;
  readonly isWritten: boolean;
}

/** Bytes in flight that are held for a job before there is one: its request is still being read. */
export interface Reservation {
  /** Holds more. @throws QueueFull; what is held stays held then */
  readonly grow: (bytes: number) => void;
  /** Gives all of it back; a second time does nothing. */
  readonly release: () => void;
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
  /**
   * Holds bytes for a job to come; they are given back before it is submitted, which then weighs its own. Where nothing else is in flight any number is given: one job is
   * always taken, however large.
   *
   * @throws QueueFull, QueueClosed
   */
  reserve(bytes: number): Reservation;
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

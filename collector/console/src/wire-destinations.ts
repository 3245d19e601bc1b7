/** The collector's answers about destinations, as the console reads them. */

export interface Destination {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly url: string;
  readonly batchSize: number;
  /** gone: the receiver said that it is no more. */
  readonly state: 'active' | 'paused' | 'gone';
  readonly createdAt: string;
  readonly audiences: readonly {
    readonly id: string;
    readonly key: string;
    readonly name: string;
    readonly isBackfilling: boolean;
    readonly behind: number;
  }[];
  readonly secrets: readonly { readonly id: string; readonly createdAt: string }[];
  readonly waiting: number;
  readonly dead: number;
  readonly lastAttempt: {
    readonly at: string;
    readonly status: number | null;
    readonly error: string | null;
  } | null;
}

/** Shown once: when it was made. */
export interface MadeSecret {
  readonly secret: string;
}

export interface Attempt {
  readonly at: string;
  readonly durationMs: number;
  readonly status: number | null;
  readonly error: string | null;
  readonly excerpt: string | null;
}

export interface Tested extends Attempt {
  readonly isDelivered: boolean;
}

export interface Delivery {
  readonly id: string;
  readonly state: 'waiting' | 'delivered' | 'dead' | 'empty';
  readonly createdAt: string;
  readonly nextAttemptAt: string | null;
  readonly attempts: number;
  readonly parts: readonly {
    readonly audience: string | null;
    readonly isBackfill: boolean;
    readonly fromChange: string;
    readonly toChange: string;
  }[];
  readonly lastAttempt: Attempt | null;
}

/** How an attempt went, in a few words. */
export function outcomeOf({ status, error }: Pick<Attempt, 'status' | 'error'>): string {
  if (status === null) return error ?? 'no answer';
  return `HTTP ${status}`;
}

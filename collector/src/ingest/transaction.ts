import type { InterestsOf } from '../core/audience-interest';
import type { Querier } from '../db/querier';
import type { NormalEvent } from '../core/event';
import type { RejectedRow } from '../db/write-events';

/** What is committed together: events of one workspace, unique by message ID, and what was refused beside them. */
export interface Group {
  readonly workspaceId: string;
  /** The workspace's currency, for orders that name none. */
  readonly currency: string;
  readonly events: readonly NormalEvent[];
  readonly rejected: readonly RejectedRow[];
  /** Of how many owners an anonymous ID is no kiosk yet. @default MAX_OWNERS */
  readonly maxOwners?: number;
  /** What audiences must be told of, where it was read before. */
  readonly interests?: InterestsOf;
}

/** A transaction under way: the connection and the workspace that it is bound to. */
export interface Transaction {
  readonly client: Querier;
  readonly workspaceId: string;
  /** As {@link Group} says. */
  readonly maxOwners: number;
  /** How many regulations had changed what is taken in when it began; 0: nothing was ever erased or suppressed. */
  readonly regulationEpoch: number;
}

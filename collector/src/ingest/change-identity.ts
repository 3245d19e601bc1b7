import type { Pool } from 'pg';
import { MAX_OWNERS } from '../core/identity';
import type { Link } from '../db/links';
import type { Pair } from '../core/identity';
import { createPreparing } from '../db/prepared';
import { begin, beginPreview, commit, enterWorkspace, holdRegulations } from '../db/write-events';
import { changeLink, type LinkOutcome } from './link-users';
import type { Transaction } from './transaction';
import { tryAgain } from './try-again';
import { changeVoid, type VoidOutcome } from './void-claims';

/** Who changes it. */
interface By {
  readonly workspaceId: string;
  readonly actor: string;
  readonly isPreview: boolean;
}

/** What somebody may change by hand about who owns what. Each is one transaction, tried again where it must be. */
export interface IdentityChanges {
  changeVoid(change: By & Pair & { readonly isVoid: boolean }): Promise<VoidOutcome>;
  changeLink(change: By & Link & { readonly isLinked: boolean }): Promise<LinkOutcome>;
}

export interface IdentityChangesOptions {
  readonly pool: Pool;
  readonly now: () => Date;
  /** A new UUIDv7. */
  readonly newId: () => string;
  /** @default MAX_OWNERS */
  readonly maxOwners?: number;
}

/** A change by hand may move a long history. */
const STATEMENT_TIMEOUT_MS = 30_000;

export function createIdentityChanges({
  pool,
  now,
  newId,
  maxOwners = MAX_OWNERS,
}: IdentityChangesOptions): IdentityChanges {
  const trying = { pool, preparing: createPreparing(), random: Math.random, onRetry: () => undefined };
  const run = <T>({ workspaceId, isPreview }: By, change: (transaction: Transaction) => Promise<T>) =>
    tryAgain(trying, async (client) => {
      const [, readEpoch, heldEpoch] = await Promise.all([
        isPreview ? beginPreview(client) : begin(client),
        enterWorkspace(client, workspaceId, STATEMENT_TIMEOUT_MS),
        // What is changed by hand may give to anybody who was ever claimed: an erasure and it must not pass each other.
        isPreview ? undefined : holdRegulations(client, workspaceId),
      ]);
      const regulationEpoch = heldEpoch ?? readEpoch;
      const outcome = await change({ client, workspaceId, maxOwners, regulationEpoch });
      await commit(client);
      return outcome;
    });
  return {
    changeVoid: (change) =>
      run(change, (transaction) => changeVoid(transaction, { ...change, id: newId(), at: now() })),
    changeLink: (change) =>
      run(change, (transaction) => changeLink(transaction, { ...change, id: newId(), at: now() })),
  };
}

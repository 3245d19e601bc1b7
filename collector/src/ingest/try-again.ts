import { setTimeout as wait } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { Preparing } from '../db/prepared';
import type { Querier } from '../db/querier';
import { ReceivedLate } from './received-late';
import { type Locks, NO_MORE_LOCKS, OwnershipChanged } from './settle-identity';

/** What transactions are tried with. */
export interface Trying {
  readonly pool: Pool;
  readonly preparing: Preparing;
  /** From 0 to 1. */
  readonly random: () => number;
  /** A transaction failed and is tried again. */
  readonly onRetry: () => void;
}

const MAX_ATTEMPTS = 5;
/** Two writers that got into each other's way shall not do so again: they come back at different moments. */
const RETRY_WITHIN_MS = 20;

/**
 * Runs a transaction, from its begin to its commit, on a connection of its own. Writers take their locks in one order,
 * so that one must start again is rare; what happens all the same is tried again, a few times.
 *
 * @param run is told what to lock more than last time
 */
export async function tryAgain<T>(
  trying: Trying,
  run: (client: Querier, locks: Locks) => Promise<T>,
): Promise<T> {
  let locks = NO_MORE_LOCKS;
  for (let attempt = 1; ; attempt += 1) {
    const client = await trying.pool.connect();
    try {
      const result = await run(trying.preparing.over(client), locks);
      client.release();
      return result;
    } catch (error) {
      await abandon(client, error);
      const mayPass = mayPassNextTime(error) || trying.preparing.isGivenUpBy(error);
      if (!mayPass || attempt >= MAX_ATTEMPTS) throw error;
      trying.onRetry();
      locks = locksAfter(error, { locks, attempt });
      await wait(trying.random() * attempt * RETRY_WITHIN_MS);
    }
  }
}

/** What turned out to be missing is locked next time; and after two tries everything is, so that the third passes. */
function locksAfter(error: unknown, { locks, attempt }: { locks: Locks; attempt: number }): Locks {
  const missing = error instanceof OwnershipChanged ? error.subjectIds : [];
  return { subjectIds: [...locks.subjectIds, ...missing], all: attempt >= 2 };
}

/** A server that became a standby while we were connected to it stays one: the way to the new primary is a new connection. */
const READ_ONLY_SERVER = '25006';

/** A connection that cannot even roll back, or leads to the wrong server, is closed instead of going back to the pool. */
async function abandon(client: PoolClient, error: unknown): Promise<void> {
  try {
    await client.query('rollback');
    client.release(codeOf(error) === READ_ONLY_SERVER);
  } catch (cause) {
    client.release(cause as Error);
  }
}

/** Postgres' code of an error; empty where it has none. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** Serialization failure, deadlock, a subject that moved while its locks were being taken, or an export that fixed what was received. */
function mayPassNextTime(error: unknown): boolean {
  if (error instanceof OwnershipChanged || error instanceof ReceivedLate) return true;
  return ['40001', '40P01'].includes(codeOf(error));
}

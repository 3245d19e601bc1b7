/** A pass over everything that a workspace has: of a rebuild, or a count from scratch. */
import { sql, type Transaction } from 'kysely';
import type { Database } from './tables';

/** It is given up after this long, so that one rule cannot hold the database for ever. */
export const PASS_TIMEOUT_MS = 120_000;

/**
 * Sets the transaction up for it. Each tried with 1M events and 50k profiles: JIT costs more than it saves (4.0 s, 1.3 s
 * without); the default work_mem sorts on disk; and a nested loop, chosen where the statistics do not know an audience
 * or an event's name yet, takes 31 s and more where a hash join takes less than one.
 */
export async function prepareForPass(transaction: Transaction<Database>): Promise<void> {
  await sql`
    select set_config('statement_timeout', ${String(PASS_TIMEOUT_MS)}, true),
      set_config('jit', 'off', true), set_config('work_mem', '64MB', true),
      set_config('hash_mem_multiplier', '4', true), set_config('enable_nestloop', 'off', true)`.execute(
    transaction,
  );
}

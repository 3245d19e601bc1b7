import { type Kysely, sql } from 'kysely';
import type { Database } from './tables';

/** Whether the database answers at all. */
export async function isDatabaseReachable(db: Kysely<Database>): Promise<boolean> {
  try {
    await sql`select 1`.execute(db);
    return true;
  } catch {
    // Whatever the reason: it does not answer, and that is what was asked.
    return false;
  }
}

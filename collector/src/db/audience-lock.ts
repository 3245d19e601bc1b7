/** An audience's row, which whoever writes its members holds. */
import { sql, type Transaction } from 'kysely';
import type { Database } from './tables';

export interface AudienceReference {
  readonly workspaceId: string;
  readonly audienceId: string;
}

export interface LockedAudience extends AudienceReference {
  readonly key: string;
  /** null: its members are those of its list. */
  readonly rule: unknown;
  readonly wantedRule: unknown;
  readonly size: number;
  readonly lastChange: number;
  readonly error: string | null;
  readonly timezone: string;
  readonly currency: string;
}

/**
 * Takes the audience's row, until the transaction ends.
 *
 * @param ifLocked what to do where somebody else has it: wait, or come back later
 * @returns null where there is none, or it is not to be had now
 */
export async function lockAudience(
  transaction: Transaction<Database>,
  { workspaceId, audienceId }: AudienceReference,
  ifLocked: 'wait' | 'skip' = 'wait',
): Promise<LockedAudience | null> {
  const { rows } = await sql<Omit<LockedAudience, keyof AudienceReference>>`
    select a.key, a.rule, a.wanted_rule as "wantedRule", a.size, a.last_change as "lastChange", a.error,
      w.timezone, w.currency
    from audience a join workspace w on w.workspace_id = a.workspace_id
    where a.workspace_id = ${workspaceId} and a.audience_id = ${audienceId}
    for no key update of a ${ifLocked === 'skip' ? sql`skip locked` : sql``}`.execute(transaction);
  return rows[0] === undefined ? null : { workspaceId, audienceId, ...rows[0] };
}

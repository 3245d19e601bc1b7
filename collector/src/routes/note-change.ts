import type { Transaction } from 'kysely';
import type { Reader } from '../access';
import { insertAuditEntry } from '../db/audit';
import { querierIn } from '../db/querier';
import type { Database } from '../db/tables';
import type { RouteContext } from './context';

interface Change {
  /** Noun and verb, e.g. "audience.change". */
  readonly action: string;
  /** Which thing, and what of it; never a value that somebody wrote, in which a person may be named. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Writes down who changes something by hand, in the transaction of the change: both are there, or neither. */
export async function noteChange(
  transaction: Transaction<Database>,
  { now, newId }: Pick<RouteContext, 'now' | 'newId'>,
  { workspaceId, actor, action, detail }: Reader & Change,
): Promise<void> {
  await insertAuditEntry(querierIn(transaction), workspaceId, {
    ...{ entryId: newId(), at: now(), actor, action, detail },
  });
}

/** The names of the fields that a request gives. */
export function fieldsOf(body: object): string[] {
  return Object.entries(body).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}

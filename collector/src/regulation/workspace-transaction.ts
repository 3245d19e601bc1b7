import type { Transaction } from 'kysely';
import type { Database } from '../db/tables';

/** A transaction of Kysely's and the workspace that it is bound to. */
export interface WorkspaceTransaction {
  readonly db: Transaction<Database>;
  readonly workspaceId: string;
}

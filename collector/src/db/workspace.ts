import { type Kysely, sql } from 'kysely';
import { makeStale } from './audiences';
import type { Database } from './tables';

export interface Workspace {
  readonly id: string;
  readonly name: string;
  readonly timezone: string;
  readonly currency: string;
  /** null: everything is kept. */
  readonly retentionDays: number | null;
  readonly createdAt: Date;
}

/** What may be changed of it. The currency may not: revenue was counted in it. */
export type WorkspaceChange = Partial<Pick<Workspace, 'name' | 'timezone' | 'retentionDays'>>;

export async function readWorkspace(db: Kysely<Database>, workspaceId: string): Promise<Workspace> {
  const row = await db
    .selectFrom('workspace')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .executeTakeFirstOrThrow();
  return {
    id: row.workspace_id,
    name: row.name,
    timezone: row.timezone,
    currency: row.currency,
    retentionDays: row.retention_days,
    createdAt: row.created_at,
  };
}

export async function changeWorkspaceSettings(
  db: Kysely<Database>,
  workspaceId: string,
  { name, timezone, retentionDays }: WorkspaceChange,
): Promise<Workspace> {
  const change = {
    ...(name === undefined ? {} : { name }),
    ...(timezone === undefined ? {} : { timezone }),
    ...(retentionDays === undefined ? {} : { retention_days: retentionDays }),
  };
  if (Object.keys(change).length > 0)
    await db.updateTable('workspace').set(change).where('workspace_id', '=', workspaceId).execute();
  // Days and weeks begin at other moments now.
  if (timezone !== undefined) await makeStale(db, workspaceId);
  return readWorkspace(db, workspaceId);
}

/** What the workspace's page tokens are signed with. */
export async function readPageSecret(db: Kysely<Database>, workspaceId: string): Promise<Uint8Array> {
  const { page_secret } = await db
    .selectFrom('workspace')
    .select('page_secret')
    .where('workspace_id', '=', workspaceId)
    .executeTakeFirstOrThrow();
  return page_secret;
}

/** Whether Postgres, which computes days and weeks in it, knows the time zone by exactly this name. */
export async function isKnownTimezone(db: Kysely<Database>, name: string): Promise<boolean> {
  const { rows } = await sql`select from pg_timezone_names where name = ${name}`.execute(db);
  return rows.length > 0;
}

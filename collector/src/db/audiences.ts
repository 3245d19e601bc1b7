import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { Cursor } from '../core/cursor';
import type { Rule } from '../core/rule';
import { isUuid } from '../core/uuid';
import { inWorkspace } from './connect';
import { identifierColumns } from './profiles';
import type { AudienceTable, Database } from './tables';

/** An audience as the API shows it. */
export interface Audience {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly rule: unknown;
  readonly size: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** When its members were last found; null before the first time. */
  readonly rebuiltAt: Date | null;
  /** Why the last rebuild failed; the members are then those of the last good one. */
  readonly error: string | null;
}

export interface NewAudience {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly rule: Rule;
  readonly createdAt: Date;
}

/** Adds an audience that has no members yet; false where its key is taken. */
export async function insertAudience(
  db: Transaction<Database>,
  workspaceId: string,
  { id, key, name, rule, createdAt }: NewAudience,
): Promise<boolean> {
  const row = await db
    .insertInto('audience')
    .values({
      workspace_id: workspaceId,
      audience_id: id,
      key,
      name,
      rule: JSON.stringify(rule),
      created_at: createdAt,
      updated_at: createdAt,
    })
    .onConflict((conflict) => conflict.columns(['workspace_id', 'key']).doNothing())
    .returning('audience_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** The audience with this ID or key, or null. */
export async function findAudience(
  db: Kysely<Database>,
  workspaceId: string,
  reference: string,
): Promise<Audience | null> {
  const row = await db
    .selectFrom('audience')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where(isUuid(reference) ? 'audience_id' : 'key', '=', reference)
    .executeTakeFirst();
  return row === undefined ? null : toAudience(row);
}

/** A page of audiences, newest first. */
export async function listAudiences(
  db: Kysely<Database>,
  workspaceId: string,
  { limit, after }: { limit: number; after: Cursor | null },
): Promise<Audience[]> {
  const rows = await db
    .selectFrom('audience')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .$if(after !== null, (query) =>
      query.where(
        sql<boolean>`(created_at, audience_id) < (${new Date(after!.at)}::timestamptz, ${after!.id}::uuid)`,
      ),
    )
    .orderBy('created_at', 'desc')
    .orderBy('audience_id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(toAudience);
}

/** Every workspace there is; the list itself belongs to none. */
export async function listWorkspaceIds(db: Kysely<Database>): Promise<string[]> {
  const rows = await db.selectFrom('workspace').select('workspace_id').orderBy('workspace_id').execute();
  return rows.map((row) => row.workspace_id);
}

/** The workspace's audiences, the one first whose last rebuild is longest ago. */
export function listAudienceIds(db: Kysely<Database>, workspaceId: string): Promise<string[]> {
  return inWorkspace(db, workspaceId, async (transaction) => {
    const rows = await transaction
      .selectFrom('audience')
      .select('audience_id')
      .where('workspace_id', '=', workspaceId)
      .orderBy('rebuilt_at', (order) => order.asc().nullsFirst())
      .execute();
    return rows.map((row) => row.audience_id);
  });
}

/** Removes an audience and its members; false where there is none. */
export async function deleteAudience(
  db: Transaction<Database>,
  workspaceId: string,
  audienceId: string,
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('audience')
    .where('workspace_id', '=', workspaceId)
    .where('audience_id', '=', audienceId)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

export interface Member {
  readonly profileId: string;
  readonly userId: string | null;
  readonly email: string | null;
  readonly anonymousId: string | null;
  readonly enteredAt: Date;
}

interface MemberRow {
  profile_id: string;
  user_id: string | null;
  email: string | null;
  anonymous_id: string | null;
  entered_at: Date;
}

/** A page of an audience's members, who entered last first. */
export async function listMembers(
  db: Kysely<Database>,
  workspaceId: string,
  { audienceId, limit, after }: { audienceId: string; limit: number; after: Cursor | null },
): Promise<Member[]> {
  const place =
    after === null
      ? sql`true`
      : sql`(m.entered_at, m.profile_id) < (${new Date(after.at)}::timestamptz, ${after.id}::uuid)`;
  const { rows } = await sql<MemberRow>`
    select m.profile_id, m.entered_at, ${identifierColumns(workspaceId, sql.ref('m.profile_id'))}
    from audience_member m
    where m.workspace_id = ${workspaceId} and m.audience_id = ${audienceId} and ${place}
    order by m.entered_at desc, m.profile_id desc
    limit ${limit}`.execute(db);
  return rows.map((row) => ({
    profileId: row.profile_id,
    userId: row.user_id,
    email: row.email,
    anonymousId: row.anonymous_id,
    enteredAt: row.entered_at,
  }));
}

function toAudience(row: Selectable<AudienceTable>): Audience {
  return {
    id: row.audience_id,
    key: row.key,
    name: row.name,
    rule: row.rule,
    size: row.size,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    rebuiltAt: row.rebuilt_at,
    error: row.error,
  };
}

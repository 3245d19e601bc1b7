import { type Kysely, type RawBuilder, type Selectable, sql, type Transaction } from 'kysely';
import type { Cursor } from '../core/cursor';
import type { Rule } from '../core/rule';
import { isUuid } from '../core/uuid';
import { type AudienceReference, lockAudience } from './audience-lock';
import { changeWorkspace } from './connect';
import { EXPECTED_MS, progressOf, rebuildHash, RUNNING_REBUILDS } from './audience-progress';
import { identifierColumns } from './profiles';
import type { AudienceTable } from './audience-tables';
import type { Database } from './tables';

const KEPT_OF_AUDIENCES = [
  'audience_mark',
  'audience_check',
  'audience_change',
  'audience_size',
  'audience_listed',
  'audience_rebuild',
  'destination_audience',
] as const;

/** An audience as the API shows it. */
export interface Audience {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly kind: 'rule' | 'static';
  /** null: its members are those of a list. */
  readonly rule: unknown;
  readonly size: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** building: all its members are being found, or are to be. */
  readonly state: 'ready' | 'building';
  /** While a rebuild runs. */
  readonly rebuild: RunningRebuild | null;
  /** When all its members were last found; null before the first time. */
  readonly rebuiltAt: Date | null;
  /** Why its members could not be found last; they are then those of the last good time. */
  readonly error: string | null;
  /** When time alone may change who belongs to it; null: not before something happens. */
  readonly nextCheckAt: Date | null;
  /** When it was last counted from scratch, and how many were wrong then: 0 is expected. */
  readonly checkedAt: Date | null;
  readonly drift: number | null;
  /** What `changes?since=` takes for all that comes from now on. */
  readonly lastChange: string;
}

/** null: no rebuild was ever done, so nothing is known of how long one takes. */
export interface RunningRebuild {
  readonly startedAt: Date;
  readonly expectedMs: number | null;
  /** How far it is, estimated by that time: from 0 to 99. */
  readonly percent: number | null;
}

export interface NewAudience {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  /** null: its members are those of a list. */
  readonly rule: Rule | null;
  readonly createdAt: Date;
}

/** Adds an audience whose members are yet to be found; false where its key is taken. */
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
      kind: rule === null ? 'static' : 'rule',
      rule: rule === null ? null : JSON.stringify(rule),
      created_at: createdAt,
      updated_at: createdAt,
    })
    .onConflict((conflict) => conflict.columns(['workspace_id', 'key']).doNothing())
    .returning('audience_id')
    .executeTakeFirst();
  if (row === undefined) return false;
  await raiseAudienceEpoch(db, workspaceId);
  return true;
}

/** Whoever writes events from now on asks again what audiences must be told of. */
async function raiseAudienceEpoch(db: Transaction<Database>, workspaceId: string): Promise<void> {
  await db
    .updateTable('workspace')
    .set({ audience_epoch: sql`audience_epoch + 1` })
    .where('workspace_id', '=', workspaceId)
    .execute();
}

/** Gives it another name, or a rule that becomes its own when its members are found. */
export async function changeAudience(
  db: Transaction<Database>,
  { workspaceId, audienceId }: AudienceReference,
  change: { readonly name: string | undefined; readonly rule: Rule | null | undefined; readonly at: Date },
): Promise<void> {
  const { name, rule, at } = change;
  // Whoever rebuilds it holds its row for as long as that takes.
  await sql`select set_config('lock_timeout', '2s', true)`.execute(db);
  const wanted = rule === undefined ? {} : { wanted_rule: rule === null ? null : JSON.stringify(rule) };
  await db
    .updateTable('audience')
    .set({
      ...(name === undefined ? {} : { name }),
      ...wanted,
      ...(rule == null ? {} : { is_stale: true }),
      updated_at: at,
    })
    .where('workspace_id', '=', workspaceId)
    .where('audience_id', '=', audienceId)
    .execute();
  if (rule !== undefined) await raiseAudienceEpoch(db, workspaceId);
}

/** All members are to be found anew: something changed that no mark is about. */
export async function makeStale(db: Kysely<Database>, workspaceId: string): Promise<void> {
  await changeWorkspace(db, workspaceId, (transaction) =>
    transaction
      .updateTable('audience')
      .set({ is_stale: true })
      .where('workspace_id', '=', workspaceId)
      .where('kind', '=', 'rule')
      .execute(),
  );
}

/** The audience with this ID or key, or null. */
export async function findAudience(
  db: Kysely<Database>,
  workspaceId: string,
  reference: string,
): Promise<Audience | null> {
  const which = isUuid(reference) ? sql`a.audience_id = ${reference}` : sql`a.key = ${reference}`;
  const { rows } = await selectAudiences(workspaceId, which).execute(db);
  return rows[0] === undefined ? null : toAudience(rows[0]);
}

/** A page of audiences, newest first. */
export async function listAudiences(
  db: Kysely<Database>,
  workspaceId: string,
  { limit, after }: { limit: number; after: Cursor | null },
): Promise<Audience[]> {
  const place =
    after === null
      ? sql`true`
      : sql`(a.created_at, a.audience_id) < (${new Date(after.at)}::timestamptz, ${after.id}::uuid)`;
  const { rows } = await selectAudiences(workspaceId, place, limit).execute(db);
  return rows.map(toAudience);
}

interface AudienceRow extends Selectable<AudienceTable> {
  readonly is_building: boolean;
  readonly started_at: Date | null;
  readonly expected_ms: number | null;
  readonly percent: number | null;
  readonly next_check_at: Date | null;
}

function selectAudiences(
  workspaceId: string,
  which: RawBuilder<unknown>,
  limit = 1,
): RawBuilder<AudienceRow> {
  return sql<AudienceRow>`
    with running as materialized (${RUNNING_REBUILDS})
    select a.*, r.started_at, running.hash is not null as is_building,
      ${EXPECTED_MS} as expected_ms, ${progressOf(sql`running.for_ms`)} as percent,
      (select min(c.check_at) from audience_check c
       where c.workspace_id = a.workspace_id and c.audience_id = a.audience_id) as next_check_at
    from audience a
    left join audience_rebuild r on r.workspace_id = a.workspace_id and r.audience_id = a.audience_id
    left join running on running.hash = ${rebuildHash(sql.ref('a.audience_id'))}
    where a.workspace_id = ${workspaceId} and ${which}
    order by a.created_at desc, a.audience_id desc
    limit ${limit}`;
}

/** Every workspace there is; the list itself belongs to none. */
export async function listWorkspaceIds(db: Kysely<Database>): Promise<string[]> {
  const rows = await db.selectFrom('workspace').select('workspace_id').orderBy('workspace_id').execute();
  return rows.map((row) => row.workspace_id);
}

/** Removes an audience and all that is kept of it; false where there is none. */
export async function deleteAudience(
  db: Transaction<Database>,
  workspaceId: string,
  audienceId: string,
): Promise<boolean> {
  // First the row: nobody writes any of the rest then.
  await lockAudience(db, { workspaceId, audienceId });
  for (const table of KEPT_OF_AUDIENCES) {
    await sql`
      delete from ${sql.table(table)}
      where workspace_id = ${workspaceId} and audience_id = ${audienceId}`.execute(db);
  }
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
  /** What led to it. */
  readonly cause: string;
}

interface MemberRow {
  profile_id: string;
  user_id: string | null;
  email: string | null;
  anonymous_id: string | null;
  entered_at: Date;
  cause: string;
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
    select m.profile_id, m.entered_at, m.cause, ${identifierColumns(workspaceId, sql.ref('m.profile_id'))}
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
    cause: row.cause,
  }));
}

function toAudience(row: AudienceRow): Audience {
  return {
    id: row.audience_id,
    key: row.key,
    name: row.name,
    kind: row.kind,
    rule: row.rule,
    size: row.size,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    state: row.is_building || row.is_stale ? 'building' : 'ready',
    rebuild:
      row.is_building && row.started_at !== null
        ? { startedAt: row.started_at, expectedMs: row.expected_ms, percent: row.percent }
        : null,
    rebuiltAt: row.rebuilt_at,
    error: row.error,
    nextCheckAt: row.next_check_at,
    checkedAt: row.checked_at,
    drift: row.drift,
    lastChange: String(row.last_change),
  };
}

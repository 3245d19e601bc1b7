/** Where changes of audiences are sent, and what of it somebody may set. */
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { Cursor } from '../core/cursor';
import { isUuid } from '../core/uuid';
import { lockAudience } from './audience-lock';
import type { Database } from './tables';

export interface DestinationReference {
  readonly workspaceId: string;
  readonly destinationId: string;
}

export interface Destination {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly kind: 'webhook';
  readonly url: string;
  readonly batchSize: number;
  readonly state: 'active' | 'paused' | 'gone';
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly audiences: FollowedAudience[];
  /** Their values were shown once, when they were made. */
  readonly secrets: { readonly id: string; readonly createdAt: Date }[];
  /** Deliveries that were sent in vain and wait for their next attempt, and those that were given up. */
  readonly waiting: number;
  readonly dead: number;
  /** How the last attempt went. */
  readonly lastAttempt: {
    readonly at: Date;
    readonly status: number | null;
    readonly error: string | null;
  } | null;
}

export interface FollowedAudience {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  /** Whether members from before are still being sent. */
  readonly isBackfilling: boolean;
  /** How many changes are yet to be sent. */
  readonly behind: number;
}

export interface NewDestination {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly url: string;
  readonly batchSize: number;
  readonly state: 'active' | 'paused';
  readonly createdAt: Date;
}

/** Adds a destination, which follows nothing yet; false where its key is taken. */
export async function insertDestination(
  db: Transaction<Database>,
  workspaceId: string,
  { id, key, name, url, batchSize, state, createdAt }: NewDestination,
): Promise<boolean> {
  await db
    .updateTable('workspace')
    .set({ has_destinations: true })
    .where('workspace_id', '=', workspaceId)
    .where('has_destinations', '=', false)
    .execute();
  const row = await db
    .insertInto('destination')
    .values({
      ...{ workspace_id: workspaceId, destination_id: id, kind: 'webhook' },
      ...{ key, name, url, batch_size: batchSize, state, created_at: createdAt, updated_at: createdAt },
    })
    .onConflict((conflict) => conflict.columns(['workspace_id', 'key']).doNothing())
    .returning('destination_id')
    .executeTakeFirst();
  return row !== undefined;
}

export type DestinationChange = Partial<Pick<NewDestination, 'name' | 'url' | 'batchSize' | 'state'>>;

/** What waits is tried again at once, with a day anew: whoever changes something wants to see whether it helped. */
export async function changeDestination(
  db: Transaction<Database>,
  { workspaceId, destinationId }: DestinationReference,
  { name, url, batchSize, state, at }: DestinationChange & { readonly at: Date },
): Promise<void> {
  await db
    .updateTable('destination')
    .set({
      ...(name === undefined ? {} : { name }),
      ...(url === undefined ? {} : { url }),
      ...(batchSize === undefined ? {} : { batch_size: batchSize }),
      ...(state === undefined ? {} : { state }),
      updated_at: at,
    })
    .where('workspace_id', '=', workspaceId)
    .where('destination_id', '=', destinationId)
    .execute();
  if (url === undefined && state !== 'active') return;
  await db
    .updateTable('delivery')
    .set({ tries: 0, tried_since: null, next_attempt_at: at })
    .where('workspace_id', '=', workspaceId)
    .where('destination_id', '=', destinationId)
    .where('state', '=', 'waiting')
    .execute();
}

/** Whoever sends holds its row as they look what is next: so all of this is before that, or after it. */
export async function lockDestination(
  db: Transaction<Database>,
  { workspaceId, destinationId }: DestinationReference,
): Promise<void> {
  await sql`
    select from destination
    where workspace_id = ${workspaceId} and destination_id = ${destinationId}
    for no key update`.execute(db);
}

/** No profile has this ID: all come behind it. */
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

export interface Following extends DestinationReference {
  readonly audienceIds: readonly string[];
  /** Whether those who are members now are sent first. */
  readonly isBackfilled: boolean;
}

/**
 * Makes these the audiences that it follows. Each new one is followed from this moment on, exactly: with its row locked
 * nobody writes members, so its last change is the point behind which the feed begins, and that the back-fill is about.
 */
export async function followAudiences(
  db: Transaction<Database>,
  { workspaceId, destinationId, audienceIds, isBackfilled }: Following,
): Promise<void> {
  await sql`
    delete from destination_audience
    where workspace_id = ${workspaceId} and destination_id = ${destinationId}
      and audience_id <> all(${[...audienceIds]}::uuid[])`.execute(db);
  // Whoever rebuilds an audience holds its row for as long as that takes.
  await sql`select set_config('lock_timeout', '5s', true)`.execute(db);
  for (const audienceId of [...audienceIds].sort()) {
    const audience = await lockAudience(db, { workspaceId, audienceId });
    if (audience === null) continue;
    await sql`
      insert into destination_audience (
        workspace_id, destination_id, audience_id, from_change, last_change, backfill_after)
      values (
        ${workspaceId}, ${destinationId}, ${audienceId}, ${audience.lastChange}, ${audience.lastChange},
        ${isBackfilled ? BEFORE_ALL : null})
      on conflict do nothing`.execute(db);
  }
}

/** Gone at once; what was sent of it is taken by the worker. */
export async function deleteDestination(
  db: Transaction<Database>,
  { workspaceId, destinationId }: DestinationReference,
): Promise<void> {
  await db
    .deleteFrom('destination')
    .where('workspace_id', '=', workspaceId)
    .where('destination_id', '=', destinationId)
    .execute();
}

/** The destination with this ID or key, or null. */
export async function findDestination(
  db: Kysely<Database>,
  workspaceId: string,
  reference: string,
): Promise<Destination | null> {
  const which = isUuid(reference) ? sql`d.destination_id = ${reference}` : sql`d.key = ${reference}`;
  const [found] = await selectDestinations(db, { workspaceId, which, limit: 1 });
  return found ?? null;
}

/** A page of destinations, newest first. */
export async function listDestinations(
  db: Kysely<Database>,
  workspaceId: string,
  { limit, after }: { limit: number; after: Cursor | null },
): Promise<Destination[]> {
  const which =
    after === null
      ? sql`true`
      : sql`(d.created_at, d.destination_id) < (${new Date(after.at)}::timestamptz, ${after.id}::uuid)`;
  return selectDestinations(db, { workspaceId, which, limit });
}

interface DestinationRow {
  destination_id: string;
  key: string;
  name: string;
  kind: 'webhook';
  url: string;
  batch_size: number;
  state: Destination['state'];
  created_at: Date;
  updated_at: Date;
  audiences: FollowedAudience[] | null;
  secrets: { id: string; createdAt: string }[] | null;
  waiting: number;
  dead: number;
  attempted_at: Date | null;
  status: number | null;
  error: string | null;
}

async function selectDestinations(
  db: Kysely<Database>,
  { workspaceId, which, limit }: { workspaceId: string; which: RawBuilder<unknown>; limit: number },
): Promise<Destination[]> {
  const isIts = (table: string) =>
    sql`${sql.ref(`${table}.workspace_id`)} = ${workspaceId} and ${sql.ref(`${table}.destination_id`)} = d.destination_id`;
  const { rows } = await sql<DestinationRow>`
    select d.*, last.at as attempted_at, last.status, last.error,
      (select json_agg(json_build_object(
          'id', a.audience_id, 'key', a.key, 'name', a.name, 'isBackfilling', f.backfill_after is not null,
          'behind', a.last_change - f.last_change) order by a.key)
       from destination_audience f join audience a using (workspace_id, audience_id)
       where ${isIts('f')}) as audiences,
      (select json_agg(json_build_object('id', s.secret_id, 'createdAt', s.created_at) order by s.secret_id)
       from destination_secret s where ${isIts('s')}) as secrets,
      (select count(*) from delivery w where ${isIts('w')} and w.state = 'waiting' and w.attempts > 0) as waiting,
      (select count(*) from delivery w where ${isIts('w')} and w.state = 'dead') as dead
    from destination d
    left join lateral (
      select t.at, t.status, t.error
      from (
        select w.delivery_id from delivery w where ${isIts('w')} and w.attempts > 0
        order by w.delivery_id desc limit 20) recent
      join delivery_attempt t on t.workspace_id = ${workspaceId} and t.delivery_id = recent.delivery_id
      order by t.at desc, t.attempt_no desc limit 1) last on true
    where d.workspace_id = ${workspaceId} and ${which}
    order by d.created_at desc, d.destination_id desc
    limit ${limit}`.execute(db);
  return rows.map(toDestination);
}

function toDestination(row: DestinationRow): Destination {
  return {
    id: row.destination_id,
    ...{ key: row.key, name: row.name, kind: row.kind, url: row.url, batchSize: row.batch_size },
    ...{ state: row.state, createdAt: row.created_at, updatedAt: row.updated_at },
    audiences: row.audiences ?? [],
    secrets: (row.secrets ?? []).map(({ id, createdAt }) => ({ id, createdAt: new Date(createdAt) })),
    ...{ waiting: row.waiting, dead: row.dead },
    lastAttempt:
      row.attempted_at === null ? null : { at: row.attempted_at, status: row.status, error: row.error },
  };
}

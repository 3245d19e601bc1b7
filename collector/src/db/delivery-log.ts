/** What was sent to destinations: to look at, to send again, and to take away. */
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Cursor } from '../core/cursor';
import { changeWorkspace } from './connect';
import type { DestinationReference } from './destinations';
import type { Database } from './tables';

export const DELIVERY_STATES = ['waiting', 'delivered', 'dead', 'empty'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export interface LoggedAttempt {
  readonly at: Date;
  readonly durationMs: number;
  readonly status: number | null;
  readonly error: string | null;
  readonly excerpt: string | null;
}

export interface LoggedDelivery {
  /** What the receiver knows as webhook-id. */
  readonly id: string;
  readonly state: DeliveryState;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  /** null: it is not waiting. */
  readonly nextAttemptAt: Date | null;
  readonly attempts: number;
  /** Where its changes are: which audience, and behind which change up to which one. */
  readonly parts: {
    /** null: the audience is gone. */
    readonly audience: string | null;
    readonly isBackfill: boolean;
    readonly fromChange: string;
    readonly toChange: string;
  }[];
  readonly lastAttempt: LoggedAttempt | null;
}

interface DeliveryRow {
  delivery_id: string;
  state: DeliveryState;
  created_at: Date;
  finished_at: Date | null;
  next_attempt_at: Date;
  attempts: number;
  parts: LoggedDelivery['parts'] | null;
  at: Date | null;
  duration_ms: number;
  status: number | null;
  error: string | null;
  excerpt: string | null;
}

/** A page of a destination's deliveries, newest first. */
export async function listDeliveries(
  db: Kysely<Database>,
  { workspaceId, destinationId }: DestinationReference,
  {
    state,
    limit,
    after,
  }: { readonly state: DeliveryState | undefined; readonly limit: number; readonly after: Cursor | null },
): Promise<LoggedDelivery[]> {
  const { rows } = await sql<DeliveryRow>`
    select w.*, t.at, t.duration_ms, t.status, t.error, t.excerpt,
      (select json_agg(json_build_object(
          'audience', a.key, 'isBackfill', p.is_backfill, 'fromChange', p.from_change::text,
          'toChange', p.to_change::text) order by a.key, p.audience_id)
       from delivery_part p left join audience a using (workspace_id, audience_id)
       where p.workspace_id = w.workspace_id and p.delivery_id = w.delivery_id) as parts
    from delivery w
    left join delivery_attempt t on t.workspace_id = w.workspace_id and t.delivery_id = w.delivery_id
      and t.attempt_no = w.attempts
    where w.workspace_id = ${workspaceId} and w.destination_id = ${destinationId}
      and ${state === undefined ? sql`true` : sql`w.state = ${state}`}
      and ${after === null ? sql`true` : sql`w.delivery_id < ${after.id}::uuid`}
    order by w.delivery_id desc
    limit ${limit}`.execute(db);
  return rows.map(toDelivery);
}

function toDelivery(row: DeliveryRow): LoggedDelivery {
  const { at, duration_ms: durationMs, status, error, excerpt } = row;
  return {
    ...{ id: row.delivery_id, state: row.state, createdAt: row.created_at, finishedAt: row.finished_at },
    nextAttemptAt: row.state === 'waiting' ? row.next_attempt_at : null,
    ...{ attempts: row.attempts, parts: row.parts ?? [] },
    lastAttempt: at === null ? null : { at, durationMs, status, error, excerpt },
  };
}

/** All attempts of a delivery, in order; null where the destination has no such delivery. */
export async function listAttempts(
  db: Kysely<Database>,
  { workspaceId, destinationId }: DestinationReference,
  deliveryId: string,
): Promise<LoggedAttempt[] | null> {
  const { rows } = await sql<{ at: Date | null } & Omit<DeliveryRow, 'at'>>`
    select t.at, t.duration_ms, t.status, t.error, t.excerpt
    from delivery w
    left join delivery_attempt t on t.workspace_id = w.workspace_id and t.delivery_id = w.delivery_id
    where w.workspace_id = ${workspaceId} and w.destination_id = ${destinationId} and w.delivery_id = ${deliveryId}
    order by t.attempt_no`.execute(db);
  if (rows.length === 0) return null;
  return rows.flatMap(({ at, duration_ms: durationMs, status, error, excerpt }) =>
    at === null ? [] : [{ at, durationMs, status, error, excerpt }],
  );
}

/**
 * Sends dead deliveries again, each with its ID and a day anew.
 *
 * @param deliveryId all of them where it is left out
 * @returns how many
 */
export async function replayDead(
  db: Transaction<Database>,
  { workspaceId, destinationId }: DestinationReference,
  { deliveryId, at }: { readonly deliveryId?: string; readonly at: Date },
): Promise<number> {
  const { numAffectedRows } = await sql`
    update delivery
    set state = 'waiting', is_replay = true, tries = 0, tried_since = null, next_attempt_at = ${at}, finished_at = null
    where workspace_id = ${workspaceId} and destination_id = ${destinationId} and state = 'dead'
      and ${deliveryId === undefined ? sql`true` : sql`delivery_id = ${deliveryId}`}`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/**
 * Takes the beginnings of answers away in which a profile's identifiers may stand: a receiver may repeat what it was
 * sent. While its changes are still there, by which its deliveries are found.
 */
export async function forgetExcerpts(
  db: Transaction<Database>,
  {
    workspaceId,
    audienceId,
    profileId,
  }: { readonly workspaceId: string; readonly audienceId: string; readonly profileId: string },
): Promise<void> {
  await sql`
    update delivery_attempt t
    set excerpt = null
    from delivery_part p
    where t.workspace_id = ${workspaceId} and t.excerpt is not null
      and p.workspace_id = ${workspaceId} and p.delivery_id = t.delivery_id and p.audience_id = ${audienceId}
      and (
        p.is_backfill and p.from_profile < ${profileId}::uuid and p.to_profile >= ${profileId}::uuid
        or not p.is_backfill and exists (
          select from audience_change c
          where c.workspace_id = ${workspaceId} and c.profile_id = ${profileId} and c.audience_id = ${audienceId}
            and c.change_no > p.from_change and c.change_no <= p.to_change))`.execute(db);
}

/**
 * Deletes some of the deliveries that ended before a moment, and of destinations that are gone.
 *
 * @returns how many
 */
export async function deleteOldDeliveries(
  db: Kysely<Database>,
  workspaceId: string,
  { before, limit }: { readonly before: Date; readonly limit: number },
): Promise<number> {
  const { numAffectedRows } = await changeWorkspace(db, workspaceId, (transaction) =>
    sql`
      delete from delivery
      where workspace_id = ${workspaceId} and delivery_id in (
        select w.delivery_id from delivery w
        where w.workspace_id = ${workspaceId} and (
          w.state <> 'waiting' and w.finished_at < ${before}
          or not exists (
            select from destination d
            where d.workspace_id = ${workspaceId} and d.destination_id = w.destination_id))
        limit ${limit})`.execute(transaction),
  );
  return Number(numAffectedRows ?? 0);
}

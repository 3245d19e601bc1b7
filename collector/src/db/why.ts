import { type Kysely, sql } from 'kysely';
import type { EventType } from '../core/event';
import type { Claim } from '../core/identity';
import type { Database } from './tables';

/** An event as it is known by its ID alone. */
export interface KnownEvent {
  readonly messageId: string;
  readonly type: EventType;
  readonly event: string | null;
  readonly subjectId: string;
  readonly occurredAt: Date;
  readonly userId: string | null;
  readonly email: string | null;
  readonly anonymousId: string | null;
  readonly previousId: string | null;
}

/** Those of these events that are stored, by their ID in the database; their keys name their partitions. */
export async function readKnownEvents(
  db: Kysely<Database>,
  workspaceId: string,
  messageIds: readonly string[],
): Promise<Map<string, KnownEvent>> {
  const { rows } = await sql<KnownEvent & { id: string }>`
    select e.message_id as id, coalesce(e.original_message_id, e.message_id::text) as "messageId", e.type,
      e.name as event, e.subject_id as "subjectId", e.occurred_at as "occurredAt", e.user_id as "userId", e.email,
      e.anonymous_id as "anonymousId", e.previous_id as "previousId"
    from event_key k
    cross join lateral (
      select * from event
      where workspace_id = ${workspaceId} and received_at = k.received_at and message_id = k.message_id
      offset 0) as e
    where k.workspace_id = ${workspaceId} and k.message_id = any(${messageIds}::uuid[])`.execute(db);
  return new Map(rows.map(({ id, ...event }) => [id, event]));
}

/** Whom a subject belongs to at a moment. */
export async function readOwnerAt(
  db: Kysely<Database>,
  workspaceId: string,
  { subjectId, at }: { subjectId: string; at: Date },
): Promise<string> {
  const { rows } = await sql<{ owner_id: string }>`
    select owner_id from ownership
    where workspace_id = ${workspaceId} and subject_id = ${subjectId}::uuid
      and from_at <= ${at}::timestamptz and ${at}::timestamptz < to_at`.execute(db);
  return rows[0]?.owner_id ?? subjectId;
}

/**
 * A claim that counts, with whom its target belongs to, links apart: an email's user, else the target itself; of somebody
 * who was erased since, whom it stood for.
 */
export interface CountingClaim extends Claim {
  readonly ownerId: string;
}

/** The claims on a subject but for the voided ones, and those on an email from before it was erased. */
export async function readCountingClaims(
  db: Kysely<Database>,
  workspaceId: string,
  subjectId: string,
): Promise<CountingClaim[]> {
  const { rows } = await sql<{
    from_at: Date;
    message_id: string;
    stronger_id: string;
    owner_id: string;
  }>`
    select c.from_at, c.message_id, c.stronger_id, coalesce('erased:' || coalesce(gone.target_id, gone.owner_id), o.target_id::text, c.stronger_id::text) as owner_id
    from claim c
    left join ownership o on o.workspace_id = c.workspace_id and o.subject_id = c.stronger_id
      and o.to_at = 'infinity'
    left join erasure gone on gone.workspace_id = c.workspace_id and gone.subject_id = c.stronger_id
      and c.from_at < gone.erased_at
    where c.workspace_id = ${workspaceId} and c.weaker_id = ${subjectId}::uuid
      and not exists (
        select from erasure again
        where again.workspace_id = c.workspace_id and again.subject_id = c.weaker_id and c.from_at < again.erased_at)
      and not exists (
        select from claim_void v
        where v.workspace_id = c.workspace_id and v.weaker_id = c.weaker_id and v.stronger_id = c.stronger_id)`.execute(
    db,
  );
  return rows.map((row) => ({
    weakerId: subjectId,
    fromAt: row.from_at.getTime(),
    messageId: row.message_id,
    strongerId: row.stronger_id,
    ownerId: row.owner_id,
  }));
}

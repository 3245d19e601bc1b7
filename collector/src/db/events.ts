import { type Kysely, sql } from 'kysely';
import type { Cursor } from '../core/cursor';
import type { EventType } from '../core/event';
import type { IdentifierKind } from '../core/identifier';
import type { Database } from './tables';

/** An event as timelines and the live feed show it. */
export interface ShownEvent {
  readonly messageId: string;
  readonly type: EventType;
  readonly event: string | null;
  readonly occurredAt: Date;
  readonly receivedAt: Date;
  readonly userId: string | null;
  readonly email: string | null;
  readonly anonymousId: string | null;
  /** The identifier by which the event is on this timeline. */
  readonly via: { readonly kind: IdentifierKind; readonly value: string };
  readonly properties: Record<string, unknown> | null;
  readonly traits: Record<string, unknown> | null;
  readonly context?: Record<string, unknown> | null;
  readonly source: { readonly id: string; readonly name: string | null };
}

interface EventRow {
  message_id: string;
  original_message_id: string | null;
  type: EventType;
  name: string | null;
  occurred_at: Date;
  received_at: Date;
  user_id: string | null;
  email: string | null;
  anonymous_id: string | null;
  via_kind: IdentifierKind;
  via_value: string;
  properties: Record<string, unknown> | null;
  traits: Record<string, unknown> | null;
  context: Record<string, unknown> | null;
  source_id: string;
  source_name: string | null;
}

export interface TimelineQuery {
  readonly profileId: string;
  readonly from: Date | null;
  /** Exclusive. */
  readonly to: Date | null;
  readonly type: EventType | null;
  readonly event: string | null;
  readonly limit: number;
  readonly after: Cursor | null;
  readonly hasContext: boolean;
}

/** An event and its place in the list. */
export interface Placed {
  readonly event: ShownEvent;
  readonly place: Cursor;
}

/**
 * A page of a profile's timeline, newest first: each of its stretches is read for at most a page by the timeline
 * index, and the pages are merged. (`subject_id = any(…) order by` took 346 ms where this takes 1.8 ms, on 180k events.)
 */
export async function readTimeline(
  db: Kysely<Database>,
  workspaceId: string,
  query: TimelineQuery,
): Promise<Placed[]> {
  const { profileId, from, to, type, event, limit, after } = query;
  const after_ = after === null ? null : new Date(after.at);
  const { rows } = await sql<EventRow>`
    with span as (
      select subject_id, from_at, to_at from ownership
      where workspace_id = ${workspaceId} and owner_id = ${profileId}
      union all
      select ${profileId}::uuid, '-infinity', 'infinity'
      where not exists (select from ownership where workspace_id = ${workspaceId} and subject_id = ${profileId}))
    select e.*, s.kind as via_kind, s.value as via_value, source.name as source_name
    from (
      select stored.*
      from span cross join lateral (
        select e.* from event e
        where e.workspace_id = ${workspaceId} and e.subject_id = span.subject_id
          and e.occurred_at >= greatest(span.from_at, ${from}::timestamptz)
          and e.occurred_at < least(span.to_at, ${to}::timestamptz)
          and (${after_}::timestamptz is null
            or (e.occurred_at, e.message_id) < (${after_}::timestamptz, ${after?.id ?? null}::uuid))
          and (${type}::text is null or e.type = ${type})
          and (${event}::text is null or e.name = ${event})
        order by e.occurred_at desc, e.message_id desc
        limit ${limit}) as stored
      order by stored.occurred_at desc, stored.message_id desc
      limit ${limit}) as e
    join subject s on s.workspace_id = ${workspaceId} and s.subject_id = e.subject_id
    left join source on source.workspace_id = ${workspaceId} and source.source_id = e.source_id
    order by e.occurred_at desc, e.message_id desc`.execute(db);
  return rows.map((row) => ({
    event: { ...toShown(row), ...(query.hasContext ? { context: row.context } : {}) },
    place: { at: row.occurred_at.getTime(), id: row.message_id },
  }));
}

/** An event of the live feed: also says whose it is. */
export interface LiveEvent extends ShownEvent {
  readonly profileId: string;
}

/**
 * The newest events received since a moment, oldest first.
 *
 * @param limit the newest so many; a live view under load is a sample
 */
export async function readReceivedSince(
  db: Kysely<Database>,
  workspaceId: string,
  { since, limit }: { since: Date; limit: number },
): Promise<LiveEvent[]> {
  const { rows } = await sql<EventRow & { profile_id: string }>`
    select e.*, s.kind as via_kind, s.value as via_value, source.name as source_name,
      coalesce(o.owner_id, e.subject_id) as profile_id
    from (
      select * from event
      where workspace_id = ${workspaceId} and received_at >= ${since}
      order by received_at desc, message_id desc
      limit ${limit}) as e
    join subject s on s.workspace_id = ${workspaceId} and s.subject_id = e.subject_id
    left join ownership o on o.workspace_id = ${workspaceId} and o.subject_id = e.subject_id
      and o.from_at <= e.occurred_at and e.occurred_at < o.to_at
    left join source on source.workspace_id = ${workspaceId} and source.source_id = e.source_id
    order by e.received_at, e.message_id`.execute(db);
  return rows.map((row) => ({ ...toShown(row), profileId: row.profile_id }));
}

function toShown(row: EventRow): ShownEvent {
  return {
    messageId: row.original_message_id ?? row.message_id,
    type: row.type,
    event: row.name,
    occurredAt: row.occurred_at,
    receivedAt: row.received_at,
    userId: row.user_id,
    email: row.email,
    anonymousId: row.anonymous_id,
    via: { kind: row.via_kind, value: row.via_value },
    properties: row.properties,
    traits: row.traits,
    source: { id: row.source_id, name: row.source_name },
  };
}

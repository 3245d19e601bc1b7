import { type Kysely, sql } from 'kysely';
import type { EventType } from '../core/event';
import type { IdentifierKind } from '../core/identifier';
import { instants, uuids } from './columns';
import { PREPARED } from './prepared';
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

/** Where an event is stored. */
export interface StoredPlace {
  readonly id: string;
  /** Milliseconds since 1970; names the partition. */
  readonly receivedAt: number;
}

/** The events at these places, in the order of the places. */
export async function readEventsAt(
  db: Kysely<Database>,
  workspaceId: string,
  { places, hasContext }: { places: readonly StoredPlace[]; hasContext: boolean },
): Promise<ShownEvent[]> {
  if (places.length === 0) return [];
  const { rows } = await sql<EventRow>`${PREPARED}
    select ${SHOWN_COLUMNS}, ${hasContext ? sql`e.context` : sql`null`} as context
    from unnest(${uuids(places.map(({ id }) => id))}::uuid[],
      ${instants(places.map(({ receivedAt }) => receivedAt))}::timestamptz[])
      with ordinality as place (message_id, received_at, n)
    cross join lateral (
      select * from event
      where workspace_id = ${workspaceId} and received_at = place.received_at and message_id = place.message_id
      offset 0) as e
    join subject s on s.workspace_id = ${workspaceId} and s.subject_id = e.subject_id
    left join source on source.workspace_id = ${workspaceId} and source.source_id = e.source_id
    order by place.n`.execute(db);
  return rows.map((row) => ({ ...toShown(row), ...(hasContext ? { context: row.context } : {}) }));
}

/** Of an event `e`, its subject `s` and its `source`. */
const SHOWN_COLUMNS = sql`
  e.message_id, e.original_message_id, e.type, e.name, e.occurred_at, e.received_at, e.user_id, e.email,
  e.anonymous_id, e.properties, e.traits, e.source_id, s.kind as via_kind, s.value as via_value,
  source.name as source_name`;

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
    select ${SHOWN_COLUMNS}, coalesce(o.owner_id, e.subject_id) as profile_id
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

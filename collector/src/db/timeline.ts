import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Cursor } from '../core/cursor';
import type { EventType } from '../core/event';
import { readEventsAt, type ShownEvent } from './events';
import type { Database } from './tables';
import { PACE, type Pace, readPlaces } from './timeline-places';
import type { TimelineScope } from './timeline-scan';

/** Which events of a profile; an empty list or a null lets all pass. */
export interface TimelineFilter {
  readonly types: readonly EventType[];
  readonly notTypes: readonly EventType[];
  readonly events: readonly string[];
  readonly notEvents: readonly string[];
  readonly sources: readonly string[];
  /** A session's ID; '' is for events that have none. */
  readonly session: string | null;
}

export const EVERYTHING: TimelineFilter = {
  types: [],
  notTypes: [],
  events: [],
  notEvents: [],
  sources: [],
  session: null,
};

export interface TimelineQuery extends TimelineScope {
  readonly filter: TimelineFilter;
  readonly limit: number;
  readonly hasContext: boolean;
  /** @default PACE */
  readonly pace?: Pace;
}

export interface TimelinePage {
  readonly events: readonly ShownEvent[];
  /** Where the next page begins; null at the end of the timeline. */
  readonly next: Cursor | null;
}

/** The session that an event `e` names, as text: some clients number them. */
export const SESSION_OF_EVENT = sql<string | null>`nullif(e.context ->> 'sessionId', '')`;

/** A page of a profile's timeline. The transaction must be one snapshot. */
export async function readTimeline(
  db: Kysely<Database>,
  workspaceId: string,
  query: TimelineQuery,
): Promise<TimelinePage> {
  const { limit, filter, hasContext, pace = PACE } = query;
  const found = await readPlaces(
    { db, workspaceId },
    {
      scope: query,
      // One more than fits: whether there is a next page is then known.
      need: limit + 1,
      isWanted: conditionOf(filter),
      marks: sql<null>`null`,
      pace,
    },
  );
  const places = found.places.slice(0, limit);
  const events = await readEventsAt(db, workspaceId, { places, hasContext });
  const { at, id } = places.at(-1) ?? {};
  const isMore = found.places.length > limit && at !== undefined && id !== undefined;
  return { events, next: isMore ? { at, id } : found.end };
}

/** About the event `e`; null where all events pass. */
function conditionOf(filter: TimelineFilter): RawBuilder<unknown> | null {
  const { types, notTypes, events, notEvents, sources, session } = filter;
  const conditions = [
    types.length === 0 ? null : sql`e.type = any(${types}::text[])`,
    notTypes.length === 0 ? null : sql`e.type <> all(${notTypes}::text[])`,
    events.length === 0 ? null : sql`e.name = any(${events}::text[])`,
    notEvents.length === 0 ? null : sql`(e.name is null or e.name <> all(${notEvents}::text[]))`,
    sources.length === 0 ? null : sql`e.source_id = any(${sources}::uuid[])`,
    session === null ? null : sql`${SESSION_OF_EVENT} is not distinct from nullif(${session}::text, '')`,
  ].filter((condition) => condition !== null);
  return conditions.length === 0 ? null : sql`coalesce(${sql.join(conditions, sql` and `)}, false)`;
}

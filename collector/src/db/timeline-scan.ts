import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Cursor } from '../core/cursor';
import type { OwnedStretch, TimelineOrder } from '../core/timeline';
import { instants, uuids } from './columns';
import { PREPARED } from './prepared';
import type { Database } from './tables';

/** Where is read. */
export interface Reading {
  readonly db: Kysely<Database>;
  readonly workspaceId: string;
}

/** Whose events, which way, and from where on. */
export interface TimelineScope {
  readonly profileId: string;
  readonly order: TimelineOrder;
  readonly from: Date | null;
  /** Exclusive. */
  readonly to: Date | null;
  /** Not itself. */
  readonly after: Cursor | null;
}

export interface StretchRange {
  readonly offset: number;
  readonly limit: number;
  /** Those that begin behind it do not matter. */
  readonly until: Cursor | null;
}

/**
 * The stretches in which the profile has events, by how early in the timeline they can have one. What a part says of
 * its first and last event bounds each of its stretches; a subject without a part has no events here at all. But where
 * the collector itself recorded something, which is counted in no part: the times of that count too.
 */
export async function readStretches(
  { db, workspaceId }: Reading,
  scope: TimelineScope,
  { offset, limit, until }: StretchRange,
): Promise<OwnedStretch[]> {
  const { profileId, order, from, to } = scope;
  const after = dateOf(scope.after);
  const isNewest = order === 'newest';
  const reach = isNewest
    ? sql`least(to_at - interval '1 millisecond', ${after}::timestamptz)`
    : sql`greatest(from_at, ${after}::timestamptz)`;
  const isAhead = isNewest ? sql`from_at <= ${after}::timestamptz` : sql`to_at > ${after}::timestamptz`;
  const isInTime = isNewest
    ? sql`reach >= ${dateOf(until)}::timestamptz`
    : sql`reach <= ${dateOf(until)}::timestamptz`;
  // Numbers, because there may be thousands of rows and a Date of a text costs ten times as much.
  const { rows } = await sql<{
    subject_id: string;
    from_ms: number;
    to_ms: number;
    reach_ms: number;
  }>`${PREPARED}
    with span as ${spansOf(workspaceId, profileId)},
    stretch as (
      select span.subject_id,
        greatest(span.from_at, least(part.first_seen_at, own.since_at), ${from}::timestamptz) as from_at,
        least(span.to_at, greatest(part.last_seen_at, own.until_at) + interval '1 millisecond', ${to}::timestamptz) as to_at
      from span
      left join profile_part part on part.workspace_id = ${workspaceId} and part.owner_id = ${profileId}
        and part.subject_id = span.subject_id
      left join recorded_subject own on own.workspace_id = ${workspaceId} and own.subject_id = span.subject_id
      where part.subject_id is not null or own.subject_id is not null),
    reaching as (select *, ${reach} as reach from stretch where from_at < to_at and ${after === null ? sql`true` : isAhead})
    select subject_id, ${msOf('from_at')} as from_ms, ${msOf('to_at')} as to_ms, ${msOf('reach')} as reach_ms
    from reaching
    where ${until === null ? sql`true` : isInTime}
    order by reach ${directionOf(order)}, subject_id, from_at
    limit ${limit} offset ${offset}`.execute(db);
  return rows.map((row) => ({
    subjectId: row.subject_id,
    fromAt: row.from_ms,
    toAt: row.to_ms,
    reach: row.reach_ms,
  }));
}

/** The stretches that a profile owns: what claims say, and all of its own subject's time where nothing claims that. */
export function spansOf(workspaceId: string, profileId: string): RawBuilder<unknown> {
  return sql`(
    select subject_id, from_at, to_at from ownership
    where workspace_id = ${workspaceId} and owner_id = ${profileId}
    union all
    select ${profileId}::uuid, '-infinity', 'infinity'
    where not exists (
      select from ownership where workspace_id = ${workspaceId} and subject_id = ${profileId}))`;
}

/** Where an event stands, where it is stored, and what else was asked of it. */
export type ScannedPlace<Marks> = Cursor & { readonly receivedAt: number; readonly marks: Marks };

export interface StretchScan<Marks> {
  readonly stretches: readonly OwnedStretch[];
  /** Of each stretch no more than so many events are looked at. */
  readonly each: number;
  readonly limit: number;
  /** What lies behind it does not matter. */
  readonly until: Cursor | null;
  /** About the event `e`. */
  readonly isWanted: RawBuilder<unknown>;
  /** A JSON value about the event `e`. */
  readonly marks: RawBuilder<Marks>;
}

export interface Scanned<Marks> {
  readonly places: readonly ScannedPlace<Marks>[];
  /** Where the first stretch of which not everything was looked at was left; null where there is none. */
  readonly end: Cursor | null;
  /** How many events were looked at. */
  readonly looked: number;
}

interface ScanRow<Marks> {
  occurred_ms: number;
  received_ms: number;
  message_id: string | null;
  marks: Marks;
  is_end: boolean;
  looked: number;
}

/**
 * Looks at the first so many events of each stretch by the timeline index, and takes the first that are wanted. Nothing
 * is received before it occurred, so partitions of earlier months are left out.
 */
export async function scanStretches<Marks>(
  { db, workspaceId }: Reading,
  scope: TimelineScope,
  { stretches, each, limit, until, isWanted, marks }: StretchScan<Marks>,
): Promise<Scanned<Marks>> {
  const cut = cutStretches(stretches, scope, until);
  if (cut.length === 0) return { places: [], end: null, looked: 0 };
  const direction = directionOf(scope.order);
  const places = sql`occurred_at ${direction}, message_id ${direction}`;
  const columns = sql`${msOf('occurred_at')} as occurred_ms, ${msOf('received_at')} as received_ms, message_id, marks`;
  const looked = sql`(select count(*) from scanned) as looked`;
  const { rows } = await sql<ScanRow<Marks>>`${PREPARED}
    with scanned as materialized (
      select found.*
      from unnest(${uuids(cut.map(({ subjectId }) => subjectId))}::uuid[],
        ${instants(cut.map(({ fromAt }) => fromAt))}::timestamptz[],
        ${instants(cut.map(({ toAt }) => toAt))}::timestamptz[]) as stretch (subject_id, from_at, to_at)
      cross join lateral (
        select looked.*, row_number() over () as nth
        from (
          select e.occurred_at, e.message_id, e.received_at, (${isWanted}) as is_wanted, ${marks} as marks
          from event e
          where e.workspace_id = ${workspaceId} and e.subject_id = stretch.subject_id
            and e.occurred_at >= stretch.from_at and e.occurred_at < stretch.to_at
            and e.received_at >= stretch.from_at
            and ${isBehind(scope)}
          order by ${places}
          limit ${each}) as looked) as found)
    (select ${columns}, false as is_end, ${looked} from scanned where is_wanted order by ${places} limit ${limit})
    union all
    (select ${columns}, true, ${looked} from scanned where nth = ${each} order by ${places} limit 1)
    union all
    select null, null, null, null, true, ${looked}`.execute(db);
  return {
    places: rows.filter((row) => !row.is_end).map(toPlace),
    end: rows.filter((row) => row.is_end && row.message_id !== null).map(toPlace)[0] ?? null,
    looked: rows.at(-1)!.looked,
  };
}

/** What of the stretches is still to be looked at. */
function cutStretches(
  stretches: readonly OwnedStretch[],
  { order, after }: TimelineScope,
  until: Cursor | null,
): OwnedStretch[] {
  const [first, last] = order === 'newest' ? [until, after] : [after, until];
  return stretches
    .map((stretch) => ({
      ...stretch,
      fromAt: Math.max(stretch.fromAt, first?.at ?? -Infinity),
      toAt: Math.min(stretch.toAt, (last?.at ?? Infinity) + 1),
    }))
    .filter(({ fromAt, toAt }) => fromAt < toAt);
}

function isBehind({ order, after }: TimelineScope): RawBuilder<unknown> {
  if (after === null) return sql`true`;
  const place = sql`(${dateOf(after)}::timestamptz, ${after.id}::uuid)`;
  const here = sql`(e.occurred_at, e.message_id)`;
  return order === 'newest' ? sql`${here} < ${place}` : sql`${here} > ${place}`;
}

const directionOf = (order: TimelineOrder): RawBuilder<unknown> =>
  order === 'newest' ? sql`desc` : sql`asc`;
const dateOf = (place: Cursor | null): Date | null => (place === null ? null : new Date(place.at));

/** Milliseconds since 1970. */
const msOf = (column: string): RawBuilder<unknown> =>
  sql`(extract(epoch from ${sql.ref(column)}) * 1000)::bigint`;

function toPlace<Marks>(row: ScanRow<Marks>): ScannedPlace<Marks> {
  const { occurred_ms: at, received_ms: receivedAt, marks } = row;
  return { at, id: row.message_id!, receivedAt, marks };
}

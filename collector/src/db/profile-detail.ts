import { type Kysely, sql } from 'kysely';
import type { IdentifierKind } from '../core/identifier';
import { isShown, type Registers, traitOfKey } from '../core/traits';
import type { Database } from './tables';
import { spansOf } from './timeline-scan';

/** From when until before when an identifier belonged to the profile; null: from the beginning, for ever. */
export interface Interval {
  readonly from: Date | null;
  readonly to: Date | null;
}

export interface ProfileIdentifier {
  readonly kind: IdentifierKind;
  readonly value: string;
  readonly intervals: Interval[];
}

/** More identifiers than these are counted, and not listed. */
const MAX_LISTED_IDENTIFIERS = 1_000;

/**
 * Every identifier under which the profile owns something: its own first, then by kind and value. Its own one also where
 * all of that one's time is somebody else's now, and only what retention has dropped is still counted here.
 *
 * @param query.limit null: all of them @default 1,000
 */
export async function readIdentifiers(
  db: Kysely<Database>,
  workspaceId: string,
  {
    profileId,
    limit = MAX_LISTED_IDENTIFIERS,
  }: { readonly profileId: string; readonly limit?: number | null },
): Promise<{ readonly identifiers: ProfileIdentifier[]; readonly identifierCount: number }> {
  const { rows } = await sql<{
    kind: IdentifierKind;
    value: string;
    spans: readonly (readonly [from: string | null, to: string | null])[] | null;
    total: number;
  }>`
    with span as (
      select subject_id, from_at, to_at from ${spansOf(workspaceId, profileId)} as owned
      union all
      select ${profileId}::uuid, null, null)
    select s.kind, s.value, owned.spans, count(*) over () as total
    from (
      select subject_id, json_agg(json_build_array(
          case when isfinite(from_at) then from_at end, case when isfinite(to_at) then to_at end)
        order by from_at) filter (where from_at is not null) as spans
      from span group by subject_id) as owned
    join subject s on s.workspace_id = ${workspaceId} and s.subject_id = owned.subject_id
    order by s.subject_id <> ${profileId}, s.kind desc, s.value
    limit ${limit}::bigint`.execute(db);
  const identifiers = rows.map(({ kind, value, spans }) => ({
    kind,
    value,
    intervals: joined((spans ?? []).map(([from, to]) => ({ from: dateOf(from), to: dateOf(to) }))),
  }));
  return { identifiers, identifierCount: rows[0]?.total ?? 0 };
}

const dateOf = (text: string | null): Date | null => (text === null ? null : new Date(text));

/** Neighbours are one interval: they differ in the claim that names the owner, and not in the owner. */
function joined(intervals: readonly Interval[]): Interval[] {
  const all: Interval[] = [];
  for (const interval of intervals) {
    const last = all.at(-1);
    const isNeighbour = last !== undefined && last.to?.getTime() === interval.from?.getTime();
    if (isNeighbour) all[all.length - 1] = { from: last.from, to: interval.to };
    else all.push(interval);
  }
  return all;
}

/** Something about a profile that whoever reads it should know. */
export type ProfileWarning =
  | { readonly code: string; readonly events: number; readonly lastAt: Date }
  | {
      readonly code: 'shared_identifier' | 'kiosk_identifier';
      readonly identifier: { readonly kind: IdentifierKind; readonly value: string };
      /** Whose it is or was. */
      readonly profiles: number;
    };

/** What is looked through for warnings: of so many stretches, the latest first, so many flagged events and owners. */
const MAX_STRETCHES = 200;
const MAX_FLAGGED_EVENTS = 1_000;

/** What was mended in the profile's events, by the index of flagged ones; and which of its identifiers are others' too. */
export async function readWarnings(
  db: Kysely<Database>,
  workspaceId: string,
  profileId: string,
): Promise<ProfileWarning[]> {
  const latest = sql`
    select * from ${spansOf(workspaceId, profileId)} as span
    order by to_at desc, from_at desc limit ${MAX_STRETCHES}`;
  const flagged = await sql<{ code: string; events: number; lastAt: Date }>`
    select warning.code, count(*) as events, max(found.occurred_at) as "lastAt"
    from (${latest}) as span
    cross join lateral (
      select occurred_at, warnings from event
      where workspace_id = ${workspaceId} and subject_id = span.subject_id
        and occurred_at >= span.from_at and occurred_at < span.to_at and warnings is not null
      order by occurred_at desc
      limit ${MAX_FLAGGED_EVENTS}) as found
    cross join lateral unnest(found.warnings) as warning (code)
    group by warning.code
    order by warning.code`.execute(db);
  const shared = await sql<{ kind: IdentifierKind; value: string; profiles: number; is_kiosk: boolean }>`
    select s.kind, s.value, owners.profiles, owners.is_kiosk
    from (select distinct subject_id from (${latest}) as span) as mine
    cross join lateral (
      select count(distinct owner_id) as profiles,
        coalesce(bool_or(owner_id = o.subject_id and to_at = 'infinity'), false) as is_kiosk
      from ownership o
      where workspace_id = ${workspaceId} and o.subject_id = mine.subject_id) as owners
    join subject s on s.workspace_id = ${workspaceId} and s.subject_id = mine.subject_id
    where owners.profiles > 1
    order by s.kind desc, s.value`.execute(db);
  return [
    ...flagged.rows,
    ...shared.rows.map(({ kind, value, profiles, is_kiosk: isKiosk }) => ({
      code: isKiosk ? ('kiosk_identifier' as const) : ('shared_identifier' as const),
      identifier: { kind, value },
      profiles,
    })),
  ];
}

/** Where what a profile knows of a trait comes from. */
export interface TraitDetail {
  readonly trait: string;
  /** null: removed. */
  readonly value: unknown;
  /** Said in `$once`. */
  readonly isOnce: boolean;
  /** Whether it is what the profile shows; a once-only one gives way to an ordinary one. */
  readonly isShown: boolean;
  readonly at: Date;
  readonly messageId: string;
  /** null where the event is not stored any more. */
  readonly source: { readonly id: string; readonly name: string | null } | null;
}

/** Every trait that was ever said of the profile and stands, also as removed, by name. */
export async function readTraitDetails(
  db: Kysely<Database>,
  workspaceId: string,
  profileId: string,
): Promise<TraitDetail[]> {
  const profile = await db
    .selectFrom('profile')
    .select('traits')
    .where('workspace_id', '=', workspaceId)
    .where('profile_id', '=', profileId)
    .executeTakeFirst();
  const registers: Registers = profile?.traits ?? {};
  const events = await readOrigins(db, workspaceId, [
    ...new Set(Object.values(registers).map(([, , id]) => id)),
  ]);
  return Object.entries(registers)
    .map(([key, [value, at, messageId]]) => {
      const { trait, isOnce } = traitOfKey(key);
      const event = events.get(messageId);
      return {
        ...{ trait, value, isOnce, isShown: isShown(registers, key), at: new Date(at) },
        messageId: event?.original_message_id ?? messageId,
        source: event === undefined ? null : { id: event.source_id, name: event.source_name },
      };
    })
    .sort((a, b) => (a.trait === b.trait ? Number(a.isOnce) - Number(b.isOnce) : a.trait < b.trait ? -1 : 1));
}

interface Origin {
  readonly message_id: string;
  readonly original_message_id: string | null;
  readonly source_id: string;
  readonly source_name: string | null;
}

async function readOrigins(
  db: Kysely<Database>,
  workspaceId: string,
  messageIds: readonly string[],
): Promise<ReadonlyMap<string, Origin>> {
  const { rows } = await sql<Origin>`
    select e.message_id, e.original_message_id, e.source_id, source.name as source_name
    from event_key k
    join event e on e.workspace_id = ${workspaceId} and e.received_at = k.received_at and e.message_id = k.message_id
    left join source on source.workspace_id = ${workspaceId} and source.source_id = e.source_id
    where k.workspace_id = ${workspaceId} and k.message_id = any(${messageIds}::uuid[])`.execute(db);
  return new Map(rows.map((row) => [row.message_id, row]));
}

/** What became of an audience's members over time. */
import { type Kysely, sql, type Transaction } from 'kysely';
import type { AudienceReference } from './audience-lock';
import { identifierColumns } from './profiles';
import type { Database } from './tables';

/** Somebody entered or exited. */
export interface AudienceChange {
  /** Later changes have greater ones; what `since` takes. */
  readonly id: string;
  readonly change: 'entered' | 'exited';
  readonly at: Date;
  /** What led to it: event, clock, rebuild, list or erasure. */
  readonly cause: string;
  readonly profileId: string;
  readonly userId: string | null;
  readonly email: string | null;
  readonly anonymousId: string | null;
}

interface ChangeRow {
  change_no: number;
  change: AudienceChange['change'];
  at: Date;
  cause: string;
  profile_id: string;
  user_id: string | null;
  email: string | null;
  anonymous_id: string | null;
}

/**
 * An audience's changes behind one of them, in order. Numbers are given by who holds the audience's row until the
 * commit: when one can be read, all before it can, so a reader that goes on behind the last one misses none.
 */
export async function listChanges(
  db: Kysely<Database>,
  { workspaceId, audienceId }: AudienceReference,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<AudienceChange[]> {
  const { rows } = await sql<ChangeRow>`
    select told.change_no, told.change, told.at, told.cause, told.profile_id,
      ${identifierColumns(workspaceId, sql.ref('told.profile_id'))}
    from audience_change told
    where told.workspace_id = ${workspaceId} and told.audience_id = ${audienceId} and told.change_no > ${after}
    order by told.change_no
    limit ${limit}`.execute(db);
  return rows.map((row) => ({
    id: String(row.change_no),
    change: row.change,
    at: row.at,
    cause: row.cause,
    profileId: row.profile_id,
    // What was erased has no value.
    userId: row.user_id || null,
    email: row.email || null,
    anonymousId: row.anonymous_id || null,
  }));
}

/** The number of the last change before a moment; 0 where there is none. */
export async function findChangeBefore(
  db: Kysely<Database>,
  { workspaceId, audienceId }: AudienceReference,
  at: Date,
): Promise<number> {
  // By the clock of whoever wrote them, so not strictly in order: the first that is not before it counts.
  const { rows } = await sql<{ before: number }>`
    select coalesce(
      (select min(change_no) - 1 from audience_change
       where workspace_id = ${workspaceId} and audience_id = ${audienceId} and at >= ${at}),
      (select last_change from audience where workspace_id = ${workspaceId} and audience_id = ${audienceId}),
      0)::bigint as before`.execute(db);
  return rows[0]!.before;
}

export const INTERVALS = ['hour', 'day'] as const;
export type Interval = (typeof INTERVALS)[number];

/** An hour or a day of the workspace's calendar: how large the audience was at its end, and who came and went. */
export interface SizePoint {
  readonly at: Date;
  readonly size: number;
  readonly entered: number;
  readonly exited: number;
}

/** Sizes are kept by the hour (UTC): where days begin within one, it counts to the day that it begins in. */
export async function readSizes(
  transaction: Transaction<Database>,
  { workspaceId, audienceId }: AudienceReference,
  { interval, from, to }: { readonly interval: Interval; readonly from: Date; readonly to: Date },
): Promise<SizePoint[]> {
  const unit = sql`${interval}::text`;
  const { rows } = await sql<SizePoint>`
    with zone as (select timezone as name from workspace where workspace_id = ${workspaceId}),
    points as (
      select at at time zone zone.name as from_at, (at + ('1 ' || ${unit})::interval) at time zone zone.name as to_at
      from zone, generate_series(
        date_trunc(${unit}, ${from}::timestamptz at time zone zone.name),
        ${to}::timestamptz at time zone zone.name, ('1 ' || ${unit})::interval) as at)
    select p.from_at as at,
      coalesce((
        select s.size from audience_size s
        where s.workspace_id = ${workspaceId} and s.audience_id = ${audienceId} and s.hour < p.to_at
        order by s.hour desc limit 1), 0)::bigint as size,
      coalesce(sum(s.entered), 0)::bigint as entered, coalesce(sum(s.exited), 0)::bigint as exited
    from points p
    left join audience_size s on s.workspace_id = ${workspaceId} and s.audience_id = ${audienceId}
      and s.hour >= p.from_at and s.hour < p.to_at
    group by p.from_at, p.to_at
    order by p.from_at`.execute(transaction);
  return rows;
}

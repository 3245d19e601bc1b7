/** Cuts what a destination is sent next off the feeds of its audiences. */
import { sql, type Transaction } from 'kysely';
import type { DestinationReference } from './destinations';
import type { Database } from './tables';

/** All profiles come before it, or are it. */
const BEHIND_ALL = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

interface Followed {
  audience_id: string;
  from_change: number;
  last_change: number;
  backfill_after: string | null;
}

interface Part {
  readonly audienceId: string;
  readonly isBackfill: boolean;
  readonly from: number;
  readonly to: number;
  readonly fromProfile: string | null;
  readonly toProfile: string | null;
  readonly size: number;
}

export interface Cut extends DestinationReference {
  readonly deliveryId: string;
  readonly batchSize: number;
  readonly now: Date;
}

/**
 * Makes a delivery of what comes next, with the points moved behind it: both are there after the commit, or neither.
 * The destination's row is held by whoever calls, so nobody else does so meanwhile. A number of a change that can be
 * read has none before it that cannot, so nothing is passed over.
 *
 * @returns whether there was something
 */
export async function cutDelivery(db: Transaction<Database>, cut: Cut): Promise<boolean> {
  const { workspaceId, destinationId, deliveryId, batchSize, now } = cut;
  const { rows: followed } = await sql<Followed>`
    select f.audience_id, f.from_change, f.last_change, f.backfill_after
    from destination_audience f join audience a using (workspace_id, audience_id)
    where f.workspace_id = ${workspaceId} and f.destination_id = ${destinationId}
      and (f.backfill_after is not null or a.last_change > f.last_change)
    order by f.turn, f.audience_id`.execute(db);
  const parts: Part[] = [];
  let room = batchSize;
  for (const each of followed) {
    if (room === 0) break;
    const part = await (each.backfill_after === null ? cutChanges : cutMembers)(db, {
      ...{ workspaceId, each, room },
    });
    if (part === null) continue;
    parts.push(part);
    room -= part.size;
  }
  if (parts.length === 0) return false;
  await sql`
    insert into delivery (workspace_id, delivery_id, destination_id, created_at, state, next_attempt_at)
    values (${workspaceId}, ${deliveryId}, ${destinationId}, ${now}, 'waiting', ${now})`.execute(db);
  for (const part of parts) await insertPart(db, { cut, part });
  return true;
}

interface Cutting {
  readonly workspaceId: string;
  readonly each: Followed;
  readonly room: number;
}

async function cutChanges(
  db: Transaction<Database>,
  { workspaceId, each, room }: Cutting,
): Promise<Part | null> {
  const { rows } = await sql<{ last: number | null; size: number }>`
    select max(change_no)::bigint as last, count(*) as size
    from (
      select change_no from audience_change
      where workspace_id = ${workspaceId} and audience_id = ${each.audience_id} and change_no > ${each.last_change}
      order by change_no limit ${room}) as next`.execute(db);
  const { last, size } = rows[0]!;
  if (last === null) return null;
  return {
    ...{ audienceId: each.audience_id, isBackfill: false, from: each.last_change, to: last },
    ...{ fromProfile: null, toProfile: null, size },
  };
}

/** Those who are members now and those who left since: whoever was a member at the point is one of them. */
async function cutMembers(
  db: Transaction<Database>,
  { workspaceId, each, room }: Cutting,
): Promise<Part | null> {
  const isIts = sql`workspace_id = ${workspaceId} and audience_id = ${each.audience_id}
    and profile_id > ${each.backfill_after}`;
  const { rows } = await sql<{ profile_id: string }>`
    select profile_id from (
      (select profile_id from audience_member where ${isIts} order by profile_id limit ${room})
      union
      (select distinct profile_id from audience_change
       where ${isIts} and change_no > ${each.from_change} and change = 'exited'
       order by profile_id limit ${room})) as next
    order by profile_id limit ${room}`.execute(db);
  const isLast = rows.length < room;
  return {
    ...{ audienceId: each.audience_id, isBackfill: true, from: each.from_change, to: each.from_change },
    ...{ fromProfile: each.backfill_after, toProfile: isLast ? BEHIND_ALL : rows.at(-1)!.profile_id },
    size: rows.length,
  };
}

async function insertPart(
  db: Transaction<Database>,
  {
    cut: { workspaceId, destinationId, deliveryId },
    part: { audienceId, isBackfill, from, to, fromProfile, toProfile },
  }: { readonly cut: Cut; readonly part: Part },
): Promise<void> {
  await sql`
    insert into delivery_part (
      workspace_id, delivery_id, audience_id, is_backfill, from_change, to_change, from_profile, to_profile)
    values (
      ${workspaceId}, ${deliveryId}, ${audienceId}, ${isBackfill}, ${from}, ${to}, ${fromProfile}, ${toProfile})`.execute(
    db,
  );
  const next = isBackfill
    ? sql`backfill_after = ${toProfile === BEHIND_ALL ? null : toProfile}`
    : sql`last_change = ${to}`;
  await sql`
    update destination_audience
    set ${next}, turn = 1 + (
      select max(turn) from destination_audience
      where workspace_id = ${workspaceId} and destination_id = ${destinationId})
    where workspace_id = ${workspaceId} and destination_id = ${destinationId}
      and audience_id = ${audienceId}`.execute(db);
}

/** What a delivery says, read anew each time that it is sent. */
import { type Kysely, sql } from 'kysely';
import type { DeliveredChange } from '../core/webhook-body';
import { identifierColumns } from './profiles';
import type { Database } from './tables';

interface ContentRow {
  change_no: number;
  audience: string;
  change: DeliveredChange['change'];
  at: Date;
  cause: string;
  is_backfill: boolean;
  profile_id: string;
  user_id: string | null;
  email: string | null;
  anonymous_id: string | null;
}

export interface DeliveryReference {
  readonly workspaceId: string;
  readonly deliveryId: string;
}

/**
 * The changes of a delivery, each audience's in order. Left out is what something newer is under way about: of a profile
 * and an audience a destination is never sent what is older than what it was sent before. That can only be so where a
 * delivery is sent again that was given up before; of the others nothing newer was cut off.
 *
 * A back-fill has those who were members at its point, by their last change until then: whoever left since is among
 * them, and the feed tells so next; whoever came since is not. Who was erased has no change that is told here.
 */
export async function readContent(
  db: Kysely<Database>,
  { workspaceId, deliveryId }: DeliveryReference,
): Promise<DeliveredChange[]> {
  const { rows } = await sql<ContentRow>`
    with its as materialized (
      select p.*, a.key, f.last_change
      from delivery_part p
      join delivery w using (workspace_id, delivery_id)
      join destination_audience f on f.workspace_id = p.workspace_id and f.destination_id = w.destination_id
        and f.audience_id = p.audience_id
      join audience a on a.workspace_id = p.workspace_id and a.audience_id = p.audience_id
      where p.workspace_id = ${workspaceId} and p.delivery_id = ${deliveryId}),
    told as materialized (
      select its.key, c.change_no, c.change, c.at, c.cause, c.profile_id, its.is_backfill
      from its
      join audience_change c on c.workspace_id = ${workspaceId} and c.audience_id = its.audience_id
        and c.change_no > its.from_change and c.change_no <= its.to_change
      where not its.is_backfill and not exists (
        select from audience_change newer
        where newer.workspace_id = ${workspaceId} and newer.profile_id = c.profile_id
          and newer.audience_id = its.audience_id
          and newer.change_no > its.to_change and newer.change_no <= its.last_change)
      union all
      select its.key, last.change_no, last.change, last.at, last.cause, found.profile_id, true
      from its
      cross join lateral (
        select m.profile_id from audience_member m
        where m.workspace_id = ${workspaceId} and m.audience_id = its.audience_id
          and m.profile_id > its.from_profile and m.profile_id <= its.to_profile
        union
        select c.profile_id from audience_change c
        where c.workspace_id = ${workspaceId} and c.audience_id = its.audience_id
          and c.change_no > its.from_change and c.profile_id > its.from_profile and c.profile_id <= its.to_profile
      ) found
      cross join lateral (
        select c.change_no, c.change, c.at, c.cause from audience_change c
        where c.workspace_id = ${workspaceId} and c.profile_id = found.profile_id
          and c.audience_id = its.audience_id and c.change_no <= its.from_change
        order by c.change_no desc limit 1) last
      where its.is_backfill and last.change = 'entered' and not exists (
        select from audience_change newer
        where newer.workspace_id = ${workspaceId} and newer.profile_id = found.profile_id
          and newer.audience_id = its.audience_id
          and newer.change_no > its.from_change and newer.change_no <= its.last_change))
    select told.change_no, told.key as audience, told.change, told.at, told.cause, told.is_backfill, told.profile_id,
      ${identifierColumns(workspaceId, sql.ref('told.profile_id'))}
    from told
    order by told.key, told.change_no, told.profile_id`.execute(db);
  return rows.map(toChange);
}

function toChange(row: ContentRow): DeliveredChange {
  // Of whom was erased nothing but the ID is told, also where the same device is known again since.
  const isErased = row.cause === 'erasure';
  const shown = (value: string | null) => (isErased ? null : value || null);
  return {
    id: String(row.change_no),
    audience: row.audience,
    change: row.change,
    at: row.at,
    cause: row.cause,
    isBackfill: row.is_backfill,
    profileId: row.profile_id,
    userId: shown(row.user_id),
    email: shown(row.email),
    anonymousId: shown(row.anonymous_id),
  };
}

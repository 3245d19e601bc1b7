import { type Kysely, sql } from 'kysely';
import type { ExportedMember } from '../core/export-format';
import { identifierColumns } from './profiles';
import { streamSnapshot } from './stream-snapshot';
import type { Database } from './tables';

interface ExportRow {
  profile_id: string;
  user_id: string | null;
  email: string | null;
  anonymous_id: string | null;
  first_seen_at: Date | null;
  last_seen_at: Date | null;
  event_count: number;
  order_count: number;
  revenue: string;
  entered_at: Date;
}

/** How many members are in memory at a time. */
const CHUNK = sql.lit(1000);

/**
 * All members of an audience, who entered last first, in chunks and as one snapshot: whatever changes meanwhile, none
 * is repeated and none is missed. A cursor inside one transaction: flat in memory on both sides, and it needs no
 * session. Ending the iteration early ends the transaction.
 */
export function exportMembers(
  db: Kysely<Database>,
  workspaceId: string,
  audienceId: string,
): AsyncGenerator<readonly ExportedMember[], void, undefined> {
  return streamSnapshot(db, workspaceId, async function* (transaction) {
    await sql`declare members no scroll cursor for ${selectMembers(workspaceId, audienceId)}`.execute(
      transaction,
    );
    for (;;) {
      const { rows } = await sql<ExportRow>`fetch ${CHUNK} from members`.execute(transaction);
      if (rows.length === 0) break;
      yield rows.map(toMember);
    }
  });
}

function selectMembers(workspaceId: string, audienceId: string) {
  return sql`
    select m.profile_id, m.entered_at, p.first_seen_at, p.last_seen_at,
      coalesce(p.event_count, 0)::bigint as event_count, coalesce(p.order_count, 0)::bigint as order_count,
      coalesce(trim_scale(r.amount), 0)::text as revenue,
      ${identifierColumns(workspaceId, sql.ref('m.profile_id'))}
    from audience_member m
    left join lateral (
      select min(first_seen_at) as first_seen_at, max(last_seen_at) as last_seen_at,
        sum(event_count) as event_count, sum(order_count) as order_count
      from profile_part
      where workspace_id = ${workspaceId} and owner_id = m.profile_id) p on true
    left join lateral (
      select sum(amount) as amount
      from profile_revenue
      where workspace_id = ${workspaceId} and owner_id = m.profile_id
        and currency = (select w.currency from workspace w where w.workspace_id = ${workspaceId})) r on true
    where m.workspace_id = ${workspaceId} and m.audience_id = ${audienceId}
    order by m.entered_at desc, m.profile_id desc`;
}

function toMember(row: ExportRow): ExportedMember {
  return {
    profileId: row.profile_id,
    userId: row.user_id,
    email: row.email,
    anonymousId: row.anonymous_id,
    firstSeenAt: row.first_seen_at,
    lastSeenAt: row.last_seen_at,
    events: row.event_count,
    orders: row.order_count,
    revenue: row.revenue,
    enteredAt: row.entered_at,
  };
}

/** What a warehouse gets of a workspace, as rows in the order of core/warehouse-table.ts. */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Cell, Row } from '../core/export-column';
import { type StateTable, WAREHOUSE_COLUMNS, type WarehouseTable } from '../core/warehouse-table';
import { inWorkspace } from './connect';
import { shownTraits } from './profile-columns';
import { identifierColumns, revenueColumn } from './profiles';
import { streamSnapshot } from './stream-snapshot';
import type { Database } from './tables';

/** How many rows of a snapshot are in memory at a time. */
const CHUNK = sql.lit(1000);

type Cells = Record<string, Cell>;

const toRows = (table: WarehouseTable, rows: readonly Cells[]): Row[] =>
  rows.map((row) => WAREHOUSE_COLUMNS[table].map(({ name }) => row[name]!));

export interface EventPlaceRead {
  readonly receivedAt: Date;
  readonly messageId: string;
}

export interface EventPage {
  readonly rows: readonly Row[];
  /** Of each row. */
  readonly places: readonly EventPlaceRead[];
}

/** The next events by when they were received; fewer than the limit are the last ones. */
export async function readEventPage(
  db: Kysely<Database>,
  workspaceId: string,
  window: {
    /** null: from the first one on. */
    readonly from: Date | null;
    readonly until: Date;
    readonly after: EventPlaceRead | null;
    readonly limit: number;
  },
): Promise<EventPage> {
  const { from, until, after, limit } = window;
  // Said twice, since of the pair alone no partition is ruled out.
  const isBehind =
    after === null
      ? sql`true`
      : sql`(received_at, message_id) > (${after.receivedAt}::timestamptz, ${after.messageId}::uuid)`;
  const begin = after?.receivedAt ?? from;
  const { rows } = await inWorkspace(db, workspaceId, (transaction) =>
    sql<Cells & { received_at: Date; message_id: string }>`
      select message_id, original_message_id, received_at, occurred_at, original_timestamp, sent_at, type, name,
        subject_id, user_id, email, anonymous_id, group_id, previous_id, source_id,
        properties::text as properties, traits::text as traits, context::text as context,
        to_jsonb(warnings)::text as warnings
      from event
      where workspace_id = ${workspaceId} and received_at < ${until}
        and ${begin === null ? sql`true` : sql`received_at >= ${begin}`} and ${isBehind}
      order by received_at, message_id
      limit ${limit}`.execute(transaction),
  );
  return {
    rows: toRows('events', rows),
    places: rows.map((row) => ({ receivedAt: row.received_at, messageId: row.message_id })),
  };
}

export interface StatePiece {
  readonly table: StateTable;
  /** Of a table without rows there is one piece, which is empty. */
  readonly rows: readonly Row[];
  /** The moment that all pieces are of. */
  readonly snapshotAt: Date;
}

/** All rows of these tables, one after the other, of one moment. Ending the iteration early ends the transaction. */
export function streamState(
  db: Kysely<Database>,
  workspaceId: string,
  tables: readonly StateTable[],
): AsyncGenerator<StatePiece, void, undefined> {
  return streamSnapshot(db, workspaceId, async function* (transaction) {
    const { rows: clock } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(transaction);
    const snapshotAt = clock[0]!.now;
    for (const table of tables) {
      const cursor = sql.ref(`${table}_rows`);
      await sql`declare ${cursor} no scroll cursor for ${SELECTS[table](workspaceId)}`.execute(transaction);
      for (let isFirst = true; ; isFirst = false) {
        const { rows } = await sql<Cells>`fetch ${CHUNK} from ${cursor}`.execute(transaction);
        if (rows.length > 0 || isFirst) yield { table, rows: toRows(table, rows), snapshotAt };
        if (rows.length === 0) break;
      }
      await sql`close ${cursor}`.execute(transaction);
    }
  });
}

const SELECTS: Readonly<Record<StateTable, (workspaceId: string) => RawBuilder<unknown>>> = {
  profiles: (workspaceId) => sql`
    select p.profile_id, i.user_id, i.email, encode(sha256(convert_to(i.email, 'UTF8')), 'hex') as email_sha256,
      i.anonymous_id, p.first_seen_at, p.last_seen_at, p.event_count as events, p.page_count as pages,
      p.order_count as orders, coalesce(r.revenue ->> w.currency, '0') as revenue, w.currency,
      coalesce(r.revenue, '{}')::text as revenue_by_currency, ${shownTraits(sql.ref('p.traits'))}::text as traits
    from profile p
    join workspace w on w.workspace_id = p.workspace_id
    cross join lateral (select ${identifierColumns(workspaceId, sql.ref('p.profile_id'))}) as i
    cross join lateral (select ${revenueColumn(workspaceId, sql.ref('p.profile_id'))}) as r
    where p.workspace_id = ${workspaceId}
    order by p.profile_id`,
  audience_members: (workspaceId) => sql`
    select a.audience_id, a.key as audience_key, a.name as audience_name, m.profile_id, m.entered_at, m.cause
    from audience a
    join audience_member m on m.workspace_id = a.workspace_id and m.audience_id = a.audience_id
    where a.workspace_id = ${workspaceId}
    order by a.audience_id, m.profile_id`,
  // A subject that nothing claims owns itself.
  identities: (workspaceId) => sql`
    select s.subject_id, s.kind, s.value, nullif(o.from_at, '-infinity') as from_at,
      nullif(o.to_at, 'infinity') as to_at, coalesce(o.owner_id, s.subject_id) as profile_id
    from subject s
    left join ownership o on o.workspace_id = s.workspace_id and o.subject_id = s.subject_id
    where s.workspace_id = ${workspaceId}
    order by s.subject_id, o.from_at`,
};

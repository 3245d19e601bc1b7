/** What a warehouse gets of a workspace, as rows in the order of core/warehouse-table.ts. */
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { Cell, Row } from '../core/export-column';
import { type StateTable, WAREHOUSE_COLUMNS, type WarehouseTable } from '../core/warehouse-table';
import { inWorkspace } from './connect';
import { EMAIL_SHA256, preferLists, readProfileCells, revenueIn, shownTraits } from './profile-cells';
import { streamAhead } from './stream-ahead';
import { streamSnapshot } from './stream-snapshot';
import type { Database } from './tables';

/** How many rows of a snapshot are in memory at a time, twice: traits may be large. */
const CHUNK = sql.lit(500);

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
      let isEmpty = true;
      for await (const rows of READERS[table](transaction, workspaceId)) {
        isEmpty = false;
        yield { table, rows: toRows(table, rows), snapshotAt };
      }
      if (isEmpty) yield { table, rows: [], snapshotAt };
    }
  });
}

type Reader = (
  transaction: Transaction<Database>,
  workspaceId: string,
) => AsyncGenerator<readonly Cells[], void, undefined>;

const READERS: Readonly<Record<StateTable, Reader>> = {
  async *profiles(transaction, workspaceId) {
    await preferLists(transaction);
    const ids = sql`
      select distinct owner_id as id from profile_part where workspace_id = ${workspaceId} order by owner_id`;
    yield* fetchAll<{ id: string }>(transaction, ids, async (found) => {
      const profileIds = found.map(({ id }) => id);
      const rows = await readProfileCells(transaction, { workspaceId, profileIds }, PROFILE_CELLS);
      return rows.map((row, index) => ({ ...row, profile_id: profileIds[index]! }));
    });
  },
  audience_members: (transaction, workspaceId) => fetchAll(transaction, SELECTS.members(workspaceId)),
  identities: (transaction, workspaceId) => fetchAll(transaction, SELECTS.identities(workspaceId)),
};

/** What is made of the rows of one statement at a time: the cursor's name is free again after it. */
async function* fetchAll<Found extends Cells>(
  transaction: Transaction<Database>,
  select: RawBuilder<unknown>,
  complete: (found: readonly Found[]) => Promise<readonly Cells[]> = (found) => Promise.resolve(found),
): AsyncGenerator<readonly Cells[], void, undefined> {
  await sql`declare state_rows no scroll cursor for ${select}`.execute(transaction);
  yield* streamAhead(async () => {
    const { rows } = await sql<Found>`fetch ${CHUNK} from state_rows`.execute(transaction);
    return rows.length === 0 ? null : complete(rows);
  });
  await sql`close state_rows`.execute(transaction);
}

/** Of a profile, beside its ID. */
const PROFILE_CELLS = {
  sums: [
    sql`min(q.first_seen_at) as first_seen_at`,
    sql`max(q.last_seen_at) as last_seen_at`,
    sql`sum(q.event_count)::bigint as events`,
    sql`sum(q.page_count)::bigint as pages`,
    sql`sum(q.order_count)::bigint as orders`,
    sql`merge_registers_agg(q.traits) as registers`,
  ],
  cells: [
    sql`named.user_id`,
    sql`named.email`,
    sql`${EMAIL_SHA256} as email_sha256`,
    sql`named.anonymous_id`,
    sql`p.first_seen_at`,
    sql`p.last_seen_at`,
    sql`p.events`,
    sql`p.pages`,
    sql`p.orders`,
    sql`${revenueIn(sql.ref('w.currency'))} as revenue`,
    sql`w.currency`,
    sql`coalesce(money.by_currency, '{}')::text as revenue_by_currency`,
    sql`${shownTraits(sql.ref('p.registers'))}::text as traits`,
  ],
};

const SELECTS = {
  members: (workspaceId: string) => sql`
    select a.audience_id, a.key as audience_key, a.name as audience_name, m.profile_id, m.entered_at, m.cause
    from audience a
    join audience_member m on m.workspace_id = a.workspace_id and m.audience_id = a.audience_id
    where a.workspace_id = ${workspaceId}
    order by a.audience_id, m.profile_id`,
  // A subject that nothing claims owns itself.
  identities: (workspaceId: string) => sql`
    select s.subject_id, s.kind, s.value, nullif(o.from_at, '-infinity') as from_at,
      nullif(o.to_at, 'infinity') as to_at, coalesce(o.owner_id, s.subject_id) as profile_id
    from subject s
    left join ownership o on o.workspace_id = s.workspace_id and o.subject_id = s.subject_id
    where s.workspace_id = ${workspaceId}
    order by s.subject_id, o.from_at`,
};

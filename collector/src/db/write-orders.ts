import { instants, texts, uuids } from './columns';
import { fromTimestamp, type Querier } from './querier';

/** The event that counts for an order or a refund. */
export interface OrderEntry {
  readonly entryKey: string;
  readonly kind: 'order' | 'refund';
  readonly messageId: string;
  readonly subjectId: string;
  readonly occurredAt: number;
  /** An exact decimal, negative for a refund; null adds nothing. */
  readonly amount: string | null;
  readonly currency: string;
}

const columns = (entries: readonly OrderEntry[]) => [
  uuids(entries.map((entry) => entry.entryKey)),
  texts(entries.map((entry) => entry.kind)),
  uuids(entries.map((entry) => entry.messageId)),
  uuids(entries.map((entry) => entry.subjectId)),
  instants(entries.map((entry) => entry.occurredAt)),
  texts(entries.map((entry) => entry.amount)),
  texts(entries.map((entry) => entry.currency)),
];

const GIVEN = `(
    select entry_key, kind, message_id, subject_id, occurred_at, amount::numeric as amount, currency
    from unnest($2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::timestamptz[], $7::text[], $8::text[])
      as given (entry_key, kind, message_id, subject_id, occurred_at, amount, currency)
  ) as given`;

/**
 * Takes the entries that nobody has taken before, in sorted order.
 *
 * @returns the keys that are new
 */
export async function insertOrderEntries(
  client: Querier,
  workspaceId: string,
  entries: readonly OrderEntry[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ entry_key: string }>(
    `insert into order_entry (workspace_id, entry_key, kind, message_id, subject_id, occurred_at, amount, currency)
     select $1, given.* from ${GIVEN}
     order by entry_key
     on conflict do nothing
     returning entry_key`,
    [workspaceId, ...columns(entries)],
  );
  return new Set(rows.map((row) => row.entry_key));
}

/** Locks the entries, in sorted order, and reads them. */
export async function lockOrderEntries(
  client: Querier,
  workspaceId: string,
  entryKeys: readonly string[],
): Promise<OrderEntry[]> {
  const { rows } = await client.query<{
    entry_key: string;
    kind: 'order' | 'refund';
    message_id: string;
    subject_id: string;
    occurred_at: Date;
    amount: string | null;
    currency: string;
  }>(
    `select entry_key, kind, message_id, subject_id, occurred_at, amount, currency from order_entry
     where workspace_id = $1 and entry_key = any($2::uuid[])
     order by entry_key
     for update`,
    [workspaceId, uuids(entryKeys)],
  );
  return rows.map((row) => ({
    entryKey: row.entry_key,
    kind: row.kind,
    messageId: row.message_id,
    subjectId: row.subject_id,
    occurredAt: fromTimestamp(row.occurred_at),
    amount: row.amount,
    currency: row.currency,
  }));
}

/**
 * The keys of those of these entries whose event is still stored; of others nothing tells whose part they are in. A
 * statement of its own: one that waited for a lock would not see the event of whoever held it.
 */
export async function readStoredEntries(
  client: Querier,
  workspaceId: string,
  entryKeys: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ entry_key: string }>(
    `select entry.entry_key
     from unnest($2::uuid[]) as wanted (entry_key)
     cross join lateral (
       select entry_key, subject_id, occurred_at, message_id from order_entry
       where workspace_id = $1 and entry_key = wanted.entry_key
       offset 0) as entry
     cross join lateral (
       select from event
       where workspace_id = $1 and subject_id = entry.subject_id
         and occurred_at = entry.occurred_at and message_id = entry.message_id
       offset 0) as stored`,
    [workspaceId, uuids(entryKeys)],
  );
  return new Set(rows.map((row) => row.entry_key));
}

/** An earlier event takes the entry over. */
export async function replaceOrderEntries(
  client: Querier,
  workspaceId: string,
  entries: readonly OrderEntry[],
): Promise<void> {
  await client.query(
    `insert into order_entry (workspace_id, entry_key, kind, message_id, subject_id, occurred_at, amount, currency)
     select $1, given.* from ${GIVEN}
     on conflict (workspace_id, entry_key) do update
     set kind = excluded.kind, message_id = excluded.message_id, subject_id = excluded.subject_id,
         occurred_at = excluded.occurred_at, amount = excluded.amount, currency = excluded.currency`,
    [workspaceId, ...columns(entries)],
  );
}

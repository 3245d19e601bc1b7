import type { NormalEvent } from '../core/event';
import { instants, jsons, texts, uuids } from './columns';
import type { Querier } from './querier';

/** A row of what was refused. */
export interface RejectedRow {
  readonly rejectedId: string;
  readonly receivedAt: number;
  readonly sourceId: string;
  readonly messageId: string | null;
  readonly code: string;
  readonly reason: string;
  readonly payload: string;
}

/** A statement that takes longer than this is stuck; the group is answered 503 and tried again by its senders. */
const STATEMENT_TIMEOUT_MS = 10_000;
const LOCK_TIMEOUT_MS = 5_000;

export async function begin(client: Querier): Promise<void> {
  await client.query('begin isolation level read committed');
}

/** To read at one moment what a change would do, without holding anybody up. */
export async function beginPreview(client: Querier): Promise<void> {
  await client.query('begin isolation level repeatable read read only');
}

/**
 * Settings that end with the transaction: nothing stays behind on a pooled connection.
 *
 * @returns how many regulations have changed what the workspace takes in; 0 where none ever did
 */
export async function enterWorkspace(
  client: Querier,
  workspaceId: string,
  statementTimeoutMs = STATEMENT_TIMEOUT_MS,
): Promise<number> {
  const { rows } = await client.query<{ epoch: number | null }>(
    `select set_config('throughline.workspace', $1, true),
            set_config('statement_timeout', $2, true),
            set_config('lock_timeout', $3, true),
            (select regulation_epoch from workspace where workspace_id = $1::uuid) as epoch`,
    [workspaceId, String(statementTimeoutMs), String(LOCK_TIMEOUT_MS)],
  );
  return rows[0]!.epoch ?? 0;
}

/**
 * Keeps regulations out until the transaction ends: whoever changes what is taken in, or erases, writes the workspace's
 * row first. Comes before all other locks.
 *
 * @returns see enterWorkspace()
 */
export async function holdRegulations(client: Querier, workspaceId: string): Promise<number> {
  const { rows } = await client.query<{ epoch: number }>(
    'select regulation_epoch as epoch from workspace where workspace_id = $1 for share',
    [workspaceId],
  );
  return rows[0]?.epoch ?? 0;
}

/**
 * Commits, and makes sure of it: COMMIT of an aborted transaction succeeds and says ROLLBACK.
 *
 * @throws Error where nothing was committed
 */
export async function commit(client: Querier): Promise<void> {
  const { command } = await client.query('commit');
  if (command !== 'COMMIT') throw new Error(`The transaction ended with ${command}.`);
}

/**
 * Takes the message IDs that nobody has taken before: this is what makes a second delivery harmless, for ever.
 * Sorted, so that two writers with the same IDs wait for each other instead of deadlocking.
 *
 * @param events unique by message ID
 * @returns the IDs that are new
 */
export async function insertEventKeys(
  client: Querier,
  workspaceId: string,
  events: readonly Pick<NormalEvent, 'messageId' | 'receivedAt'>[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ message_id: string }>(
    `insert into event_key (workspace_id, message_id, received_at)
     select $1, message_id, received_at
     from unnest($2::uuid[], $3::timestamptz[]) as given (message_id, received_at)
     order by message_id
     on conflict do nothing
     returning message_id`,
    [
      workspaceId,
      uuids(events.map((event) => event.messageId)),
      instants(events.map((event) => event.receivedAt)),
    ],
  );
  return new Set(rows.map((row) => row.message_id));
}

export async function insertEvents(
  client: Querier,
  workspaceId: string,
  events: readonly NormalEvent[],
): Promise<void> {
  await client.query(
    `insert into event (workspace_id, received_at, message_id, original_message_id, source_id, type, name,
       subject_id, user_id, email, anonymous_id, group_id, previous_id,
       occurred_at, original_timestamp, sent_at, properties, traits, context, warnings)
     select $1, received_at, message_id, original_message_id, source_id, type, name,
       subject_id, user_id, email, anonymous_id, group_id, previous_id,
       occurred_at, original_timestamp, sent_at, properties, traits, context,
       string_to_array(warnings, ' ')
     from unnest($2::timestamptz[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::uuid[],
       $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::timestamptz[],
       $16::timestamptz[], $17::jsonb[], $18::jsonb[], $19::jsonb[], $20::text[])
       as given (received_at, message_id, original_message_id, source_id, type, name, subject_id, user_id, email,
         anonymous_id, group_id, previous_id, occurred_at, original_timestamp, sent_at, properties, traits,
         context, warnings)`,
    [
      workspaceId,
      instants(events.map((event) => event.receivedAt)),
      uuids(events.map((event) => event.messageId)),
      texts(events.map((event) => event.originalMessageId)),
      uuids(events.map((event) => event.sourceId)),
      texts(events.map((event) => event.type)),
      texts(events.map((event) => event.name)),
      uuids(events.map((event) => event.subjectId)),
      texts(events.map((event) => event.userId)),
      texts(events.map((event) => event.email)),
      texts(events.map((event) => event.anonymousId)),
      texts(events.map((event) => event.groupId)),
      texts(events.map((event) => event.previousId)),
      instants(events.map((event) => event.occurredAt)),
      instants(events.map((event) => event.originalTimestamp)),
      instants(events.map((event) => event.sentAt)),
      jsons(events.map((event) => event.properties)),
      jsons(events.map((event) => event.traits)),
      jsons(events.map((event) => event.context)),
      texts(events.map((event) => (event.warnings.length === 0 ? null : event.warnings.join(' ')))),
    ],
  );
}

export async function insertRejected(
  client: Querier,
  workspaceId: string,
  rows: readonly RejectedRow[],
): Promise<void> {
  await client.query(
    `insert into rejected_event (workspace_id, received_at, rejected_id, source_id, message_id, code, reason, payload)
     select $1, given.*
     from unnest($2::timestamptz[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[]) as given`,
    [
      workspaceId,
      instants(rows.map((row) => row.receivedAt)),
      uuids(rows.map((row) => row.rejectedId)),
      uuids(rows.map((row) => row.sourceId)),
      texts(rows.map((row) => row.messageId)),
      texts(rows.map((row) => row.code)),
      texts(rows.map((row) => row.reason)),
      texts(rows.map((row) => row.payload)),
    ],
  );
}

/** Notes from when until when subjects have events that are counted in no part. Behind the parts. */
export async function noteRecorded(
  client: Querier,
  workspaceId: string,
  events: readonly NormalEvent[],
): Promise<void> {
  await client.query(
    `insert into recorded_subject as r (workspace_id, subject_id, since_at, until_at)
     select $1, subject_id, min(at), max(at)
     from unnest($2::uuid[], $3::timestamptz[]) as given (subject_id, at)
     group by subject_id
     order by subject_id
     on conflict (workspace_id, subject_id) do update
     set since_at = least(r.since_at, excluded.since_at), until_at = greatest(r.until_at, excluded.until_at)`,
    [
      workspaceId,
      uuids(events.map((event) => event.subjectId)),
      instants(events.map((event) => event.occurredAt)),
    ],
  );
}

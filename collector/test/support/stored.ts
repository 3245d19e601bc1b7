/** What is stored of events: straight from the table, where the HTTP API shows only some of it. */
import { inWorkspace } from '../../src/db/connect';
import { isUuid, THROUGHLINE_NAMESPACE, uuidV5 } from '../../src/core/uuid';
import type { Api } from './api';
import type { WireEvent } from './wire';

export interface StoredEvent {
  readonly messageId: string;
  readonly originalMessageId: string | null;
  readonly type: string;
  readonly name: string | null;
  readonly userId: string | null;
  readonly anonymousId: string | null;
  readonly groupId: string | null;
  readonly previousId: string | null;
  readonly occurredAt: string;
  readonly originalTimestamp: string | null;
  readonly sentAt: string | null;
  readonly properties: Record<string, unknown> | null;
  readonly traits: Record<string, unknown> | null;
  readonly context: Record<string, unknown> | null;
}

/** The events of these wire events' IDs, by type; fails where one was not stored exactly once. */
export async function readStored(
  api: Api,
  sent: readonly WireEvent[],
): Promise<Readonly<Record<string, StoredEvent>>> {
  const ids = new Set(sent.map(({ messageId }) => storedIdOf(messageId)));
  const rows = await inWorkspace(api.db, api.workspaceId, (transaction) =>
    transaction
      .selectFrom('event')
      .selectAll()
      .where('message_id', 'in', [...ids])
      .execute(),
  );
  if (rows.length !== ids.size) throw new Error(`${ids.size} events were sent, ${rows.length} are stored.`);
  return Object.fromEntries(
    rows.map((row) => [
      row.type,
      {
        messageId: row.message_id,
        originalMessageId: row.original_message_id,
        type: row.type,
        name: row.name,
        userId: row.user_id,
        anonymousId: row.anonymous_id,
        groupId: row.group_id,
        previousId: row.previous_id,
        occurredAt: row.occurred_at.toISOString(),
        originalTimestamp: row.original_timestamp?.toISOString() ?? null,
        sentAt: row.sent_at?.toISOString() ?? null,
        properties: row.properties,
        traits: row.traits,
        context: row.context,
      },
    ]),
  );
}

export async function countStored(api: Api): Promise<number> {
  const { count } = await inWorkspace(api.db, api.workspaceId, (transaction) =>
    transaction
      .selectFrom('event')
      .select((query) => query.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow(),
  );
  return Number(count);
}

/** What must be stored of an event as it was sent, whoever sent it: IDs and times. */
export function keptOf(sent: WireEvent): Partial<StoredEvent> {
  const text = (field: string) => (sent[field] ?? '') as string;
  const at = text('timestamp') || text('originalTimestamp');
  const messageId = storedIdOf(sent.messageId);
  return {
    messageId,
    originalMessageId: messageId === sent.messageId ? null : sent.messageId,
    userId: text('userId') || null,
    anonymousId: text('anonymousId') || null,
    groupId: text('groupId') || null,
    previousId: text('previousId') || null,
    originalTimestamp: at,
    occurredAt: at,
    sentAt: text('sentAt'),
  };
}

/** As the collector promises: a UUID stays itself, anything else becomes one by its whole text. */
function storedIdOf(messageId: string): string {
  return isUuid(messageId) ? messageId.toLowerCase() : uuidV5(THROUGHLINE_NAMESPACE, messageId);
}

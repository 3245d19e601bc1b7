import type { Column } from './export-column';

/** What a warehouse gets. Events are added to; of the others each export has all rows, as they stand then. */
export const WAREHOUSE_TABLES = ['events', 'profiles', 'audience_members', 'identities'] as const;
export type WarehouseTable = (typeof WAREHOUSE_TABLES)[number];

/** A table of which each export has all rows. */
export type StateTable = Exclude<WarehouseTable, 'events'>;

/** Names are those of the database, as SQL has them. */
export const WAREHOUSE_COLUMNS: Readonly<Record<WarehouseTable, readonly Column[]>> = {
  events: [
    { name: 'message_id', type: 'text' },
    { name: 'original_message_id', type: 'text' },
    { name: 'received_at', type: 'instant' },
    { name: 'occurred_at', type: 'instant' },
    { name: 'original_timestamp', type: 'instant' },
    { name: 'sent_at', type: 'instant' },
    { name: 'type', type: 'text' },
    { name: 'name', type: 'text' },
    { name: 'subject_id', type: 'text' },
    { name: 'user_id', type: 'text' },
    { name: 'email', type: 'text' },
    { name: 'anonymous_id', type: 'text' },
    { name: 'group_id', type: 'text' },
    { name: 'previous_id', type: 'text' },
    { name: 'source_id', type: 'text' },
    { name: 'properties', type: 'json' },
    { name: 'traits', type: 'json' },
    { name: 'context', type: 'json' },
    { name: 'warnings', type: 'json' },
  ],
  profiles: [
    { name: 'profile_id', type: 'text' },
    { name: 'user_id', type: 'text' },
    { name: 'email', type: 'text' },
    { name: 'email_sha256', type: 'text' },
    { name: 'anonymous_id', type: 'text' },
    { name: 'first_seen_at', type: 'instant' },
    { name: 'last_seen_at', type: 'instant' },
    { name: 'events', type: 'integer' },
    { name: 'pages', type: 'integer' },
    { name: 'orders', type: 'integer' },
    { name: 'revenue', type: 'decimal' },
    { name: 'currency', type: 'text' },
    { name: 'revenue_by_currency', type: 'json' },
    { name: 'traits', type: 'json' },
  ],
  audience_members: [
    { name: 'audience_id', type: 'text' },
    { name: 'audience_key', type: 'text' },
    { name: 'audience_name', type: 'text' },
    { name: 'profile_id', type: 'text' },
    { name: 'entered_at', type: 'instant' },
    { name: 'cause', type: 'text' },
  ],
  identities: [
    { name: 'subject_id', type: 'text' },
    { name: 'kind', type: 'text' },
    { name: 'value', type: 'text' },
    { name: 'from_at', type: 'instant' },
    { name: 'to_at', type: 'instant' },
    { name: 'profile_id', type: 'text' },
  ],
};

import type {
  AudienceChangeTable,
  AudienceCheckTable,
  AudienceListedTable,
  AudienceMarkTable,
  AudienceMemberTable,
  AudienceRebuildTable,
  AudienceSizeTable,
  AudienceTable,
} from './audience-tables';
import type { DecisionTables } from './decision-tables';
import type { DestinationTables } from './destination-tables';
import type { ExportTables } from './export-tables';
import type { RegulationTables } from './regulation-tables';
import type { ColumnType, Generated } from 'kysely';
import type { IdentifierKind } from '../core/identifier';
import type { Registers } from '../core/traits';

/** The schema as Kysely sees it; migrations/*.sql is the truth. bigint arrives as number, numeric as string. */

/** JSON in and out: written as text, read as a value. */
type Json<T> = ColumnType<T, string, string>;

export interface WorkspaceTable {
  workspace_id: string;
  name: string;
  timezone: Generated<string>;
  currency: Generated<string>;
  /** null: everything is kept. */
  retention_days: Generated<number | null>;
  /** Signs page tokens. */
  page_secret: Generated<Buffer>;
  /** Raised by each regulation that changes what is taken in; 0: there was none. */
  regulation_epoch: Generated<number>;
  /** Raised by whatever changes what audiences must be told of; 0: there never was one. */
  audience_epoch: Generated<number>;
  has_destinations: Generated<boolean>;
  /** Events received before this are in an export, or will be in none that begins there; null: there was none. */
  exported_until: Generated<Date | null>;
  created_at: Generated<Date>;
}

export interface SourceTable {
  workspace_id: string;
  source_id: string;
  name: string;
  allowed_origins: string[] | null;
  created_at: Generated<Date>;
}

export interface AccessKeyTable {
  workspace_id: string;
  key_id: string;
  kind: 'write' | 'secret';
  source_id: string | null;
  hash: Buffer;
  token: string | null;
  created_at: Generated<Date>;
  revoked_at: Date | null;
}

export interface EventKeyTable {
  workspace_id: string;
  message_id: string;
  received_at: Date;
}

export interface EventTable {
  workspace_id: string;
  received_at: Date;
  message_id: string;
  original_message_id: string | null;
  source_id: string;
  type: string;
  name: string | null;
  subject_id: string;
  user_id: string | null;
  email: string | null;
  anonymous_id: string | null;
  group_id: string | null;
  previous_id: string | null;
  occurred_at: Date;
  original_timestamp: Date | null;
  sent_at: Date | null;
  properties: Json<Record<string, unknown> | null>;
  traits: Json<Record<string, unknown> | null>;
  context: Json<Record<string, unknown> | null>;
  warnings: string[] | null;
}

export interface RejectedEventTable {
  workspace_id: string;
  received_at: Date;
  rejected_id: string;
  source_id: string;
  message_id: string | null;
  code: string;
  reason: string;
  payload: string;
}

export interface SubjectTable {
  workspace_id: string;
  subject_id: string;
  kind: IdentifierKind;
  value: string;
  created_at: Generated<Date>;
}

export interface ClaimTable {
  workspace_id: string;
  weaker_id: string;
  from_at: Date;
  message_id: string;
  stronger_id: string;
}

/** from_at may be -infinity and to_at infinity, which pg reads as the numbers -Infinity and Infinity. */
export interface OwnershipTable {
  workspace_id: string;
  subject_id: string;
  from_at: Date | number;
  to_at: Date | number;
  target_id: string;
  owner_id: string;
}

export interface ProfilePartTable {
  workspace_id: string;
  owner_id: string;
  subject_id: string;
  first_seen_at: Date;
  last_seen_at: Date;
  last_seen_hour: Date;
  event_count: number;
  page_count: number;
  order_count: number;
  traits: Json<Registers>;
  /** Marks (core/visit.ts). */
  last_page: string | null;
  first_campaign: string | null;
  first_referrer: string | null;
}

export interface ProfileRevenueTable {
  workspace_id: string;
  owner_id: string;
  subject_id: string;
  currency: string;
  amount: string;
}

export interface OrderEntryTable {
  workspace_id: string;
  entry_key: string;
  kind: 'order' | 'refund';
  message_id: string;
  subject_id: string;
  occurred_at: Date;
  amount: string | null;
  currency: string;
}

/** A view: one row a profile, the sum and the merge of its parts. */
export interface ProfileView {
  workspace_id: string;
  profile_id: string;
  first_seen_at: Date;
  last_seen_at: Date;
  event_count: number;
  page_count: number;
  order_count: number;
  traits: Json<Registers>;
  /** Marks (core/visit.ts). */
  last_page: string | null;
  first_campaign: string | null;
  first_referrer: string | null;
}

export interface ConsoleTicketTable {
  workspace_id: string;
  hash: Buffer;
  expires_at: Date;
}

export interface ConsoleSessionTable {
  workspace_id: string;
  hash: Buffer;
  created_at: Generated<Date>;
  expires_at: Date;
}

export interface ClaimVoidTable {
  workspace_id: string;
  weaker_id: string;
  stronger_id: string;
  void_id: string;
  voided_at: Date;
  voided_by: string;
}

export interface ProfileLinkTable {
  workspace_id: string;
  source_id: string;
  target_id: string;
  link_id: string;
  linked_at: Date;
  linked_by: string;
}

export interface AuditEntryTable {
  workspace_id: string;
  entry_id: string;
  at: Date;
  actor: string;
  action: string;
  detail: Json<Record<string, unknown>>;
}

export interface Database extends DecisionTables, DestinationTables, ExportTables, RegulationTables {
  workspace: WorkspaceTable;
  source: SourceTable;
  access_key: AccessKeyTable;
  event_key: EventKeyTable;
  event: EventTable;
  rejected_event: RejectedEventTable;
  subject: SubjectTable;
  claim: ClaimTable;
  ownership: OwnershipTable;
  profile_part: ProfilePartTable;
  profile_revenue: ProfileRevenueTable;
  order_entry: OrderEntryTable;
  profile: ProfileView;
  audience: AudienceTable;
  audience_member: AudienceMemberTable;
  audience_mark: AudienceMarkTable;
  audience_check: AudienceCheckTable;
  audience_change: AudienceChangeTable;
  audience_size: AudienceSizeTable;
  audience_listed: AudienceListedTable;
  audience_rebuild: AudienceRebuildTable;
  console_ticket: ConsoleTicketTable;
  console_session: ConsoleSessionTable;
  audit_entry: AuditEntryTable;
  claim_void: ClaimVoidTable;
  profile_link: ProfileLinkTable;
}

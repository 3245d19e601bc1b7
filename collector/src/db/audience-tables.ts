/** The tables of audiences as Kysely knows them. */
import type { ColumnType, Generated } from 'kysely';

type Json<T> = ColumnType<T, string, string>;

export interface AudienceTable {
  workspace_id: string;
  audience_id: string;
  key: string;
  name: string;
  kind: Generated<'rule' | 'static'>;
  /** null: a static one has none. */
  rule: Json<unknown> | null;
  wanted_rule: Generated<unknown>;
  size: Generated<number>;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  rebuilt_at: Date | null;
  error: string | null;
  is_stale: Generated<boolean>;
  unsettled_since: Generated<string | null>;
  last_change: Generated<number>;
  checked_at: Generated<Date | null>;
  drift: Generated<number | null>;
}

export interface AudienceMemberTable {
  workspace_id: string;
  audience_id: string;
  profile_id: string;
  entered_at: Date;
  cause: Generated<string>;
}

export interface AudienceMarkTable {
  workspace_id: string;
  audience_id: string;
  mark_id: Generated<number>;
  profile_id: string;
  marked_at: Generated<Date>;
}

export interface AudienceCheckTable {
  workspace_id: string;
  audience_id: string;
  profile_id: string;
  check_at: Date;
}

export interface AudienceChangeTable {
  workspace_id: string;
  audience_id: string;
  change_no: number;
  profile_id: string;
  change: 'entered' | 'exited';
  at: Date;
  cause: string;
}

export interface AudienceSizeTable {
  workspace_id: string;
  audience_id: string;
  hour: Date;
  size: number;
  entered: number;
  exited: number;
}

export interface AudienceListedTable {
  workspace_id: string;
  audience_id: string;
  subject_id: string;
}

export interface AudienceRebuildTable {
  workspace_id: string;
  audience_id: string;
  started_at: Date;
  finished_at: Date | null;
  outcome: 'done' | 'failed' | 'cancelled' | null;
  error: string | null;
  duration_ms: number | null;
}

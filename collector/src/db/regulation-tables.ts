import type { ColumnType, Generated } from 'kysely';

interface RegulationTable {
  workspace_id: string;
  regulation_id: string;
  type: 'delete' | 'suppress' | 'unsuppress' | 'export';
  created_at: Date;
}

interface RegulationSubjectTable {
  workspace_id: string;
  regulation_id: string;
  position: number;
  subject_id: string | null;
  profile_id: Generated<string | null>;
  status: 'pending' | 'running' | 'done' | 'unknown';
  erased_at: Generated<Date | null>;
  finished_at: Generated<Date | null>;
  attempts: Generated<number>;
  error: Generated<string | null>;
  progress: ColumnType<Record<string, unknown>, string | undefined, string>;
}

interface SuppressionTable {
  workspace_id: string;
  subject_id: string;
  since: Date;
  regulation_id: string;
}

interface ErasureTable {
  workspace_id: string;
  subject_id: string;
  owner_id: string;
  target_id: string | null;
  erased_at: Date;
}

interface TombstoneTable {
  workspace_id: string;
  subject_id: string;
  from_at: Date | number;
  to_at: Date | number;
  owner_id: string;
  regulation_id: string;
}

interface RegulationDroppedTable {
  workspace_id: string;
  regulation_id: string;
  events: number;
}

/** What people asked for that is held on them. */
export interface RegulationTables {
  regulation: RegulationTable;
  regulation_subject: RegulationSubjectTable;
  suppression: SuppressionTable;
  erasure: ErasureTable;
  tombstone: TombstoneTable;
  regulation_dropped: RegulationDroppedTable;
}

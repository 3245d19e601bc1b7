/** The tables of decisions as Kysely knows them. */
import type { ColumnType, Generated } from 'kysely';

interface DecisionTable {
  workspace_id: string;
  decision_id: string;
  key: string;
  name: string;
  /** The version that answers. */
  active_version: number;
  last_version: number;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

interface DecisionVersionTable {
  workspace_id: string;
  decision_id: string;
  version: number;
  definition: ColumnType<unknown, string, never>;
  created_at: Generated<Date>;
  created_by: string;
}

/** From when until when a subject has events that are counted in nothing. */
interface RecordedSubjectTable {
  workspace_id: string;
  subject_id: string;
  since_at: Date;
  until_at: Date;
}

export interface DecisionTables {
  decision: DecisionTable;
  decision_version: DecisionVersionTable;
  recorded_subject: RecordedSubjectTable;
}

/** The tables of destinations as Kysely knows them. */
import type { Generated } from 'kysely';

interface DestinationTable {
  workspace_id: string;
  destination_id: string;
  key: string;
  name: string;
  kind: 'webhook';
  url: string;
  batch_size: number;
  state: 'active' | 'paused' | 'gone';
  lease_id: Generated<string | null>;
  leased_until: Generated<Date | null>;
  created_at: Date;
  updated_at: Date;
}

interface DestinationSecretTable {
  workspace_id: string;
  destination_id: string;
  secret_id: string;
  secret: string;
  created_at: Date;
}

interface DestinationAudienceTable {
  workspace_id: string;
  destination_id: string;
  audience_id: string;
  from_change: number;
  last_change: number;
  backfill_after: string | null;
  turn: Generated<number>;
}

interface DeliveryTable {
  workspace_id: string;
  delivery_id: string;
  destination_id: string;
  created_at: Date;
  state: 'waiting' | 'delivered' | 'dead' | 'empty';
  is_replay: Generated<boolean>;
  attempts: Generated<number>;
  tries: Generated<number>;
  tried_since: Generated<Date | null>;
  next_attempt_at: Date;
  finished_at: Generated<Date | null>;
}

interface DeliveryPartTable {
  workspace_id: string;
  delivery_id: string;
  audience_id: string;
  is_backfill: boolean;
  from_change: number;
  to_change: number;
  from_profile: string | null;
  to_profile: string | null;
}

interface DeliveryAttemptTable {
  workspace_id: string;
  delivery_id: string;
  attempt_no: number;
  at: Date;
  duration_ms: number;
  status: number | null;
  error: string | null;
  excerpt: string | null;
}

export interface DestinationTables {
  destination: DestinationTable;
  destination_secret: DestinationSecretTable;
  destination_audience: DestinationAudienceTable;
  delivery: DeliveryTable;
  delivery_part: DeliveryPartTable;
  delivery_attempt: DeliveryAttemptTable;
}

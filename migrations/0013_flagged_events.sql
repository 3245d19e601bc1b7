-- Why: a profile says what was mended in its events, at the cost of those events and not of its history. Few events are
-- flagged, and only those are in the index.

create index event_flagged on event (workspace_id, subject_id, occurred_at) where warnings is not null;

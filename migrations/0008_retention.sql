-- Why: a workspace says how long its events are kept. Keys, claims, sums and traits stay: a late retry of an event that
-- is gone is a duplicate for ever, and who somebody is does not depend on what is still stored.

alter table workspace add column retention_days integer check (retention_days >= 1);

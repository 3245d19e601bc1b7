-- Why: who changed by hand what the events alone would say (voids, links, erasures), and when. Of people it holds
-- numbers and hashes at most, never an identifier: it outlives their erasure.

create table audit_entry (
  workspace_id uuid not null,
  -- A UUIDv7: entries in the order in which they were made.
  entry_id uuid not null,
  at timestamptz not null,
  -- "key:<the secret key's ID>", or "console" for its session.
  actor text not null,
  -- What was done, e.g. "claim.void".
  action text not null,
  detail jsonb not null default '{}',
  primary key (workspace_id, entry_id)
);
alter table audit_entry enable row level security;
alter table audit_entry force row level security;
create policy own_workspace on audit_entry using (workspace_id = (select throughline_workspace()));

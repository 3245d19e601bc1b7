-- Why: the console is entered by a one-time ticket and then by a session cookie; keys stay out of its pages.
-- Only SHA-256 hashes are kept: who reads this table can enter nothing.

create table console_ticket (
  workspace_id uuid not null references workspace on delete cascade,
  hash bytea not null,
  expires_at timestamptz not null,
  primary key (workspace_id, hash),
  unique (hash)
);
alter table console_ticket enable row level security;
alter table console_ticket force row level security;
create policy own_workspace on console_ticket using (workspace_id = throughline_workspace());
create policy presented on console_ticket using (hash = throughline_credential()) with check (false);

create table console_session (
  workspace_id uuid not null references workspace on delete cascade,
  hash bytea not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  primary key (workspace_id, hash),
  unique (hash)
);
alter table console_session enable row level security;
alter table console_session force row level security;
create policy own_workspace on console_session using (workspace_id = throughline_workspace());
create policy presented on console_session using (hash = throughline_credential()) with check (false);

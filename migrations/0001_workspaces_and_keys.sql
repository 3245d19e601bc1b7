-- Why: everything belongs to a workspace, and nobody reads or writes without a key.
--
-- Row-level security is the second wall: each table is bound to the workspace named by the transaction
-- (set_config('throughline.workspace', …, true)), and FORCED, so that it binds the tables' owner too. A table that
-- is asked before the workspace is known (keys, tickets, sessions) also shows the one row whose hash the caller
-- presents in 'throughline.credential'. After a transaction an unset setting reads '', not null: hence nullif.

create function throughline_workspace() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('throughline.workspace', true), '')::uuid;

create function throughline_credential() returns bytea
  language sql stable parallel safe
  return decode(nullif(current_setting('throughline.credential', true), ''), 'hex');

-- Without row-level security: it is the list of workspaces itself, and holds nothing about anybody's visitors.
create table workspace (
  workspace_id uuid primary key,
  name text not null,
  timezone text not null default 'UTC',
  currency text not null default 'USD',
  created_at timestamptz not null default now()
);

create table source (
  workspace_id uuid not null references workspace on delete cascade,
  source_id uuid not null,
  name text not null,
  -- null: any origin may send; else the exact origins (scheme://host[:port]) that may.
  allowed_origins text[],
  created_at timestamptz not null default now(),
  primary key (workspace_id, source_id)
);
alter table source enable row level security;
alter table source force row level security;
create policy own_workspace on source using (workspace_id = throughline_workspace());

create table access_key (
  workspace_id uuid not null references workspace on delete cascade,
  key_id uuid not null,
  kind text not null check (kind in ('write', 'secret')),
  source_id uuid,
  -- SHA-256 of the key: what a request is looked up by.
  hash bytea not null unique,
  -- A write key stands in every page's source, so it may be shown again; a secret key is never kept.
  token text check (token is null or kind = 'write'),
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  primary key (workspace_id, key_id),
  foreign key (workspace_id, source_id) references source on delete cascade,
  check ((kind = 'write') = (source_id is not null))
);
alter table access_key enable row level security;
alter table access_key force row level security;
create policy own_workspace on access_key using (workspace_id = throughline_workspace());
create policy presented on access_key for select using (hash = throughline_credential());

-- Why: an audience is a rule and its members; members are stored, so that reading them costs their number.

create table audience (
  workspace_id uuid not null references workspace on delete cascade,
  audience_id uuid not null,
  key text collate "C" not null,
  name text not null,
  -- json, not jsonb: it reads as it was written.
  rule json not null,
  size integer not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  rebuilt_at timestamptz,
  -- Why the last rebuild failed; the members are then those of the last good one.
  error text,
  primary key (workspace_id, audience_id),
  unique (workspace_id, key)
);
alter table audience enable row level security;
alter table audience force row level security;
create policy own_workspace on audience using (workspace_id = throughline_workspace());

create table audience_member (
  workspace_id uuid not null,
  audience_id uuid not null,
  profile_id uuid not null,
  -- When the profile began to match; a rebuild keeps it for those who stay.
  entered_at timestamptz not null,
  primary key (workspace_id, audience_id, profile_id),
  foreign key (workspace_id, audience_id) references audience on delete cascade
);
create index audience_member_profile on audience_member (workspace_id, profile_id);
alter table audience_member enable row level security;
alter table audience_member force row level security;
create policy own_workspace on audience_member using (workspace_id = throughline_workspace());

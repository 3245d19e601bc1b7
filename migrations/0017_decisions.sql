-- Why: a decision says what to do for somebody at this moment. What it goes by is kept as versions that never change, so
-- that an answer can name one, and an older one can have the say again.

create table decision (
  workspace_id uuid not null references workspace on delete cascade,
  decision_id uuid not null,
  key text collate "C" not null,
  name text not null,
  -- The one that answers.
  active_version integer not null,
  last_version integer not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (workspace_id, decision_id),
  unique (workspace_id, key)
);
alter table decision enable row level security;
alter table decision force row level security;
create policy own_workspace on decision using (workspace_id = (select throughline_workspace()));

create table decision_version (
  workspace_id uuid not null,
  decision_id uuid not null,
  version integer not null,
  -- json, not jsonb: it reads as it was written.
  definition json not null,
  created_at timestamptz not null default now(),
  -- Who wrote it: a key, or the console.
  created_by text not null,
  primary key (workspace_id, decision_id, version),
  foreign key (workspace_id, decision_id) references decision on delete cascade
);
alter table decision_version enable row level security;
alter table decision_version force row level security;
create policy own_workspace on decision_version using (workspace_id = (select throughline_workspace()));

-- From when until when a subject has events that the collector recorded itself. Those are counted in no part, whose first and last
-- event otherwise bound what a timeline reads.
create table recorded_subject (
  workspace_id uuid not null,
  subject_id uuid not null,
  since_at timestamptz not null,
  until_at timestamptz not null,
  primary key (workspace_id, subject_id)
);
alter table recorded_subject enable row level security;
alter table recorded_subject force row level security;
create policy own_workspace on recorded_subject using (workspace_id = (select throughline_workspace()));

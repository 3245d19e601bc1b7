-- Why: a person may ask what is held on them, that it goes, and that nothing more is taken in.
--
-- What is held back is looked at for every event, so the look must cost nothing where nobody asked: the epoch is 0 in
-- a workspace that never had a regulation, and each one that changes what is taken in raises it. Of whom they are about,
-- these tables hold subjects' IDs, which are hashes, and times; no identifier.

alter table workspace add column regulation_epoch bigint not null default 0;

-- A job, and the thing that somebody asked for.
create table regulation (
  workspace_id uuid not null,
  regulation_id uuid not null,
  type text not null check (type in ('delete', 'suppress', 'unsuppress', 'export')),
  created_at timestamptz not null,
  primary key (workspace_id, regulation_id)
);
alter table regulation enable row level security;
alter table regulation force row level security;
create policy own_workspace on regulation using (workspace_id = (select throughline_workspace()));

-- One of the IDs that it was asked for. progress says how far an erasure is: each of its steps is one transaction with
-- the change of this row, so a process may be killed between any two.
create table regulation_subject (
  workspace_id uuid not null,
  regulation_id uuid not null,
  position integer not null,
  -- null: what was given names nobody.
  subject_id uuid,
  -- The profile that it stood for when the erasure began.
  profile_id uuid,
  status text not null check (status in ('pending', 'running', 'done', 'unknown')),
  erased_at timestamptz,
  finished_at timestamptz,
  attempts integer not null default 0,
  error text,
  progress jsonb not null default '{}',
  primary key (workspace_id, regulation_id, position),
  foreign key (workspace_id, regulation_id) references regulation on delete cascade
);
create index regulation_subject_open on regulation_subject (workspace_id, regulation_id, position)
  where status in ('pending', 'running');
alter table regulation_subject enable row level security;
alter table regulation_subject force row level security;
create policy own_workspace on regulation_subject using (workspace_id = (select throughline_workspace()));

-- Events that carry one of these identifiers are dropped.
create table suppression (
  workspace_id uuid not null,
  subject_id uuid not null,
  since timestamptz not null,
  regulation_id uuid not null,
  primary key (workspace_id, subject_id)
);
alter table suppression enable row level security;
alter table suppression force row level security;
create policy own_workspace on suppression using (workspace_id = (select throughline_workspace()));

-- A user or an email that was erased with the profile that it belonged to: claims of it from before then count no more.
create table erasure (
  workspace_id uuid not null,
  subject_id uuid not null,
  owner_id uuid not null,
  erased_at timestamptz not null,
  primary key (workspace_id, subject_id)
);
create index erasure_owner on erasure (workspace_id, owner_id);
alter table erasure enable row level security;
alter table erasure force row level security;
create policy own_workspace on erasure using (workspace_id = (select throughline_workspace()));

-- What an erased profile owned when it was erased. Nothing of the subject's from this time is taken in ever again.
create table tombstone (
  workspace_id uuid not null,
  subject_id uuid not null,
  from_at timestamptz not null,
  to_at timestamptz not null,
  owner_id uuid not null,
  regulation_id uuid not null,
  primary key (workspace_id, subject_id, from_at)
);
create index tombstone_owner on tombstone (workspace_id, owner_id);
alter table tombstone enable row level security;
alter table tombstone force row level security;
create policy own_workspace on tombstone using (workspace_id = (select throughline_workspace()));

-- How many events a regulation has kept out. Apart from the job, which is locked while ingest waits for nothing of it.
create table regulation_dropped (
  workspace_id uuid not null,
  regulation_id uuid not null,
  events bigint not null,
  primary key (workspace_id, regulation_id)
);
alter table regulation_dropped enable row level security;
alter table regulation_dropped force row level security;
create policy own_workspace on regulation_dropped using (workspace_id = (select throughline_workspace()));

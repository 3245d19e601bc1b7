-- Why: members follow the events, and the clock, at the cost of what changed instead of everything.
--
-- The invariant: of each audience and profile either membership is what the rule says, or a mark says that somebody has
-- yet to look, or a check that is due does. A mark is committed with what it is about; whoever takes marks away looks
-- with a later snapshot, and holds the audience's row from before that until membership is written. So marks are only
-- ever added (no key to meet another writer at, no lock), and the members, the checks, the changes and their numbers
-- are only ever written by who holds the audience's row.

-- 0: no audience was ever there. Whatever changes what an audience must be told of raises it, in the same transaction.
alter table workspace add column audience_epoch bigint not null default 0;

alter table audience
  -- static: its members are those of a list.
  add column kind text not null default 'rule' check (kind in ('rule', 'static')),
  alter column rule drop not null,
  -- What the rule is to become, once its members are found.
  add column wanted_rule json,
  -- All members are to be found anew: it was never done, or ended halfway, or something changed that no mark is about.
  add column is_stale boolean not null default true,
  -- Transactions before this one may not have known what to mark for it: all is found anew once they are over.
  add column unsettled_since xid8,
  -- The number of its last change. Whoever gives numbers holds this row until the commit, so a number that can be read
  -- has none before it that cannot.
  add column last_change bigint not null default 0,
  -- The last count of everything from scratch, and how many members it found to be wrong; 0 is expected.
  add column checked_at timestamptz,
  add column drift bigint,
  add check ((kind = 'static') = (rule is null));

-- What led to it, as in audience_change.
alter table audience_member add column cause text not null default 'rebuild';

-- Somebody has yet to look whether the profile belongs to the audience.
create table audience_mark (
  workspace_id uuid not null,
  audience_id uuid not null,
  mark_id bigint generated always as identity,
  profile_id uuid not null,
  marked_at timestamptz not null default now(),
  primary key (workspace_id, audience_id, mark_id)
);
alter table audience_mark enable row level security;
alter table audience_mark force row level security;
create policy own_workspace on audience_mark using (workspace_id = (select throughline_workspace()));

-- When time alone may change whether the profile belongs to the audience; members have one, and others too.
create table audience_check (
  workspace_id uuid not null,
  audience_id uuid not null,
  profile_id uuid not null,
  check_at timestamptz not null,
  primary key (workspace_id, audience_id, profile_id)
);
create index audience_check_due on audience_check (workspace_id, audience_id, check_at);
alter table audience_check enable row level security;
alter table audience_check force row level security;
create policy own_workspace on audience_check using (workspace_id = (select throughline_workspace()));

-- Who entered and exited, in order.
create table audience_change (
  workspace_id uuid not null,
  audience_id uuid not null,
  change_no bigint not null,
  profile_id uuid not null,
  change text not null check (change in ('entered', 'exited')),
  at timestamptz not null,
  -- What led to it: event, clock, rebuild, list, erasure.
  cause text not null,
  primary key (workspace_id, audience_id, change_no)
);
create index audience_change_profile on audience_change (workspace_id, profile_id);
alter table audience_change enable row level security;
alter table audience_change force row level security;
create policy own_workspace on audience_change using (workspace_id = (select throughline_workspace()));

-- How large it was at the end of each hour in which somebody entered or exited.
create table audience_size (
  workspace_id uuid not null,
  audience_id uuid not null,
  hour timestamptz not null,
  size bigint not null,
  entered bigint not null,
  exited bigint not null,
  primary key (workspace_id, audience_id, hour)
);
alter table audience_size enable row level security;
alter table audience_size force row level security;
create policy own_workspace on audience_size using (workspace_id = (select throughline_workspace()));

-- Whom a static audience lists: a subject, whose profile now is the member.
create table audience_listed (
  workspace_id uuid not null,
  audience_id uuid not null,
  subject_id uuid not null,
  primary key (workspace_id, audience_id, subject_id)
);
create index audience_listed_subject on audience_listed (workspace_id, subject_id);
alter table audience_listed enable row level security;
alter table audience_listed force row level security;
create policy own_workspace on audience_listed using (workspace_id = (select throughline_workspace()));

-- The last time that all members were found, or are being found. Beside the audience, whose row the rebuild holds.
create table audience_rebuild (
  workspace_id uuid not null,
  audience_id uuid not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  outcome text check (outcome in ('done', 'failed', 'cancelled')),
  error text,
  -- How long the last one took that was done.
  duration_ms bigint,
  primary key (workspace_id, audience_id)
);
alter table audience_rebuild enable row level security;
alter table audience_rebuild force row level security;
create policy own_workspace on audience_rebuild using (workspace_id = (select throughline_workspace()));

-- Members from before have entered too, so that the changes from the first on come to the members. Row-level security
-- binds the owner of the tables: one workspace after the other.
do $$
declare
  its record;
begin
  for its in select workspace_id from workspace loop
    perform set_config('throughline.workspace', its.workspace_id::text, true);
    insert into audience_change (workspace_id, audience_id, change_no, profile_id, change, at, cause)
    select workspace_id, audience_id,
      row_number() over (partition by audience_id order by entered_at, profile_id),
      profile_id, 'entered', entered_at, 'rebuild'
    from audience_member;
    update audience a
    set last_change = (
      select count(*) from audience_member m
      where m.workspace_id = a.workspace_id and m.audience_id = a.audience_id);
    update workspace set audience_epoch = 1
    where workspace_id = its.workspace_id and exists (select from audience);
  end loop;
  perform set_config('throughline.workspace', '', true);
end
$$;

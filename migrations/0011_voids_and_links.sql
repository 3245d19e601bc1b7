-- Why: what only somebody who looks can know: that a claim was a mistake, and that two users are one. Both are kept
-- beside the claims and never change them, so that each can be taken back.

-- The pair's claims, those to come too, count for nothing.
create table claim_void (
  workspace_id uuid not null,
  weaker_id uuid not null,
  stronger_id uuid not null,
  void_id uuid not null,
  voided_at timestamptz not null,
  voided_by text not null,
  primary key (workspace_id, weaker_id, stronger_id)
);
create index claim_void_recent on claim_void (workspace_id, voided_at, void_id);
alter table claim_void enable row level security;
alter table claim_void force row level security;
create policy own_workspace on claim_void using (workspace_id = (select throughline_workspace()));

-- The source user belongs whole, and without time, to the target user. ownership says so too, in the one row of a linked
-- user: its target_id is the user itself, its owner_id whom it is linked to.
create table profile_link (
  workspace_id uuid not null,
  source_id uuid not null,
  target_id uuid not null,
  link_id uuid not null,
  linked_at timestamptz not null,
  linked_by text not null,
  primary key (workspace_id, source_id)
);
create index profile_link_target on profile_link (workspace_id, target_id);
create index profile_link_recent on profile_link (workspace_id, linked_at, link_id);
alter table profile_link enable row level security;
alter table profile_link force row level security;
create policy own_workspace on profile_link using (workspace_id = (select throughline_workspace()));

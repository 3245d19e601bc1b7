-- Why: who an event belongs to is a pure function of the accepted events (claims, not merges), and a profile is read
-- at the cost of what it owns, not of its history.

-- Every identifier that was ever accepted. The row is also the lock that writers take, in sorted order.
create table subject (
  workspace_id uuid not null,
  subject_id uuid not null,
  kind text not null check (kind in ('user', 'email', 'anonymous')),
  value text collate "C" not null,
  created_at timestamptz not null default now(),
  primary key (workspace_id, subject_id)
);
create index subject_value on subject (workspace_id, value);
alter table subject enable row level security;
alter table subject force row level security;
create policy own_workspace on subject using (workspace_id = throughline_workspace());

-- The fact that the weaker subject belonged to the stronger one from a moment on. Immutable; every claim is kept,
-- because one that looks redundant matters as soon as a late one falls between.
create table claim (
  workspace_id uuid not null,
  weaker_id uuid not null,
  from_at timestamptz not null,
  message_id uuid not null,
  stronger_id uuid not null,
  primary key (workspace_id, weaker_id, from_at, message_id)
);
create index claim_stronger on claim (workspace_id, stronger_id, from_at);
alter table claim enable row level security;
alter table claim force row level security;
create policy own_workspace on claim using (workspace_id = throughline_workspace());

-- What the claims come to: from_at ≤ t < to_at belongs to owner_id. target_id is whom the claim names; owner_id is
-- the user whom that email belongs to, else the same. A subject without rows owns its own events.
create table ownership (
  workspace_id uuid not null,
  subject_id uuid not null,
  from_at timestamptz not null,
  to_at timestamptz not null,
  target_id uuid not null,
  owner_id uuid not null,
  primary key (workspace_id, subject_id, from_at)
);
create index ownership_owner on ownership (workspace_id, owner_id);
create index ownership_target on ownership (workspace_id, target_id);
alter table ownership enable row level security;
alter table ownership force row level security;
create policy own_workspace on ownership using (workspace_id = throughline_workspace());

-- Aggregates and traits per (owner, subject); a profile's are their sum, or their merge. A claim thus moves numbers
-- between two rows and reads nothing else. traits holds a last-writer-wins register per key:
-- {"plan": ["pro", "2026-01-31T12:00:00.000Z", "<message id>"]}; a null value is a tombstone.
create table profile_part (
  workspace_id uuid not null,
  owner_id uuid not null,
  subject_id uuid not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  -- last_seen_at cut to the hour: the list of profiles walks this index and sorts within an hour, while an event of
  -- a visitor seen in this hour changes no indexed column (a heap-only update).
  last_seen_hour timestamptz not null,
  event_count bigint not null default 0,
  page_count bigint not null default 0,
  order_count bigint not null default 0,
  traits jsonb not null default '{}',
  primary key (workspace_id, owner_id, subject_id)
) with (fillfactor = 85);
create index profile_part_recent on profile_part (workspace_id, last_seen_hour);
create index profile_part_subject on profile_part (workspace_id, subject_id);
alter table profile_part enable row level security;
alter table profile_part force row level security;
create policy own_workspace on profile_part using (workspace_id = throughline_workspace());

create table profile_revenue (
  workspace_id uuid not null,
  owner_id uuid not null,
  subject_id uuid not null,
  currency text collate "C" not null,
  amount numeric not null,
  primary key (workspace_id, owner_id, subject_id, currency)
);
alter table profile_revenue enable row level security;
alter table profile_revenue force row level security;
create policy own_workspace on profile_revenue using (workspace_id = throughline_workspace());

-- The one event that counts for an order or a refund: the earliest by (occurred_at, message_id). The key is made from
-- order_id or refund_id, else it is the event's own. A refund's amount is negative.
create table order_entry (
  workspace_id uuid not null,
  entry_key uuid not null,
  kind text not null check (kind in ('order', 'refund')),
  message_id uuid not null,
  subject_id uuid not null,
  occurred_at timestamptz not null,
  amount numeric,
  currency text collate "C" not null,
  primary key (workspace_id, entry_key)
);
create index order_entry_subject on order_entry (workspace_id, subject_id, occurred_at);
alter table order_entry enable row level security;
alter table order_entry force row level security;
create policy own_workspace on order_entry using (workspace_id = throughline_workspace());

-- For each key the register with the greater (time, message ID).
create function merge_registers(a jsonb, b jsonb) returns jsonb
  language sql immutable parallel safe
  return (
    select coalesce(jsonb_object_agg(key, case
      when a -> key is null then b -> key
      when b -> key is null then a -> key
      when ((b -> key ->> 1) collate "C", (b -> key ->> 2) collate "C")
         > ((a -> key ->> 1) collate "C", (a -> key ->> 2) collate "C") then b -> key
      else a -> key
    end), '{}')
    from (select jsonb_object_keys(a) union select jsonb_object_keys(b)) as keys (key)
  );

create aggregate merge_registers_agg(jsonb) (sfunc = merge_registers, stype = jsonb, initcond = '{}');

-- The values of registers, tombstones left out.
create function register_values(registers jsonb) returns jsonb
  language sql immutable parallel safe
  return (
    select coalesce(jsonb_object_agg(key, value -> 0), '{}')
    from jsonb_each(registers)
    where value -> 0 <> 'null'
  );

-- A profile is an owner and what it owns. A view, so that there is no second copy to drift.
create view profile with (security_invoker = true) as
  select workspace_id,
         owner_id as profile_id,
         min(first_seen_at) as first_seen_at,
         max(last_seen_at) as last_seen_at,
         sum(event_count)::bigint as event_count,
         sum(page_count)::bigint as page_count,
         sum(order_count)::bigint as order_count,
         merge_registers_agg(traits) as traits
  from profile_part
  group by workspace_id, owner_id;

-- Why: who enters and exits an audience is told to systems of others, at least once and in order.
--
-- A destination reads the feed of each audience (audience_change) from a point on. What it is sent next is cut off that
-- feed as a delivery, in the transaction that moves the point; a delivery says where its changes are, and holds none of
-- them: its body is made anew each time that it is sent, so somebody who was erased meanwhile is not in it.

-- Whether the workspace ever had a destination: the others cost nothing.
alter table workspace add column has_destinations boolean not null default false;

create table destination (
  workspace_id uuid not null references workspace on delete cascade,
  destination_id uuid not null,
  key text collate "C" not null,
  name text not null,
  kind text not null check (kind in ('webhook')),
  url text not null,
  -- How many changes a delivery has at most.
  batch_size integer not null check (batch_size between 1 and 500),
  -- gone: the receiver said that it is no more (410).
  state text not null check (state in ('active', 'paused', 'gone')),
  -- One process at a time sends, so that what comes first is there first; until when, by the database's clock.
  lease_id uuid,
  leased_until timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (workspace_id, destination_id),
  unique (workspace_id, key)
);
alter table destination enable row level security;
alter table destination force row level security;
create policy own_workspace on destination using (workspace_id = (select throughline_workspace()));

-- What deliveries are signed with. As it is, and not as a hash: whoever signs needs it.
create table destination_secret (
  workspace_id uuid not null,
  destination_id uuid not null,
  secret_id uuid not null,
  secret text not null,
  created_at timestamptz not null,
  primary key (workspace_id, destination_id, secret_id),
  foreign key (workspace_id, destination_id) references destination on delete cascade
);
alter table destination_secret enable row level security;
alter table destination_secret force row level security;
create policy own_workspace on destination_secret using (workspace_id = (select throughline_workspace()));

-- An audience whose changes a destination is sent, and how far that is.
create table destination_audience (
  workspace_id uuid not null,
  destination_id uuid not null,
  audience_id uuid not null,
  -- It began behind this change: the back-fill has the members of that moment.
  from_change bigint not null,
  -- The last change that was cut off.
  last_change bigint not null,
  -- The back-fill goes on behind this profile; null: it is cut off, or was not asked for.
  backfill_after uuid,
  -- Whose turn it was longest ago comes first.
  turn bigint not null default 0,
  primary key (workspace_id, destination_id, audience_id),
  foreign key (workspace_id, destination_id) references destination on delete cascade
);
create index destination_audience_audience on destination_audience (workspace_id, audience_id);
alter table destination_audience enable row level security;
alter table destination_audience force row level security;
create policy own_workspace on destination_audience using (workspace_id = (select throughline_workspace()));

-- Without a foreign key: a destination goes at once, whatever it has sent, and the worker takes this after it.
create table delivery (
  workspace_id uuid not null,
  delivery_id uuid not null,
  destination_id uuid not null,
  created_at timestamptz not null,
  -- empty: when it was to be sent, nothing was left of it.
  state text not null check (state in ('waiting', 'delivered', 'dead', 'empty')),
  -- Sent again by hand: it waits beside what is new, not before it.
  is_replay boolean not null default false,
  attempts integer not null default 0,
  -- It is tried for a day, from the first of these tries on; what was resumed, or is sent again, has a day anew.
  tries integer not null default 0,
  tried_since timestamptz,
  next_attempt_at timestamptz not null,
  finished_at timestamptz,
  primary key (workspace_id, delivery_id)
);
create index delivery_waiting on delivery (workspace_id, destination_id, next_attempt_at) where state = 'waiting';
create index delivery_dead on delivery (workspace_id, destination_id, delivery_id) where state = 'dead';
create index delivery_of_destination on delivery (workspace_id, destination_id, delivery_id);
alter table delivery enable row level security;
alter table delivery force row level security;
create policy own_workspace on delivery using (workspace_id = (select throughline_workspace()));

-- Where a delivery's changes are: of an audience those behind one change up to another one; or in a back-fill, the
-- members behind one profile up to another one, as they were at from_change.
create table delivery_part (
  workspace_id uuid not null,
  delivery_id uuid not null,
  audience_id uuid not null,
  is_backfill boolean not null,
  from_change bigint not null,
  to_change bigint not null,
  from_profile uuid,
  to_profile uuid,
  primary key (workspace_id, delivery_id, audience_id),
  foreign key (workspace_id, delivery_id) references delivery on delete cascade
);
create index delivery_part_audience on delivery_part (workspace_id, audience_id);
alter table delivery_part enable row level security;
alter table delivery_part force row level security;
create policy own_workspace on delivery_part using (workspace_id = (select throughline_workspace()));

-- Each time that a delivery was sent, and what came back.
create table delivery_attempt (
  workspace_id uuid not null,
  delivery_id uuid not null,
  attempt_no integer not null,
  at timestamptz not null,
  duration_ms integer not null,
  -- null: no answer.
  status integer,
  error text,
  -- How the answer's body began.
  excerpt text,
  primary key (workspace_id, delivery_id, attempt_no),
  foreign key (workspace_id, delivery_id) references delivery on delete cascade
);
alter table delivery_attempt enable row level security;
alter table delivery_attempt force row level security;
create policy own_workspace on delivery_attempt using (workspace_id = (select throughline_workspace()));

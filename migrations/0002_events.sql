-- Why: an acknowledged event is stored once, for ever, whatever is retried.
--
-- event_key is a table of its own because a unique index on the partitioned event table would have to contain the
-- partition key, and the same ID a month later would then be stored twice. Keys outlive events and erasure: a late
-- retry must not resurrect. received_at names the partition that holds the event.

create table event_key (
  workspace_id uuid not null,
  message_id uuid not null,
  received_at timestamptz not null,
  primary key (workspace_id, message_id)
) partition by hash (workspace_id, message_id);

do $$
begin
  for part in 0..7 loop
    execute format(
      'create table event_key_%s partition of event_key for values with (modulus 8, remainder %s)', part, part);
    execute format('alter table event_key_%s enable row level security', part);
    execute format('alter table event_key_%s force row level security', part);
    execute format(
      'create policy own_workspace on event_key_%s using (workspace_id = throughline_workspace())', part);
  end loop;
end
$$;
alter table event_key enable row level security;
alter table event_key force row level security;
create policy own_workspace on event_key using (workspace_id = throughline_workspace());

create table event (
  workspace_id uuid not null,
  received_at timestamptz not null,
  message_id uuid not null,
  -- The client's ID as it came, where that is not the text of message_id.
  original_message_id text,
  source_id uuid not null,
  type text not null,
  -- The name of a track event, a page or a screen.
  name text,
  -- The strongest identifier that the event carries; never rewritten.
  subject_id uuid not null,
  user_id text,
  email text,
  anonymous_id text,
  group_id text,
  previous_id text,
  occurred_at timestamptz not null,
  original_timestamp timestamptz,
  sent_at timestamptz,
  properties jsonb,
  traits jsonb,
  context jsonb,
  -- What was mended on the way in, e.g. timestamp_clamped.
  warnings text[],
  primary key (workspace_id, received_at, message_id)
) partition by range (received_at);

create index event_timeline on event (workspace_id, subject_id, occurred_at, message_id);

alter table event enable row level security;
alter table event force row level security;
create policy own_workspace on event using (workspace_id = throughline_workspace());

-- An event can never fall into a missing partition; this one stays empty while the worker keeps ahead.
create table event_default partition of event default;
alter table event_default enable row level security;
alter table event_default force row level security;
create policy own_workspace on event_default using (workspace_id = throughline_workspace());

-- Creates the monthly partitions (UTC) from the month of first_day on; those that exist stay as they are.
create function ensure_event_partitions(first_day date, months integer) returns integer
  language plpgsql as $$
declare
  month date;
  part text;
  created integer := 0;
begin
  -- Two processes may do this at once: the second one waits and finds the work done.
  perform pg_advisory_xact_lock(hashtext('throughline.event_partitions'));
  for step in 0..months - 1 loop
    month := (date_trunc('month', first_day::timestamp) + make_interval(months => step))::date;
    part := 'event_' || to_char(month, 'YYYY_MM');
    if to_regclass(part) is null then
      execute format(
        'create table %I partition of event for values from (%L) to (%L)', part,
        month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00');
      execute format('alter table %I enable row level security', part);
      execute format('alter table %I force row level security', part);
      execute format(
        'create policy own_workspace on %I using (workspace_id = throughline_workspace())', part);
      created := created + 1;
    end if;
  end loop;
  return created;
end
$$;
select ensure_event_partitions((now() at time zone 'UTC')::date, 3);

-- What was refused, with the reason: one bad event never rejects the others, and nothing vanishes without a trace.
create table rejected_event (
  workspace_id uuid not null,
  received_at timestamptz not null,
  rejected_id uuid not null,
  source_id uuid not null,
  message_id text,
  code text not null,
  reason text not null,
  -- As it came, cut to a bounded length; text, because what was refused need not be valid JSON.
  payload text not null,
  primary key (workspace_id, received_at, rejected_id)
);
alter table rejected_event enable row level security;
alter table rejected_event force row level security;
create policy own_workspace on rejected_event using (workspace_id = throughline_workspace());

-- Why: a profile says which page somebody saw last and which campaign and site led to it first, and traits can be said
-- once only. Both are right whatever arrives late and whichever history moves, since they are kept as registers are.

-- "2026-01-31T12:00:00.000Z/<message id>/<JSON>": the greatest text is the last one, the least the first. No index, so
-- that an event of a known visitor stays a heap-only update.
alter table profile_part
  add column last_page text collate "C",
  add column first_campaign text collate "C",
  add column first_referrer text collate "C";

create or replace view profile with (security_invoker = true) as
  select workspace_id,
         owner_id as profile_id,
         min(first_seen_at) as first_seen_at,
         max(last_seen_at) as last_seen_at,
         sum(event_count)::bigint as event_count,
         sum(page_count)::bigint as page_count,
         sum(order_count)::bigint as order_count,
         merge_registers_agg(traits) as traits,
         max(last_page) as last_page,
         min(first_campaign) as first_campaign,
         min(first_referrer) as first_referrer
  from profile_part
  group by workspace_id, owner_id;

-- For each key the register with the greater (time, message ID); of once-only traits, "$once.plan", that with the
-- smaller.
create or replace function merge_registers(a jsonb, b jsonb) returns jsonb
  language sql immutable parallel safe
  return (
    select coalesce(jsonb_object_agg(key, case
      when a -> key is null then b -> key
      when b -> key is null then a -> key
      when (((b -> key ->> 1) collate "C", (b -> key ->> 2) collate "C")
          > ((a -> key ->> 1) collate "C", (a -> key ->> 2) collate "C")) <> starts_with(key, '$once.') then b -> key
      else a -> key
    end), '{}')
    from (select jsonb_object_keys(a) union select jsonb_object_keys(b)) as keys (key)
  );

-- Nothing uses it: what registers say is worked out where they are shown.
drop function register_values(jsonb);

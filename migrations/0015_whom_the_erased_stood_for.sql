-- Why: two users who were linked, and erased as the one profile that they were, stay two owners of the devices they shared:
-- a kiosk counts its owners links apart, before an erasure and after it.

-- Whom the erased subject stood for, links apart: an email's user, else itself. null: the profile, before this column.
alter table erasure add column target_id uuid;

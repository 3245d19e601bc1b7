-- Why: a page token of a timeline is taken back only from whom it was given out to: it is signed. The secret lies in the
-- database, so that it survives restarts and all collectors on it have the same one; and it is a workspace's own, made
-- with the workspace, so that there is no moment without it. gen_random_uuid() draws from the system's secure random
-- source: two of them are 244 bits.

alter table workspace
  add column page_secret bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());

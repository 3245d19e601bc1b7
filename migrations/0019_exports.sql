-- Why: what was stored gets into a warehouse, each event in exactly one file.
--
-- Whoever writes events reads exported_until behind its first write, and gives what was received before it this time as
-- received_at. So what was received before it is complete once those who wrote meanwhile are over.

alter table workspace add column exported_until timestamptz;

-- An export that somebody asked for. How far it is stands where it writes to, beside its files.
create table warehouse_export (
  workspace_id uuid not null,
  export_id uuid not null,
  target text not null check (target in ('folder', 'bucket')),
  format text not null check (format in ('csv', 'ndjson', 'parquet')),
  tables text[] not null,
  status text not null check (status in ('pending', 'running', 'done', 'failed', 'cancelled')),
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  -- What it says of itself while it runs and afterwards: the run's number and window, rows by table, files and bytes.
  progress jsonb not null default '{}',
  error text,
  primary key (workspace_id, export_id)
);
-- One at a time.
create unique index warehouse_export_open on warehouse_export (workspace_id) where status in ('pending', 'running');
alter table warehouse_export enable row level security;
alter table warehouse_export force row level security;
create policy own_workspace on warehouse_export using (workspace_id = (select throughline_workspace()));

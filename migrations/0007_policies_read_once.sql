-- Why: a policy's setting is read once a statement, not once a row.
--
-- throughline_workspace() is stable, and yet Postgres evaluates it for every row that is read or written: 2 µs of the
-- 10 that adding to a profile takes. As a subquery it is evaluated once, before the rows (an init plan).
-- Partitions have policies of their own, for whoever names them; our statements name their parents.

do $$
declare
  found record;
begin
  for found in
    select c.oid::regclass as name
    from pg_policy p join pg_class c on c.oid = p.polrelid
    where p.polname = 'own_workspace' and c.relnamespace = current_schema()::regnamespace
  loop
    execute format(
      'alter policy own_workspace on %s using (workspace_id = (select throughline_workspace()))', found.name);
  end loop;
end
$$;

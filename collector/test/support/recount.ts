/** Counts again, from the stored events alone, what the collector keeps beside them. Each fault ends here. */
import type { OwnPostgres } from './own-postgres';

/** What must be empty after any fault, each with what it would mean. */
const QUESTIONS: Readonly<Record<string, string>> = {
  'stored more than once': `
    select workspace_id, message_id from event group by workspace_id, message_id having count(*) > 1`,
  'stored without its key, or keyed without being stored': `
    select coalesce(e.workspace_id, k.workspace_id), message_id
    from event e full join event_key k using (workspace_id, message_id)
    where e.received_at is distinct from k.received_at`,
  'stored under a source of another workspace': `
    select e.workspace_id, e.message_id from event e left join source s using (workspace_id, source_id)
    where s.source_id is null`,
  'counted otherwise than its events': `
    with owned as (
      select e.workspace_id, coalesce(o.owner_id, e.subject_id) as owner_id, e.subject_id,
        count(*) as events, count(*) filter (where e.type = 'page') as pages,
        min(e.occurred_at) as first_at, max(e.occurred_at) as last_at
      from event e
      left join ownership o on o.workspace_id = e.workspace_id and o.subject_id = e.subject_id
        and o.from_at <= e.occurred_at and e.occurred_at < o.to_at
      group by 1, 2, 3)
    select workspace_id, owner_id, subject_id
    from owned full join (select * from profile_part where event_count > 0) p
      using (workspace_id, owner_id, subject_id)
    where (events, pages, first_at, last_at)
      is distinct from (p.event_count, p.page_count, p.first_seen_at, p.last_seen_at)`,
  'an order that is not the earliest of its number': `
    with earliest as (
      select distinct on (workspace_id, properties ->> 'order_id')
        workspace_id, message_id
      from event where name = 'Order Completed'
      order by workspace_id, properties ->> 'order_id', occurred_at, message_id)
    select workspace_id, message_id
    from earliest full join (select * from order_entry where kind = 'order') entry using (workspace_id, message_id)
    where earliest is null or entry is null`,
  'revenue that is not the sum of its orders': `
    with sums as (
      select r.workspace_id, coalesce(o.owner_id, r.subject_id) as owner_id, r.subject_id, r.currency,
        sum(r.amount) as amount
      from order_entry r
      left join ownership o on o.workspace_id = r.workspace_id and o.subject_id = r.subject_id
        and o.from_at <= r.occurred_at and r.occurred_at < o.to_at
      where r.amount is not null
      group by 1, 2, 3, 4)
    select workspace_id, owner_id, subject_id
    from sums full join profile_revenue p using (workspace_id, owner_id, subject_id, currency)
    where coalesce(sums.amount, 0) <> coalesce(p.amount, 0)`,
};

/** What is wrong, in words; nothing where everything adds up. */
export async function recount(postgres: Pick<OwnPostgres, 'ask'>): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [meaning, question] of Object.entries(QUESTIONS)) {
    const rows = await postgres.ask(question);
    if (rows.length > 0) found.push(`${rows.length} × ${meaning}, e.g. ${JSON.stringify(rows[0])}`);
  }
  return found;
}

/** The IDs of what is stored, by workspace. */
export async function storedIds(
  postgres: Pick<OwnPostgres, 'ask'>,
  workspaceId: string,
): Promise<ReadonlySet<string>> {
  const rows = await postgres.ask<{ message_id: string }>(
    'select message_id from event where workspace_id = $1',
    [workspaceId],
  );
  return new Set(rows.map((row) => row.message_id));
}

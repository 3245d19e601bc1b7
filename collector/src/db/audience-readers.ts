import { type Kysely, sql, type Transaction } from 'kysely';
import { checkRule } from '../core/rule-check';
import { needsOf } from '../core/rule-needs';
import type { RulesByKey } from '../core/rule-references';
import type { LockedAudience } from './audience-lock';
import type { Database } from './tables';

interface Reader {
  readonly audience_id: string;
  readonly key: string;
  readonly rule: unknown;
}

/** The audiences whose rules, or those that they are to have, read the members of this one. */
export async function listReaders(
  transaction: Transaction<Database>,
  workspaceId: string,
  key: string,
): Promise<{ readonly audienceId: string; readonly key: string }[]> {
  // Those that name no audience at all are not read.
  const { rows } = await sql<Reader>`
    select a.audience_id, a.key, asked.rule
    from audience a cross join lateral (values (a.rule), (a.wanted_rule)) as asked (rule)
    where a.workspace_id = ${workspaceId} and asked.rule::text like '%"audience"%'`.execute(transaction);
  const readers = rows.filter(({ rule }) => {
    const checked = checkRule(rule);
    return !checked.ok || needsOf(checked.rule).audiences.includes(key);
  });
  return [...new Map(readers.map((each) => [each.audience_id, each])).values()].map(
    ({ audience_id: audienceId, key: its }) => ({ audienceId, key: its }),
  );
}

/** The rules of a workspace's audiences, those that they are to have before those that they have. */
export async function listRules(db: Kysely<Database>, workspaceId: string): Promise<RulesByKey> {
  const { rows } = await sql<{ key: string; rule: unknown }>`
    select key, coalesce(wanted_rule, rule) as rule from audience where workspace_id = ${workspaceId}`.execute(
    db,
  );
  return new Map(
    rows.map(({ key, rule }) => {
      const checked = checkRule(rule);
      return [key, checked.ok ? checked.rule : null];
    }),
  );
}

/** Marks, for those that read its members, who has entered and exited since the audience was locked. */
export async function markReaders(
  transaction: Transaction<Database>,
  { workspaceId, audienceId, key, lastChange }: LockedAudience,
): Promise<void> {
  const readers = await listReaders(transaction, workspaceId, key);
  if (readers.length === 0) return;
  await sql`
    insert into audience_mark (workspace_id, audience_id, profile_id)
    select ${workspaceId}, reader.audience_id, c.profile_id
    from unnest(${readers.map((each) => each.audienceId)}::uuid[]) as reader (audience_id)
    cross join audience_change c
    where c.workspace_id = ${workspaceId} and c.audience_id = ${audienceId} and c.change_no > ${lastChange}`.execute(
    transaction,
  );
}

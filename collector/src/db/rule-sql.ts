import { type RawBuilder, sql } from 'kysely';
import type { Rule } from '../core/rule';
import { createLeaves, type Leaves } from './rule-leaves-sql';
import type { RuleRun } from './rule-sources-sql';

/**
 * The query for the profiles that a rule holds for, as rows of profile_id. One compiler for all uses: a rebuild asks
 * for all profiles, an update for some.
 *
 * Set-based: profiles with their traits, revenue, and events are each read in one pass and joined, however many leaves
 * there are. (`profile_id in (…)` for each leaf reads the events once a leaf, and turns quadratic as soon as a subquery
 * outgrows work_mem.) The SQL text depends on the rule's shape alone; whatever the rule says is bound.
 */
export function compileRule(rule: Rule, run: RuleRun): RawBuilder<{ profile_id: string }> {
  const leaves = createLeaves(run, { clock: false });
  const holds = holdsWhere(rule, leaves);
  return sql`
    select p.profile_id
    from ${leaves.sources()}
    where ${holds}`;
}

/**
 * As {@link compileRule}, with what a built-in trait of each profile is, as the column `sorted`.
 *
 * @param rule null: all profiles
 */
export function compileSorted(
  rule: Rule | null,
  { trait, ...run }: RuleRun & { readonly trait: string },
): RawBuilder<{ profile_id: string; sorted: unknown }> {
  const leaves = createLeaves(run, { clock: false });
  const holds = rule === null ? sql`true` : holdsWhere(rule, leaves);
  const sorted = leaves.compile({ trait }).value!.sql;
  return sql`
    select p.profile_id, ${sorted} as sorted
    from ${leaves.sources()}
    where ${holds}`;
}

/** Whether a rule holds, over the leaves' sources. */
export function holdsWhere(rule: Rule, leaves: Leaves): RawBuilder<boolean> {
  if ('all' in rule) return combine(rule.all, { leaves, by: sql` and ` });
  if ('any' in rule) return combine(rule.any, { leaves, by: sql` or ` });
  if ('not' in rule) return sql`(not ${holdsWhere(rule.not, leaves)})`;
  return leaves.compile(rule).holds;
}

function combine(
  rules: readonly Rule[],
  { leaves, by }: { leaves: Leaves; by: RawBuilder<unknown> },
): RawBuilder<boolean> {
  return sql`(${sql.join(
    rules.map((rule) => holdsWhere(rule, leaves)),
    by,
  )})`;
}

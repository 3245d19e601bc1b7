import { type RawBuilder, sql } from 'kysely';
import { type Leaf, leavesOf, type Rule } from '../core/rule';
import { createLeaves, type Leaves } from './rule-leaves-sql';
import type { RuleRun } from './rule-sources-sql';
import { holdsWhere } from './rule-sql';

export interface CountedRow {
  readonly profiles: number;
  readonly matching: number;
  /** For how many profiles each leaf holds, in the order in which they stand. */
  readonly clauses: readonly number[];
  /** Some of those for whom the rule holds. */
  readonly sample: readonly string[];
}

/** One row: for how many of the profiles that the run asks about a rule holds, and each of its leaves. */
export function compileCounts(
  rule: Rule,
  { maxSample, ...run }: RuleRun & { readonly maxSample: number },
): RawBuilder<CountedRow> {
  const leaves = createLeaves(run, { clock: false });
  const holds = holdsWhere(rule, leaves);
  const each = leavesOf(rule).map(({ leaf }, index) => ({
    column: sql.ref(`l${index}`),
    holds: leaves.compile(leaf).holds,
  }));
  return sql`
    with evaluated as materialized (
      select p.profile_id, ${holds} as holds,
        ${sql.join(each.map((leaf) => sql`${leaf.holds} as ${leaf.column}`))}
      from ${leaves.sources()})
    select count(*) as profiles, count(*) filter (where holds) as matching,
      array[${sql.join(each.map(({ column }) => sql`count(*) filter (where ${column})`))}] as clauses,
      -- Profiles' IDs are hashes, so the first ones are as good as drawn.
      array(select profile_id from evaluated where holds order by profile_id limit ${maxSample})::text[] as sample
    from evaluated`;
}

export interface WhyRow {
  readonly profile_id: string;
  /** Of each leaf whether it holds, and what it compares: JSON, cut to a text where it is long; null for what is missing. */
  readonly why: readonly (readonly [holds: boolean, value: unknown])[];
}

const MAX_VALUE_LENGTH = 200;

/** Of each profile that the run asks about what each leaf of a rule finds. */
export function compileWhy(rule: Rule, run: RuleRun): RawBuilder<WhyRow> {
  const leaves = createLeaves(run, { clock: false });
  const found = leavesOf(rule).map(({ leaf }) => foundBy(leaf, leaves));
  return sql`
    select p.profile_id, jsonb_build_array(${sql.join(found)}) as why
    from ${leaves.sources()}`;
}

/** Whether a leaf holds, and what it compares, as JSON (see {@link WhyRow}). */
export function foundBy(leaf: Leaf, leaves: Leaves): RawBuilder<unknown> {
  const { holds, value } = leaves.compile(leaf);
  return sql`jsonb_build_array(${holds}, ${value === null ? sql`null` : shown(sql`to_jsonb(${value.sql})`)})`;
}

function shown(value: RawBuilder<unknown>): RawBuilder<unknown> {
  const text = sql`(${value})::text`;
  return sql`case when length(${text}) > ${sql.lit(MAX_VALUE_LENGTH)}
    then to_jsonb(left(${text}, ${sql.lit(MAX_VALUE_LENGTH)}) || '…') else ${value} end`;
}

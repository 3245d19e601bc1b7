import { type RawBuilder, sql } from 'kysely';
import type { DecisionCase } from '../core/decision';
import { leavesOf } from '../core/rule';
import { createLeaves } from './rule-leaves-sql';
import { foundBy } from './rule-preview-sql';
import type { AskedProfile, RuleRun } from './rule-sources-sql';
import { holdsWhere } from './rule-sql';

/** A run about one profile, all of whose memberships are known. */
export type DecisionRun = RuleRun & {
  readonly asked: AskedProfile;
  readonly memberships: ReadonlyMap<string, boolean>;
};

export interface CasesRow {
  /** Of each case that has a rule whether it holds. */
  readonly holds: readonly boolean[];
  /** Of all their leaves, one after the other, whether it holds and what it compares (see WhyRow). */
  readonly found: readonly (readonly [holds: boolean, value: unknown])[];
}

/** One row, whether or not anything is known of the profile. Reads no events: rules of decisions ask for none. */
export function compileCases(cases: readonly DecisionCase[], run: DecisionRun): RawBuilder<CasesRow> {
  const leaves = createLeaves(run, { clock: false });
  const rules = cases.flatMap(({ when }) => when ?? []);
  const holds = rules.map((rule) => holdsWhere(rule, leaves));
  const found = rules.flatMap((rule) => leavesOf(rule)).map(({ leaf }) => foundBy(leaf, leaves));
  return sql`
    select to_jsonb(array[${sql.join(holds)}]) as holds, to_jsonb(array[${sql.join(found)}]) as found
    from ${leaves.sources()}`;
}

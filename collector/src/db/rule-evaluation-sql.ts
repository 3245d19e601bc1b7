import { type RawBuilder, sql } from 'kysely';
import { leavesOf, type Rule } from '../core/rule';
import { createLeaves } from './rule-leaves-sql';
import type { RuleRun } from './rule-sources-sql';
import { holdsWhere } from './rule-sql';

/** What a run finds of one profile. */
export interface Evaluation {
  readonly profile_id: string;
  readonly holds: boolean;
  /**
   * The earliest moment after the run's `now` at which time alone may change whether the rule holds: until then, and
   * with nothing new about the profile, `holds` stays what it is. Never too late, perhaps too early: whoever asks again
   * then is told the next moment, which is later. A whole millisecond. null: time alone never changes it.
   *
   * Of profiles that do not match as well: those enter when time passes whom the rule wants to be silent for a while.
   * It is for the rule as it is and for the workspace's time zone; with either it is to be found anew.
   */
  readonly next_check_at: Date | null;
}

/**
 * The query that says of every profile that the run asks about whether a rule holds, and when to look again: the same
 * passes as `compileRule()`, one row a profile. A profile that has no events any more has no row.
 */
export function compileEvaluation(rule: Rule, run: RuleRun): RawBuilder<Evaluation> {
  const leaves = createLeaves(run, { clock: true });
  const holds = holdsWhere(rule, leaves);
  const changes = leavesOf(rule).flatMap(({ leaf }) => leaves.compile(leaf).changes);
  const next = changes.length === 0 ? sql`null::timestamptz` : sql`least(${sql.join(changes)})`;
  return sql`
    select p.profile_id, ${holds} as holds, ${next} as next_check_at
    from ${leaves.sources()}`;
}

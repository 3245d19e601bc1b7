import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';
import type { DecisionCase, DecisionDefinition } from '../core/decision';
import { leavesOf } from '../core/rule';
import { createLeaves } from './rule-leaves-sql';
import { foundBy } from './rule-preview-sql';
import type { RuleRun } from './rule-sources-sql';
import { holdsWhere } from './rule-sql';
import type { Database } from './tables';

/** Whom a decision is about, and all that it takes beside what is stored. */
export interface DecisionRun {
  readonly workspaceId: string;
  readonly profileId: string;
  readonly timezone: string;
  readonly currency: string;
  readonly now: Date;
  /** JSON text of an object. */
  readonly context: string;
  /** Of each audience that the cases name. */
  readonly memberships: ReadonlyMap<string, boolean>;
}

export interface CasesRow {
  /** Of each case that has a rule whether it holds. */
  readonly holds: readonly boolean[];
  /** Of all their leaves, one after the other, whether it holds and what it compares (see WhyRow). */
  readonly found: readonly (readonly [holds: boolean, value: unknown])[];
}

/** A statement that is only to be sent. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * The query of all cases: one row, whether or not anything is known of the profile. Reads no events: rules of decisions
 * ask for none. A definition is compiled once, with stand-ins for what differs from one asking to the next: compiling
 * took more of the processor than all the rest of a decision.
 */
export function compileCases(
  db: Kysely<Database>,
  definition: DecisionDefinition,
  run: DecisionRun,
): Statement {
  let compiled = known.get(definition);
  if (compiled === undefined) {
    compiled = compileOnce(db, definition.cases, run.memberships.keys());
    known.set(definition, compiled);
  }
  return { text: compiled.text, values: compiled.values.map((value) => valueOf(value, run)) };
}

const known = new WeakMap<DecisionDefinition, Statement>();

/** Stands among a compiled statement's values for what is filled in. */
class StandIn {
  constructor(readonly read: (run: DecisionRun) => unknown) {}
}

function valueOf(value: unknown, run: DecisionRun): unknown {
  return value instanceof StandIn ? value.read(run) : value;
}

function compileOnce(
  db: Kysely<Database>,
  cases: readonly DecisionCase[],
  audiences: Iterable<string>,
): Statement {
  // A decision's rules bind what they are given as it is: only windows of events reckon with it.
  const standIn = <T>(read: (run: DecisionRun) => T) => new StandIn(read) as unknown as T;
  const isMember = (key: string) => standIn(({ memberships }) => memberships.get(key) === true);
  const run: RuleRun = {
    workspaceId: standIn(({ workspaceId }) => workspaceId),
    timezone: standIn(({ timezone }) => timezone),
    currency: standIn(({ currency }) => currency),
    now: standIn(({ now }) => now),
    asked: {
      profileId: standIn(({ profileId }) => profileId),
      context: standIn(({ context }) => context),
    },
    memberships: new Map([...audiences].map((key) => [key, isMember(key)])),
  };
  const { sql: text, parameters } = selectCases(cases, run).compile(db);
  return { text, values: parameters };
}

function selectCases(cases: readonly DecisionCase[], run: RuleRun): RawBuilder<CasesRow> {
  const leaves = createLeaves(run, { clock: false });
  const rules = cases.flatMap(({ when }) => when ?? []);
  const holds = rules.map((rule) => holdsWhere(rule, leaves));
  const found = rules.flatMap((rule) => leavesOf(rule)).map(({ leaf }) => foundBy(leaf, leaves));
  return sql`
    select to_jsonb(array[${sql.join(holds)}]) as holds, to_jsonb(array[${sql.join(found)}]) as found
    from ${leaves.sources()}`;
}

import { type RawBuilder, sql } from 'kysely';
import {
  currencyOfTrait,
  type EventRule,
  isBareCount,
  kindOfTrait,
  type Rule,
  stepsOf,
  type TraitRule,
} from '../core/rule';
import { identifierColumns } from './profiles';
import { type ComparedValue, meetsAll, type RunTime } from './rule-comparison-sql';
import { aggregateOf, comparedAggregate, isCandidate, ownedEvents } from './rule-event-sql';

/** What a rule is evaluated against. */
export interface RuleRun extends RunTime {
  readonly workspaceId: string;
  /** What `$revenue` is counted in. */
  readonly currency: string;
  /** Only these profiles; all of the workspace's where it is left out. */
  readonly profileIds?: readonly string[];
}

/**
 * The query for the profiles that a rule holds for, as rows of profile_id. One compiler for all uses: a rebuild asks
 * for all profiles, an update for some.
 *
 * Set-based: profiles with their traits, revenue, and events are each read in one pass and joined, however many leaves
 * there are. (`profile_id in (…)` for each leaf reads the events once a leaf, and turns quadratic as soon as a subquery
 * outgrows work_mem.) The SQL text depends on the rule's shape alone; whatever the rule says is bound.
 */
export function compileRule(rule: Rule, run: RuleRun): RawBuilder<{ profile_id: string }> {
  const leaves = createLeaves(run);
  const holds = compile(rule, { leaves, run });
  return sql`
    select p.profile_id
    from ${leaves.sources()}
    where ${holds}`;
}

interface Compilation {
  readonly leaves: Leaves;
  readonly run: RuleRun;
}

function compile(rule: Rule, compilation: Compilation): RawBuilder<boolean> {
  const { leaves, run } = compilation;
  if ('all' in rule) return combine(rule.all, { ...compilation, by: sql` and ` });
  if ('any' in rule) return combine(rule.any, { ...compilation, by: sql` or ` });
  if ('not' in rule) return sql`(not ${compile(rule.not, compilation)})`;
  if ('trait' in rule) return meetsAll(leaves.trait(rule), rule, run);
  return meetsAll(leaves.event(rule), isBareCount(rule) ? { gte: 1 } : rule, run);
}

function combine(
  rules: readonly Rule[],
  { by, ...compilation }: Compilation & { by: RawBuilder<unknown> },
): RawBuilder<boolean> {
  return sql`(${sql.join(
    rules.map((rule) => compile(rule, compilation)),
    by,
  )})`;
}

/** Gathers what the leaves of a rule read, and gives each the column that it finds its value in. */
interface Leaves {
  readonly trait: (rule: TraitRule) => ComparedValue;
  readonly event: (rule: EventRule) => ComparedValue;
  /** The tables and joins for all leaves asked for so far; the profile is p.profile_id. */
  readonly sources: () => RawBuilder<unknown>;
}

function createLeaves(run: RuleRun): Leaves {
  const traits: RawBuilder<unknown>[] = [];
  const revenues: RawBuilder<unknown>[] = [];
  const events: { aggregate: RawBuilder<unknown>; isCandidate: RawBuilder<boolean> }[] = [];
  let readsIdentifiers = false;

  const builtin = (trait: string): RawBuilder<unknown> => {
    switch (trait) {
      case '$email':
      case '$user_id':
        readsIdentifiers = true;
        return trait === '$email' ? sql`i.email` : sql`i.user_id`;
      case '$first_seen':
        return sql`p.first_seen_at`;
      case '$last_seen':
        return sql`p.last_seen_at`;
      case '$orders':
        return sql`p.order_count`;
      case '$events':
        return sql`p.event_count`;
      default: {
        const currency = currencyOfTrait(trait) ?? run.currency;
        const column = `r${revenues.length}`;
        revenues.push(sql`sum(r.amount) filter (where r.currency = ${currency}) as ${sql.ref(column)}`);
        return sql`coalesce(${sql.ref(`r.${column}`)}, 0)`;
      }
    }
  };

  return {
    trait: ({ trait }) => {
      const kind = kindOfTrait(trait) ?? 'json';
      if (trait.startsWith('$')) return { kind, sql: builtin(trait) };
      const column = `t${traits.length}`;
      traits.push(sql`${latestTrait(stepsOf(trait))} as ${sql.ref(column)}`);
      return { kind, sql: sql.ref(`p.${column}`) };
    },
    event: (rule) => {
      const column = `e${events.length}`;
      const aggregate = sql`${aggregateOf(rule, run)} as ${sql.ref(column)}`;
      events.push({ aggregate, isCandidate: isCandidate(rule, run) });
      return comparedAggregate(rule, sql.ref(`a.${column}`));
    },
    sources: () => {
      const sources = [profiles(traits, run)];
      if (revenues.length > 0) sources.push(revenueSums(revenues, run));
      if (events.length > 0) sources.push(activity(events, run));
      if (readsIdentifiers) {
        const columns = identifierColumns(run.workspaceId, sql.ref('p.profile_id'));
        sources.push(sql`cross join lateral (select ${columns}) as i`);
      }
      return sql.join(sources, sql` `);
    },
  };
}

function isAsked(column: RawBuilder<unknown>, { workspaceId, profileIds }: RuleRun): RawBuilder<boolean> {
  const owner = sql`${column}.owner_id`;
  const asked = profileIds === undefined ? sql`true` : sql`${owner} = any(${profileIds}::uuid[])`;
  return sql`${column}.workspace_id = ${workspaceId} and ${asked}`;
}

function profiles(traits: readonly RawBuilder<unknown>[], run: RuleRun): RawBuilder<unknown> {
  const columns = [
    sql`q.owner_id as profile_id`,
    sql`min(q.first_seen_at) as first_seen_at`,
    sql`max(q.last_seen_at) as last_seen_at`,
    sql`sum(q.event_count) as event_count`,
    sql`sum(q.order_count) as order_count`,
    ...traits,
  ];
  return sql`(
      select ${sql.join(columns)}
      from profile_part q
      where ${isAsked(sql`q`, run)}
      group by q.owner_id) as p`;
}

/** Of a profile's parts, the value that was written last; JSON null, which a tombstone has, is SQL null. */
function latestTrait([key, ...steps]: readonly string[]): RawBuilder<unknown> {
  const register = sql`q.traits -> ${key}::text`;
  const latest = sql`(array_agg(${register}
    order by (${register} ->> 1) collate "C" desc, (${register} ->> 2) collate "C" desc)
    filter (where q.traits ? ${key}::text))[1]`;
  return sql`nullif((${latest} -> 0) #> ${steps}::text[], 'null'::jsonb)`;
}

function revenueSums(revenues: readonly RawBuilder<unknown>[], run: RuleRun): RawBuilder<unknown> {
  return sql`left join (
      select r.owner_id, ${sql.join(revenues)}
      from profile_revenue r
      where ${isAsked(sql`r`, run)}
      group by r.owner_id) as r on r.owner_id = p.profile_id`;
}

/** One pass over the events for all leaves. */
function activity(
  events: readonly { aggregate: RawBuilder<unknown>; isCandidate: RawBuilder<boolean> }[],
  run: RuleRun,
): RawBuilder<unknown> {
  return sql`left join (
      select e.owner_id, ${sql.join(events.map((event) => event.aggregate))}
      from ${ownedEvents(run)}
      where ${sql.join(
        events.map((event) => event.isCandidate),
        sql` or `,
      )}
      group by e.owner_id) as a on a.owner_id = p.profile_id`;
}

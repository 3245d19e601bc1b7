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
import { onceKeyOf } from '../core/traits';
import { MARK_HEAD_LENGTH } from '../core/visit';
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

/**
 * As {@link compileRule}, with what a built-in trait of each profile is, as the column `sorted`.
 *
 * @param rule null: all profiles
 */
export function compileSorted(
  rule: Rule | null,
  { trait, ...run }: RuleRun & { readonly trait: string },
): RawBuilder<{ profile_id: string; sorted: unknown }> {
  const leaves = createLeaves(run);
  const holds = rule === null ? sql`true` : compile(rule, { leaves, run });
  const sorted = leaves.trait({ trait }).sql;
  return sql`
    select p.profile_id, ${sorted} as sorted
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

  const column = (value: RawBuilder<unknown>): RawBuilder<unknown> => {
    const name = `t${traits.length}`;
    traits.push(sql`${value} as ${sql.ref(name)}`);
    return sql.ref(`p.${name}`);
  };
  const builtin = (trait: string): RawBuilder<unknown> => {
    switch (trait) {
      case '$email':
      case '$user_id':
        readsIdentifiers = true;
        return trait === '$email' ? EMAIL : USER_ID;
      case '$first_seen':
        return sql`p.first_seen_at`;
      case '$last_seen':
        return sql`p.last_seen_at`;
      case '$orders':
        return sql`p.order_count`;
      case '$events':
        return sql`p.event_count`;
      case '$pages':
        return column(sql`sum(q.page_count)`);
      case '$last_page':
        return column(
          sql`coalesce(${said(sql`max(q.last_page)`, 'url')}, ${said(sql`max(q.last_page)`, 'path')})`,
        );
      case '$first_referrer':
        return column(said(sql`min(q.first_referrer)`, 'url'));
      case '$first_campaign.source':
      case '$first_campaign.medium':
      case '$first_campaign.name':
      case '$first_campaign.term':
      case '$first_campaign.content':
        return column(said(sql`min(q.first_campaign)`, trait.slice('$first_campaign.'.length)));
      default: {
        const currency = currencyOfTrait(trait) ?? run.currency;
        const name = `r${revenues.length}`;
        revenues.push(sql`sum(r.amount) filter (where r.currency = ${currency}) as ${sql.ref(name)}`);
        return sql`coalesce(${sql.ref(`r.${name}`)}, 0)`;
      }
    }
  };

  return {
    trait: ({ trait }) => {
      const kind = kindOfTrait(trait) ?? 'json';
      if (trait.startsWith('$')) return { kind, sql: builtin(trait) };
      return { kind, sql: column(standingTrait(stepsOf(trait))) };
    },
    event: (rule) => {
      const name = `e${events.length}`;
      const aggregate = sql`${aggregateOf(rule, run)} as ${sql.ref(name)}`;
      events.push({ aggregate, isCandidate: isCandidate(rule, run) });
      return comparedAggregate(rule, sql.ref(`a.${name}`));
    },
    sources: () => {
      const sources = [profiles(traits, run)];
      if (revenues.length > 0) sources.push(revenueSums(revenues, run));
      if (events.length > 0) sources.push(activity(events, run));
      if (readsIdentifiers) sources.push(identifiers(run));
      return sql.join(sources, sql` `);
    },
  };
}

/** Whether a row of a table is about a profile that the run asks about. */
function isAsked(
  table: RawBuilder<unknown>,
  { workspaceId, profileIds }: RuleRun,
  owner: RawBuilder<unknown> = sql`owner_id`,
): RawBuilder<boolean> {
  const isInWorkspace = sql<boolean>`${table}.workspace_id = ${workspaceId}`;
  if (profileIds === undefined) return isInWorkspace;
  return sql`${isInWorkspace} and ${table}.${owner} = any(${profileIds}::uuid[])`;
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

/**
 * Of a profile's parts, the value that was written last, else the once-only one that was written first; JSON null, which
 * a tombstone has, is SQL null. As texts that begin with time and message ID, since the greatest of those needs no sorting
 * within each profile: with array_agg(… order by …) the whole pass was sorted, and took twice as long.
 */
function standingTrait([key, ...steps]: readonly string[]): RawBuilder<unknown> {
  const standing = sql`coalesce(max(${registerText(key!)}), min(${registerText(onceKeyOf(key!))}))`;
  return sql`nullif(substring(${standing} from ${sql.lit(REGISTER_HEAD_LENGTH + 1)})::jsonb
    #> ${steps}::text[], 'null'::jsonb)`;
}

const REGISTER_HEAD_LENGTH = '2026-01-31T12:00:00.000Z00000000-0000-4000-8000-000000000000'.length;

function registerText(key: string): RawBuilder<unknown> {
  const register = sql`(q.traits -> ${key}::text)`;
  return sql`((${register} ->> 1) || (${register} ->> 2) || (${register} -> 0)::text) collate "C"`;
}

/** What a mark (core/visit.ts) says in a field. */
function said(mark: RawBuilder<unknown>, field: string): RawBuilder<unknown> {
  return sql`(substring(${mark} from ${sql.lit(MARK_HEAD_LENGTH + 1)})::jsonb ->> ${field}::text)`;
}

function revenueSums(revenues: readonly RawBuilder<unknown>[], run: RuleRun): RawBuilder<unknown> {
  return sql`left join (
      select r.owner_id, ${sql.join(revenues)}
      from profile_revenue r
      where ${isAsked(sql`r`, run)}
      group by r.owner_id) as r on r.owner_id = p.profile_id`;
}

const USER_ID = sql`case when own.kind = 'user' then own.value end`;
const EMAIL = sql`coalesce(case when own.kind = 'email' then own.value end, claimed.email)`;

/** What identifierColumns() gives for one profile, for all of them in one pass. */
function identifiers(run: RuleRun): RawBuilder<unknown> {
  return sql`left join (
      select s.subject_id, s.kind, s.value
      from subject s
      where ${isAsked(sql`s`, run, sql`subject_id`)}) as own
      on own.subject_id = p.profile_id
    left join (
      select distinct on (c.stronger_id) c.stronger_id as owner_id, s.value as email
      from claim c
      join subject s on s.workspace_id = c.workspace_id and s.subject_id = c.weaker_id and s.kind = 'email'
      join ownership o on o.workspace_id = c.workspace_id and o.subject_id = c.weaker_id
        and o.owner_id = c.stronger_id
      where ${isAsked(sql`c`, run, sql`stronger_id`)}
      order by c.stronger_id, c.from_at desc, c.message_id desc) as claimed on claimed.owner_id = p.profile_id`;
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

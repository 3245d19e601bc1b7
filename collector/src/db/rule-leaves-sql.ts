import { type RawBuilder, sql } from 'kysely';
import {
  type BucketRule,
  CALENDAR_UNITS,
  contextPathOf,
  currencyOfTrait,
  type EventRule,
  isBareCount,
  kindOfTrait,
  type Leaf,
  stepsOf,
  type TraitRule,
} from '../core/rule';
import { type CountedDates, countedDates, sourceOf, unitCounted } from './rule-calendar-sql';
import { nextChange } from './rule-clock-sql';
import { changesOf, type ComparedValue, meetsAll } from './rule-comparison-sql';
import { aggregateOf, comparedAggregate, mayMatter } from './rule-event-sql';
import { nextOf } from './rule-sequel-sql';
import {
  type Activity,
  activity,
  EMAIL,
  identifiers,
  members,
  profiles,
  revenueSums,
  type RuleRun,
  said,
  saidContext,
  standingTrait,
  USER_ID,
} from './rule-sources-sql';

/** A leaf as SQL over the sources; all of it is about the profile p.profile_id. */
export interface CompiledLeaf {
  /** True or false, never null. */
  readonly holds: RawBuilder<boolean>;
  /** What it compares; null for a leaf that compares nothing. */
  readonly value: ComparedValue | null;
  /** When time alone may next change whether it holds, each null where never; none where it does not hang on the clock. */
  readonly changes: readonly RawBuilder<Date | null>[];
}

/** Gathers what the leaves of a rule read, and gives each the column that it finds its value in. */
export interface Leaves {
  readonly compile: (leaf: Leaf) => CompiledLeaf;
  /** The tables and joins for all leaves compiled so far; the profile is p.profile_id. */
  readonly sources: () => RawBuilder<unknown>;
}

/** @param options.clock whether the changes that time brings are asked for, which takes columns of their own */
export function createLeaves(run: RuleRun, { clock }: { readonly clock: boolean }): Leaves {
  const compiled = new Map<Leaf, CompiledLeaf>();
  const builtins = createBuiltins(run);
  const activities: Activity[] = [];
  const dates: CountedDates[] = [];
  const joins: RawBuilder<unknown>[] = [];

  const compileTrait = (rule: TraitRule): CompiledLeaf => {
    const value = { kind: kindOfTrait(rule.trait) ?? 'json', sql: builtins.trait(rule.trait) } as const;
    return { value, holds: meetsAll(value, rule, run), changes: clock ? changesOf(value, rule, run) : [] };
  };
  const compileEvent = (rule: EventRule): CompiledLeaf => {
    const column = (kind: string) => sql.ref(`${kind}${activities.length + dates.length}`);
    const [aggregate, next, change] = [column('e'), column('n'), column('c')];
    const asked = { rule, time: run, next: sql`e.${next}` };
    const changes = clock ? nextChange(asked) : null;
    const unit = unitCounted(rule, run);
    const source = unit === null ? sql.ref('a') : sourceOf(unit);
    if (unit !== null) {
      const itsNext = changes === null ? null : { aggregate: changes, column: change };
      dates.push({ unit, asked, count: aggregate, next: itsNext });
    } else {
      activities.push({
        aggregates: [
          sql`${aggregateOf(asked)} as ${aggregate}`,
          ...(changes === null ? [] : [sql`${changes} as ${change}`]),
        ],
        mayMatter: mayMatter(rule, run),
        window: rule.then === undefined ? null : sql`${nextOf(rule, run)} as ${next}`,
      });
    }
    const value = comparedAggregate(rule, sql`${source}.${aggregate}`);
    const holds = meetsAll(value, isBareCount(rule) ? { gte: 1 } : rule, run);
    const compared = clock ? changesOf(value, rule, run) : [];
    return {
      value,
      holds,
      changes: [...(changes === null ? [] : [sql<Date>`${source}.${change}`]), ...compared],
    };
  };
  const compileLeaf = (leaf: Leaf): CompiledLeaf => {
    if ('trait' in leaf) return compileTrait(leaf);
    if ('event' in leaf) return compileEvent(leaf);
    if ('bucket' in leaf) return { value: null, holds: isInBucket(leaf), changes: [] };
    const isMember = run.memberships?.get(leaf.audience);
    if (isMember !== undefined) return { value: null, holds: sql`(${isMember}::boolean)`, changes: [] };
    const name = sql.ref(`m${joins.length}`);
    joins.push(members({ key: leaf.audience, name }, run));
    return { value: null, holds: sql`(${name}.profile_id is not null)`, changes: [] };
  };

  return {
    compile: (leaf) => {
      const known = compiled.get(leaf) ?? compileLeaf(leaf);
      compiled.set(leaf, known);
      return known;
    },
    sources: () => {
      const sources = [...builtins.sources()];
      if (activities.length > 0) sources.push(activity(activities, run));
      for (const unit of CALENDAR_UNITS) {
        const counted = dates.filter((one) => one.unit === unit);
        if (counted.length > 0) sources.push(countedDates(counted, run));
      }
      return sql.join([...sources, ...joins], sql` `);
    },
  };
}

/** A share of 2^32 is compared in whole numbers and decimals, so nothing is rounded. */
function isInBucket({ bucket: [from, to], salt }: BucketRule): RawBuilder<boolean> {
  const bytes = sql`sha256(convert_to(${`${salt ?? ''}:`}::text || p.profile_id::text, 'UTF8'))`;
  const share = sql`(('x' || encode(substr(${bytes}, 1, 4), 'hex'))::bit(32)::bigint * 100)::numeric`;
  const bound = (at: number) => sql`${String(at)}::numeric * 4294967296`;
  return sql`(${share} >= ${bound(from)} and ${share} < ${bound(to)})`;
}

interface Traits {
  readonly trait: (trait: string) => RawBuilder<unknown>;
  /** Profiles with what was asked for. */
  readonly sources: () => readonly RawBuilder<unknown>[];
}

/** What is known of a profile without its events. */
function createBuiltins(run: RuleRun): Traits {
  const columns: RawBuilder<unknown>[] = [];
  const revenues: RawBuilder<unknown>[] = [];
  let readsIdentifiers = false;
  let readsContext = false;

  const column = (value: RawBuilder<unknown>): RawBuilder<unknown> => {
    const name = `t${columns.length}`;
    columns.push(sql`${value} as ${sql.ref(name)}`);
    return sql.ref(`p.${name}`);
  };
  const revenue = (currency: string): RawBuilder<unknown> => {
    const name = `r${revenues.length}`;
    revenues.push(sql`sum(r.amount) filter (where r.currency = ${currency}) as ${sql.ref(name)}`);
    return sql`coalesce(${sql.ref(`r.${name}`)}, 0)`;
  };
  const builtin = (trait: string): RawBuilder<unknown> => {
    const path = contextPathOf(trait);
    if (path !== null) {
      readsContext = true;
      return sql`nullif(c.said #> ${stepsOf(path)}::text[], 'null'::jsonb)`;
    }
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
        return column(sql`coalesce(sum(q.page_count), 0)`);
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
      default:
        return revenue(currencyOfTrait(trait) ?? run.currency);
    }
  };

  return {
    trait: (trait) => (trait.startsWith('$') ? builtin(trait) : column(standingTrait(stepsOf(trait)))),
    sources: () => [
      profiles(columns, run),
      ...(revenues.length > 0 ? [revenueSums(revenues, run)] : []),
      ...(readsIdentifiers ? [identifiers(run)] : []),
      ...(readsContext ? [saidContext(run)] : []),
    ],
  };
}

import {
  ANY_EVENT,
  type Comparisons,
  contextPathOf,
  type EventRule,
  isEventKind,
  type Leaf,
  leavesOf,
  OWN_EVENTS,
  parseDuration,
  type Rule,
  stepsOf,
} from './rule';

/**
 * What a rule reads: whatever else changes about a profile cannot change whether the rule holds for it. Each list is
 * sorted and says nothing twice.
 *
 * A profile that is new, or whose history moves (a claim, a void, a link, an erasure), may have changed in every
 * respect, and so may whoever lost what it gained: they are to be asked about again whatever a rule needs. So is the
 * owner of an order that counted until an earlier event with its order_id arrived.
 */
export interface RuleNeeds {
  /** Events that leaves count: track events by name, other calls as `$page` and so on, `"*"` for any. */
  readonly events: readonly string[];
  /** Traits by their first step: what `identify` says of `address` may change `address.city`. */
  readonly traits: readonly string[];
  /** Built-in traits as the rule names them, such as `$revenue.EUR` (see {@link BUILTIN_TRAITS}). */
  readonly builtins: readonly string[];
  /** Keys of the audiences whose stored members the rule reads. */
  readonly audiences: readonly string[];
  /**
   * Whether it may begin or cease to hold while only time passes. `compileEvaluation()` (db/rule-evaluation-sql.ts)
   * says of each profile when that may be next; where this is false, never.
   */
  readonly usesClock: boolean;
}

export function needsOf(rule: Rule): RuleNeeds {
  const needs = leavesOf(rule).map(({ leaf }) => needsOfLeaf(leaf));
  return {
    events: union(needs.map(({ events }) => events)),
    traits: union(needs.map(({ traits }) => traits)),
    builtins: union(needs.map(({ builtins }) => builtins)),
    audiences: union(needs.map(({ audiences }) => audiences)),
    usesClock: needs.some(({ usesClock }) => usesClock),
  };
}

const NOTHING: RuleNeeds = { events: [], traits: [], builtins: [], audiences: [], usesClock: false };

export function needsOfLeaf(leaf: Leaf): RuleNeeds {
  if ('event' in leaf) {
    const events = union([leaf.event, leaf.then?.event ?? []].map((names) => [names].flat()));
    return { ...NOTHING, events, usesClock: eventUsesClock(leaf) };
  }
  if ('trait' in leaf) {
    const usesClock = isRelative(leaf);
    // Nothing of the profile.
    if (contextPathOf(leaf.trait) !== null) return { ...NOTHING, usesClock };
    if (leaf.trait.startsWith('$')) return { ...NOTHING, builtins: [leaf.trait], usesClock };
    return { ...NOTHING, traits: [stepsOf(leaf.trait)[0]!], usesClock };
  }
  return 'audience' in leaf ? { ...NOTHING, audiences: [leaf.audience] } : NOTHING;
}

function union(lists: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(lists.flat())].sort();
}

function eventUsesClock({ within, between, where, then, ...comparisons }: EventRule): boolean {
  return (
    within !== undefined ||
    (between ?? []).some((time) => parseDuration(time) !== null) ||
    then?.not === true ||
    [...(where ?? []), ...(then?.where ?? []), comparisons].some(isRelative)
  );
}

/** Whether it compares with a time that is so long ago. */
function isRelative({ before, after }: Comparisons): boolean {
  return [before, after].some((time) => time !== undefined && parseDuration(time) !== null);
}

/** What ingest knows of a stored event. */
export interface SeenEvent {
  readonly type: string;
  /** Of a track event its name. */
  readonly name: string | null;
  /** The keys of the traits that an identify call says, once-only ones without their prefix. */
  readonly traits: readonly string[];
  /** Whether it is an order or a refund (core/order.ts). */
  readonly isOrder: boolean;
}

/** Whether an event of a profile may change whether a rule that needs this holds for it. Never wrongly false. */
export function isTouched({ events, traits, builtins }: RuleNeeds, event: SeenEvent): boolean {
  return (
    events.some((name) => names(name, event)) ||
    traits.some((trait) => event.traits.includes(trait)) ||
    builtins.some((builtin) => moves(event, builtin))
  );
}

function names(name: string, event: SeenEvent): boolean {
  if (name === ANY_EVENT) return !isOwn(event);
  if (isEventKind(name)) return name === `$${event.type}`;
  return event.type === 'track' && event.name === name;
}

function isOwn({ type, name }: SeenEvent): boolean {
  return type === 'track' && (OWN_EVENTS as readonly (string | null)[]).includes(name);
}

function moves({ type, isOrder }: SeenEvent, builtin: string): boolean {
  if (builtin === '$orders' || builtin.startsWith('$revenue')) return isOrder;
  if (builtin === '$pages' || builtin === '$last_page') return type === 'page';
  // Identifiers are what claims are made of.
  if (builtin === '$email' || builtin === '$user_id') return type === 'identify' || type === 'alias';
  // Any event is counted and has a time, and may name a campaign or a referrer.
  return true;
}

import {
  ANY_EVENT,
  type BucketRule,
  type Condition,
  type EventKind,
  type EventRule,
  isBareCount,
  isEventKind,
  type Leaf,
  leavesOf,
  type Rule,
  type Sequel,
} from './rule';
import { needsOfLeaf, type RuleNeeds } from './rule-needs';
import {
  compared,
  countOf,
  durationOf,
  nameOfTrait,
  quoted,
  timeOf,
  UNIT_NAMES,
  wordsOf,
} from './rule-words';

export interface ExplainedLeaf {
  /** Where it stands, as problems name it. */
  readonly path: string;
  /** What it asks, in English. */
  readonly text: string;
  readonly needs: RuleNeeds;
}

export interface Explanation {
  /** One English sentence. It may quote anything that the rule says: it is text, and only ever shown as such. */
  readonly sentence: string;
  readonly leaves: readonly ExplainedLeaf[];
}

export function explainRule(rule: Rule): Explanation {
  return {
    sentence: `Profiles where ${sayRule(rule)}.`,
    leaves: leavesOf(rule).map(({ path, leaf }) => ({ path, text: sayLeaf(leaf), needs: needsOfLeaf(leaf) })),
  };
}

/** A rule as a clause that follows "where" or "if". */
export function sayRule(rule: Rule): string {
  if ('all' in rule) return rule.all.map(sayWithin).join(' and ');
  if ('any' in rule) return rule.any.map(sayWithin).join(' or ');
  if ('not' in rule) return `not: ${sayWithin(rule.not)}`;
  return sayLeaf(rule);
}

/** In brackets where a reader could otherwise join it to its neighbours. */
function sayWithin(rule: Rule): string {
  const isLeaf = !('all' in rule || 'any' in rule || 'not' in rule);
  return isLeaf ? sayLeaf(rule) : `(${sayRule(rule)})`;
}

export function sayLeaf(leaf: Leaf): string {
  if ('trait' in leaf) return `${nameOfTrait(leaf.trait)} ${compared(leaf)}`;
  if ('event' in leaf) return sayEvent(leaf);
  return 'audience' in leaf ? `the profile is in the audience ${quoted(leaf.audience)}` : sayBucket(leaf);
}

function sayBucket({ bucket: [from, to], salt }: BucketRule): string {
  const shared = salt === undefined || salt === '' ? '' : `, shared out by ${quoted(salt)}`;
  return `the profile falls between ${from} and ${to} of 100${shared}`;
}

function sayEvent(rule: EventRule): string {
  const which = `${sayNames(rule.event)}${sayWhere(rule.where)}`;
  const when = `${saySequel(rule)}${sayWindow(rule)}`;
  const agg = rule.agg ?? 'count';
  if (agg === 'count')
    return `${which} happened ${isBareCount(rule) ? 'at least once' : countOf(rule)}${when}`;
  const of = UNIT_NAMES[rule.of!] ?? quoted(rule.of!);
  return `${AGGREGATE_NAMES[agg]} ${of} of ${which}${when} ${compared(rule)}`;
}

const AGGREGATE_NAMES = {
  sum: 'the sum of',
  avg: 'the average of',
  min: 'the least',
  max: 'the greatest',
  distinct: 'the number of different values of',
  first: 'the first',
  last: 'the last',
} as const;

const KIND_NAMES: Readonly<Record<EventKind, string>> = {
  $page: 'a page view',
  $screen: 'a screen view',
  $identify: 'an identify call',
  $group: 'a group call',
};

function sayNames(event: string | readonly string[]): string {
  return wordsOf([event].flat(), (name) => {
    if (name === ANY_EVENT) return 'any event';
    return isEventKind(name) ? KIND_NAMES[name] : quoted(name);
  });
}

function sayWhere(where: readonly Condition[] | undefined): string {
  if (where === undefined) return '';
  return ` with ${where.map(({ prop, ...comparisons }) => `a ${quoted(prop)} that ${compared(comparisons)}`).join(' and ')}`;
}

function sayWindow({ within, between }: EventRule): string {
  if (within !== undefined) return ` in the last ${durationOf(within)}`;
  return between === undefined ? '' : ` from ${timeOf(between[0])} until ${timeOf(between[1])}`;
}

function saySequel({ then, same }: EventRule): string {
  if (then === undefined) return '';
  const alike = same === undefined ? '' : ` with the same ${wordsOf(same, quoted, 'and')}`;
  return `, ${sayFollowed(then)}${alike},`;
}

function sayFollowed({ event, where, within, not }: Sequel): string {
  const what = `${sayNames(event)}${sayWhere(where)}`;
  const followed = not === true ? 'not followed by' : 'followed by';
  return `${followed} ${what} within ${durationOf(within)}`;
}

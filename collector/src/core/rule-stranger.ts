import {
  AGGREGATES,
  type Comparisons,
  type EventRule,
  isBareCount,
  kindOfTrait,
  type Leaf,
  OPERATORS,
  type Rule,
  type TraitRule,
} from './rule';

/**
 * Whether a rule can hold for a profile of which nothing is known that the rule asks about, such as a new visitor:
 * "never bought" does, "bought" does not. Where it cannot, a profile that is new need only be asked about for what its
 * events say (core/rule-needs.ts: counts of events, and when they were, are what every event says). Never wrongly false.
 */
export function mayHoldForStranger(rule: Rule): boolean {
  return answersFor(rule).has(true);
}

/** The answers that are possible: true, false, or both where what is asked differs among strangers. */
type Answers = ReadonlySet<boolean>;
const BOTH: Answers = new Set([true, false]);

function answersFor(rule: Rule): Answers {
  if ('all' in rule) return combine(rule.all.map(answersFor), false);
  if ('any' in rule) return combine(rule.any.map(answersFor), true);
  if ('not' in rule) return new Set([...answersFor(rule.not)].map((answer) => !answer));
  return answersOfLeaf(rule);
}

/** @param deciding the answer of one of them that is the answer of all */
function combine(answers: readonly Answers[], deciding: boolean): Answers {
  const possible = new Set<boolean>();
  if (answers.some((each) => each.has(deciding))) possible.add(deciding);
  if (answers.every((each) => each.has(!deciding))) possible.add(!deciding);
  return possible;
}

function answersOfLeaf(leaf: Leaf): Answers {
  if ('event' in leaf) return new Set([holdsWithoutEvents(leaf)]);
  if ('trait' in leaf) return answersOfTrait(leaf);
  // Nobody's first moment finds them in another audience; when they enter it, they are asked about again.
  return 'audience' in leaf ? new Set([false]) : BOTH;
}

function answersOfTrait(leaf: TraitRule): Answers {
  // A new profile has whatever identifier it has.
  if (leaf.trait === '$email' || leaf.trait === '$user_id') return BOTH;
  const isCount = kindOfTrait(leaf.trait) === 'number';
  return new Set([isCount ? holdsForZero(leaf) : holdsForMissing(leaf)]);
}

function holdsWithoutEvents(rule: EventRule): boolean {
  if (isBareCount(rule)) return false;
  const agg = rule.agg ?? 'count';
  return agg === 'count' || agg === 'sum' ? holdsForZero(rule) : holdsForMissing(rule);
}

function holdsForMissing(comparisons: Comparisons): boolean {
  return OPERATORS.json.every((operator) => {
    const operand = comparisons[operator];
    return operand === undefined || operator === 'neq' || operator === 'nin'
      ? true
      : operator === 'exists' && operand === false;
  });
}

const ZERO: Partial<Record<keyof Comparisons, (operand: never) => boolean>> = {
  eq: (operand: number) => operand === 0,
  neq: (operand: number) => operand !== 0,
  in: (operand: readonly number[]) => operand.includes(0),
  nin: (operand: readonly number[]) => !operand.includes(0),
  gt: (operand: number) => 0 > operand,
  gte: (operand: number) => 0 >= operand,
  lt: (operand: number) => 0 < operand,
  lte: (operand: number) => 0 <= operand,
  exists: (operand: boolean) => operand,
};

function holdsForZero(comparisons: Comparisons): boolean {
  return OPERATORS[AGGREGATES.count].every((operator) => {
    const operand = comparisons[operator];
    return operand === undefined || ZERO[operator]!(operand as never);
  });
}

/** English for what rules say. */
import {
  type CalendarUnit,
  type Comparisons,
  contextPathOf,
  currencyOfTrait,
  type Operator,
  OPERATORS,
  parseDuration,
  type Scalar,
} from './rule';

const MAX_SHOWN_TEXT = 80;
const MAX_SHOWN_ITEMS = 5;

export function quoted(text: string): string {
  return `“${text.length > MAX_SHOWN_TEXT ? `${text.slice(0, MAX_SHOWN_TEXT).toWellFormed()}…` : text}”`;
}

/** "a, b or c"; of many only the first ones, and how many more. */
export function wordsOf<T>(
  items: readonly T[],
  say: (item: T) => string,
  joint: 'or' | 'and' = 'or',
): string {
  const more = items.length - MAX_SHOWN_ITEMS;
  const words = items.slice(0, MAX_SHOWN_ITEMS).map(say);
  if (more > 0) words.push(`${more} more`);
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${joint} ${words.at(-1)!}`;
}

/** "30 days", "1 hour". */
export function durationOf(text: string): string {
  const { amount, unit } = parseDuration(text)!;
  return `${amount} ${amount === 1 ? unit.slice(0, -1) : unit}`;
}

/** An instant as it is, or how long ago. */
export function timeOf(time: string): string {
  return parseDuration(time) === null ? time : `${durationOf(time)} ago`;
}

const TRAIT_NAMES: Readonly<Record<string, string>> = {
  $email: 'the email',
  $user_id: 'the user ID',
  $first_seen: 'the time of the first event',
  $last_seen: 'the time of the last event',
  $orders: 'the number of orders',
  $revenue: 'the revenue',
  $events: 'the number of events',
  $pages: 'the number of page views',
  $last_page: 'the last page',
  $first_referrer: 'the first referrer',
};

export function nameOfTrait(trait: string): string {
  const currency = currencyOfTrait(trait);
  if (currency !== null) return `the revenue in ${currency}`;
  const campaign = /^\$first_campaign\.(\w+)$/.exec(trait)?.[1];
  if (campaign !== undefined) return `the ${campaign} of the first campaign`;
  const said = contextPathOf(trait);
  if (said !== null) return `${quoted(said)} of the context`;
  return TRAIT_NAMES[trait] ?? `the trait ${quoted(trait)}`;
}

export const UNIT_NAMES: Readonly<Record<string, string>> = {
  $day: 'day',
  $week: 'week',
  $month: 'month',
} satisfies Record<CalendarUnit, string>;

/** What a value is, by all comparisons of a leaf: "is at least 18 and is less than 65". */
export function compared(comparisons: Comparisons): string {
  return say(comparisons, (operator, operand) => PHRASES[operator](operand as never));
}

/** As {@link compared}, of how often an event happened: "at least 3 times". */
export function countOf(comparisons: Comparisons): string {
  return say(comparisons, (operator, operand) => {
    if (operator === 'exists') return operand === true ? 'any number of times' : 'at no time';
    const words = COUNT_WORDS[operator as keyof typeof COUNT_WORDS];
    const counts = [operand as number | readonly number[]].flat();
    return `${words} ${wordsOf(counts, String)} ${counts.length === 1 && counts[0] === 1 ? 'time' : 'times'}`;
  });
}

const COUNT_WORDS = {
  eq: 'exactly',
  neq: 'not exactly',
  in: 'exactly',
  nin: 'not exactly',
  gt: 'more than',
  gte: 'at least',
  lt: 'fewer than',
  lte: 'at most',
} as const;

function say(comparisons: Comparisons, phrase: (operator: Operator, operand: unknown) => string): string {
  return OPERATORS.json
    .flatMap((operator) => {
      const operand = comparisons[operator];
      return operand === undefined ? [] : [phrase(operator, operand)];
    })
    .join(' and ');
}

const PHRASES: { readonly [O in Operator]: (operand: NonNullable<Comparisons[O]>) => string } = {
  eq: (value) => `is ${valueOf(value)}`,
  neq: (value) => `is not ${valueOf(value)}`,
  in: (values) => `is ${wordsOf(values, valueOf)}`,
  nin: (values) => `is not ${wordsOf(values, valueOf)}`,
  gt: (value) => `is more than ${value}`,
  gte: (value) => `is at least ${value}`,
  lt: (value) => `is less than ${value}`,
  lte: (value) => `is at most ${value}`,
  exists: (isThere) => (isThere ? 'is known' : 'is missing'),
  contains: (part) => `contains ${quoted(part)}`,
  prefix: (part) => `begins with ${quoted(part)}`,
  suffix: (part) => `ends with ${quoted(part)}`,
  has: (value) => `has ${valueOf(value)} in it`,
  before: (time) =>
    parseDuration(time) === null ? `is before ${time}` : `is more than ${durationOf(time)} ago`,
  after: (time) =>
    parseDuration(time) === null ? `is after ${time}` : `is less than ${durationOf(time)} ago`,
};

function valueOf(value: Scalar): string {
  return typeof value === 'string' ? quoted(value) : String(value);
}

/**
 * The rule language of audiences: closed, so that every rule that passes `checkRule` compiles to SQL, and no byte of
 * it can become SQL text.
 *
 * Meaning:
 * - A leaf holds or does not hold; there is no third value, so `not` is the exact complement. All comparisons of a
 *   leaf must hold.
 * - JSON null is missing. `neq`, `nin` and `exists:false` hold for what is missing, every other comparison does not.
 * - Types never convert: the number 1 is not the text "1". `gt gte lt lte` compare numbers, `contains prefix suffix`
 *   texts, `has` looks into an array, `before after` compare instants (RFC 3339 texts, and the built-in times).
 * - Windows are about when an event occurred. `within` D is (now − D, now]: an event counts from the moment it occurs
 *   until D later. `between` is [from, to). A run has one `now`. Days and weeks are the workspace's: "1d" ago is the
 *   same time of day on the day before, also where the clocks were changed in between.
 * - `count` and `sum` of nothing are 0, so "at most N" holds for who has none; every other aggregate of nothing is
 *   missing. An aggregate reads the values it can: numbers for sum, avg, min and max; any value for distinct, first
 *   and last. `$day`, `$week` and `$month` are when an event occurred, as the text of that day, of the week's Monday or
 *   of the month's first day.
 * - `"*"` is any event, but those that the collector records itself ({@link OWN_EVENTS}).
 * - `then`: an event counts if another one follows it, later and at most `within` later; with `not`, if none does and
 *   that time has passed. With `same`, both must have these properties, and the same values in them.
 * - `audience` reads the stored members of another audience; `bucket` hashes the profile's ID (see {@link BucketRule}).
 * - A trait that begins with `$context.` is what the caller of a decision says of the moment (core/decision.ts); there is
 *   nobody to say it of members.
 */
export type Rule = AllRule | AnyRule | NotRule | Leaf;
/** What asks something of a profile; the other rules only combine. */
export type Leaf = TraitRule | EventRule | AudienceRule | BucketRule;

export interface AllRule {
  readonly all: readonly Rule[];
}

export interface AnyRule {
  readonly any: readonly Rule[];
}

export interface NotRule {
  readonly not: Rule;
}

/** A trait by its path, or what the collector itself knows of a profile (see {@link BUILTIN_TRAITS}). */
export interface TraitRule extends Comparisons {
  readonly trait: string;
}

/** Which events count, and what their number, or another aggregate of them, is compared with. */
export interface EventRule extends Comparisons {
  /** A track event's name, one of {@link EVENT_KINDS}, `"*"` for any event, or a list of those. */
  readonly event: string | readonly string[];
  readonly where?: readonly Condition[];
  readonly within?: string;
  readonly between?: readonly [from: string, to: string];
  /** @default 'count' */
  readonly agg?: Aggregate;
  /** The property that is aggregated, by its path, or one of {@link CALENDAR_UNITS}; count takes none. */
  readonly of?: string;
  /** What must, or must not, come after an event for it to count. */
  readonly then?: Sequel;
  /** Properties, by their paths, that an event and what comes after it must have the same values in. */
  readonly same?: readonly string[];
}

/** What comes after an event. */
export interface Sequel {
  readonly event: string | readonly string[];
  readonly where?: readonly Condition[];
  /** The longest time between the two. */
  readonly within: string;
  /** The event counts where no such other one came, once the time has passed. @default false */
  readonly not?: boolean;
}

/** The stored members of another audience, named by its key. */
export interface AudienceRule {
  readonly audience: string;
}

/**
 * A random share of profiles, always the same ones: those whose bucket, a number from 0 to below 100, is at least the
 * first bound and below the second. The bucket is the first 32 bits of SHA-256 over `salt:profileId`, over 2^32, times
 * 100.
 */
export interface BucketRule {
  readonly bucket: readonly [from: number, to: number];
  /** Another salt shares out anew. @default '' */
  readonly salt?: string;
}

/** What a property of an event must be. */
export interface Condition extends Comparisons {
  readonly prop: string;
}

export type Scalar = string | number | boolean;

export interface Comparisons {
  readonly eq?: Scalar;
  readonly neq?: Scalar;
  readonly in?: readonly Scalar[];
  readonly nin?: readonly Scalar[];
  readonly gt?: number;
  readonly gte?: number;
  readonly lt?: number;
  readonly lte?: number;
  readonly exists?: boolean;
  readonly contains?: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly has?: Scalar;
  readonly before?: string;
  readonly after?: string;
}

export type Operator = keyof Comparisons;

/** What a compared value may be: anything that JSON can say, or one thing only. */
export type ValueKind = 'json' | 'text' | 'number' | 'instant';

const EQUALITY = ['eq', 'neq', 'in', 'nin'] as const;
const ORDER = ['gt', 'gte', 'lt', 'lte'] as const;
const PARTS = ['contains', 'prefix', 'suffix'] as const;
const TIMES = ['before', 'after'] as const;

/** The comparisons that make sense for each kind of value. */
export const OPERATORS: Readonly<Record<ValueKind, readonly Operator[]>> = {
  json: [...EQUALITY, ...ORDER, 'exists', ...PARTS, 'has', ...TIMES],
  text: [...EQUALITY, 'exists', ...PARTS],
  number: [...EQUALITY, ...ORDER, 'exists'],
  instant: ['exists', ...TIMES],
};

/**
 * What the collector knows of a profile by itself. `$orders`, `$events` and `$pages` are counts; `$revenue` is an exact
 * sum in the workspace's currency, `$revenue.EUR` one in another. `$last_page` and `$first_referrer` are addresses.
 */
export const BUILTIN_TRAITS: Readonly<Record<string, ValueKind>> = {
  $email: 'text',
  $user_id: 'text',
  $first_seen: 'instant',
  $last_seen: 'instant',
  $orders: 'number',
  $revenue: 'number',
  $events: 'number',
  $pages: 'number',
  $last_page: 'text',
  $first_referrer: 'text',
  '$first_campaign.source': 'text',
  '$first_campaign.medium': 'text',
  '$first_campaign.name': 'text',
  '$first_campaign.term': 'text',
  '$first_campaign.content': 'text',
};

/** The currency of `$revenue.EUR`; null where the trait is not of that form. */
export function currencyOfTrait(trait: string): string | null {
  return /^\$revenue\.([A-Z]{3})$/.exec(trait)?.[1] ?? null;
}

const CONTEXT = '$context.';

/** The path within a decision's context of a trait such as `$context.cart.total`; null where it is another trait. */
export function contextPathOf(trait: string): string | null {
  return trait.startsWith(CONTEXT) ? trait.slice(CONTEXT.length) : null;
}

/** What a trait may be compared as; null where it looks built in but is not. */
export function kindOfTrait(trait: string): ValueKind | null {
  if (!trait.startsWith('$') || contextPathOf(trait) !== null) return 'json';
  if (currencyOfTrait(trait) !== null) return 'number';
  return Object.hasOwn(BUILTIN_TRAITS, trait) ? BUILTIN_TRAITS[trait]! : null;
}

/** The events that are not named by their track call. */
export const EVENT_KINDS = ['$page', '$screen', '$identify', '$group'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];
export const ANY_EVENT = '*';

export function isEventKind(name: string): name is EventKind {
  return (EVENT_KINDS as readonly string[]).includes(name);
}

/** What the collector itself records about a profile, as track events: any event (`"*"`) is never one of these. */
export const OWN_EVENTS = ['$audience_entered', '$audience_exited', '$decision'] as const;

/** What an event has beside its properties: when it occurred, by the workspace's calendar. */
export const CALENDAR_UNITS = ['$day', '$week', '$month'] as const;
export type CalendarUnit = (typeof CALENDAR_UNITS)[number];

export function isCalendarUnit(path: string): path is CalendarUnit {
  return (CALENDAR_UNITS as readonly string[]).includes(path);
}

/** What each aggregate gives. */
export const AGGREGATES = {
  count: 'number',
  sum: 'number',
  avg: 'number',
  min: 'number',
  max: 'number',
  distinct: 'number',
  first: 'json',
  last: 'json',
} as const satisfies Record<string, ValueKind>;
export type Aggregate = keyof typeof AGGREGATES;

/** How deep `all`, `any` and `not` may be nested. */
export const MAX_RULE_DEPTH = 8;
/** How many leaves a rule may have, and how many conditions all its events may have. */
export const MAX_LEAVES = 100;
export const MAX_CONDITIONS = 200;
/** How long the list of `in`, `nin` or of event names may be. */
export const MAX_LIST = 1000;
export const MAX_TEXT_LENGTH = 1000;
export const MAX_PATH_STEPS = 10;
/** How many properties may be the `same`. */
export const MAX_SAME = 5;
/** How many leaves may have a `then`: each one sorts the events that it is about. */
export const MAX_SEQUELS = 10;

/** The steps of `address.city`: keys of objects, or positions in arrays (from 0; negative ones from the end). */
export function stepsOf(path: string): readonly string[] {
  return path.split('.');
}

export interface Duration {
  readonly amount: number;
  readonly unit: 'minutes' | 'hours' | 'days' | 'weeks';
}

const DURATION = /^([1-9]\d{0,5})([mhdw])$/;
const UNITS = { m: 'minutes', h: 'hours', d: 'days', w: 'weeks' } as const;
/** A hundred years: beyond it a duration is a mistake, and Postgres would run out of years. */
const MAX_MINUTES = 100 * 366 * 24 * 60;
const MINUTES = { minutes: 1, hours: 60, days: 24 * 60, weeks: 7 * 24 * 60 } as const;

/** Reads "15m", "24h", "30d" or "4w"; null where the text is no such duration, or one beyond a hundred years. */
export function parseDuration(text: string): Duration | null {
  const match = DURATION.exec(text);
  if (match === null) return null;
  const duration = { amount: Number(match[1]), unit: UNITS[match[2] as keyof typeof UNITS] };
  return minutesOf(duration) <= MAX_MINUTES ? duration : null;
}

/** The duration's minutes where no clock is changed. */
export function minutesOf({ amount, unit }: Duration): number {
  return amount * MINUTES[unit];
}

/** A leaf, and where it stands, as problems name it: `rule.all[1]`. */
export interface PlacedLeaf {
  readonly path: string;
  readonly leaf: Leaf;
}

/** A rule's leaves, in the order in which they stand. */
export function leavesOf(rule: Rule, path = 'rule'): readonly PlacedLeaf[] {
  if ('all' in rule) return rule.all.flatMap((inner, index) => leavesOf(inner, `${path}.all[${index}]`));
  if ('any' in rule) return rule.any.flatMap((inner, index) => leavesOf(inner, `${path}.any[${index}]`));
  if ('not' in rule) return leavesOf(rule.not, `${path}.not`);
  return [{ path, leaf: rule }];
}

/** Whether the rule reads events, and not only what profiles keep. */
export function asksAboutEvents(rule: Rule): boolean {
  return leavesOf(rule).some(({ leaf }) => 'event' in leaf);
}

/** Whether the leaf only says which events count; it then means "at least one". */
export function isBareCount(rule: EventRule): boolean {
  return (
    (rule.agg ?? 'count') === 'count' && OPERATORS.number.every((operator) => rule[operator] === undefined)
  );
}

import { parseInstant } from './clock';
import { MAX_NAME_LENGTH } from './event';
import { isObject } from './json-value';
import {
  type Aggregate,
  AGGREGATES,
  ANY_EVENT,
  type Condition,
  EVENT_KINDS,
  type EventRule,
  MAX_CONDITIONS,
  MAX_LIST,
  minutesOf,
  parseDuration,
} from './rule';
import { isText, isTime, readComparisons, TIME_EXPECTED } from './rule-comparison';
import { readPath, refuseUnknown, requireComparison } from './rule-leaf';
import { type Findings, listOf, pathOf } from './rule-problem';

type Fields = Readonly<Record<string, unknown>>;

/** Where a value stands, and where what is wrong with it goes. */
interface Place {
  readonly path: string;
  readonly findings: Findings;
}

/** Conditions read so far, in the whole rule. */
interface Count {
  conditions: number;
}

const KEYS = ['event', 'where', 'within', 'between', 'agg', 'of'] as const;

/** Reads a leaf that asks about events. */
export function readEventRule(
  value: Fields,
  { path, findings, count }: Place & { readonly count: Count },
): EventRule {
  const at = (key: string): Place => ({ path: pathOf(path, key), findings });
  refuseUnknown(value, { path, findings, known: KEYS, mayCompare: true });
  const event = readEventNames(value['event'], at('event'));
  const where = readConditions(value['where'], { ...at('where'), count });
  const window = readWindow(value, { path, findings });
  const aggregate = readAggregate(value, { path, findings });
  const agg = aggregate.agg ?? 'count';
  if (agg !== 'count') requireComparison(value, { path, findings, what: `the ${agg}` });
  const comparisons = readComparisons(value, { path, kind: AGGREGATES[agg], findings });
  return { event, ...(where.length > 0 && { where }), ...window, ...aggregate, ...comparisons };
}

function readEventNames(value: unknown, place: Place): string | readonly string[] {
  if (!Array.isArray(value)) return readEventName(value, place);
  if (value.length === 0 || value.length > MAX_LIST) {
    place.findings.add(place.path, `must have 1 to ${MAX_LIST} event names`);
    return [];
  }
  return value.map((name, index) => readEventName(name, { ...place, path: pathOf(place.path, index) }));
}

function readEventName(value: unknown, { path, findings }: Place): string {
  if (!isText(value) || value.length > MAX_NAME_LENGTH) {
    findings.add(
      path,
      `must be an event's name (1 to ${MAX_NAME_LENGTH} characters), a list of names, ` +
        `${listOf(EVENT_KINDS)}, or "${ANY_EVENT}" for any event`,
    );
    return '';
  }
  return value;
}

const CONDITION_EXPECTED = 'such as {"prop":"plan","eq":"pro"}';

function readConditions(
  value: unknown,
  { path, findings, count }: Place & { readonly count: Count },
): readonly Condition[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length === 0) {
    findings.add(path, `must be a list of conditions ${CONDITION_EXPECTED}`);
    return [];
  }
  count.conditions += value.length;
  if (count.conditions > MAX_CONDITIONS) {
    findings.add(path, `must not bring the rule's conditions above ${MAX_CONDITIONS}`);
    return [];
  }
  return value.map((item, index) => readCondition(item, { findings, path: pathOf(path, index) }));
}

function readCondition(value: unknown, { path, findings }: Place): Condition {
  if (!isObject(value)) {
    findings.add(path, `must be a condition ${CONDITION_EXPECTED}`);
    return { prop: '' };
  }
  refuseUnknown(value, { path, findings, known: ['prop'], mayCompare: true });
  const prop = readPath(value['prop'], { path: pathOf(path, 'prop'), findings }) ?? '';
  requireComparison(value, { path, findings, what: `property "${prop}"` });
  return { prop, ...readComparisons(value, { path, kind: 'json', findings }) };
}

function readWindow(value: Fields, { path, findings }: Place): Pick<EventRule, 'within' | 'between'> {
  const { within, between } = value;
  if (within !== undefined && between !== undefined) {
    findings.add(pathOf(path, 'between'), 'must not stand beside within: a leaf has one window');
    return {};
  }
  if (within !== undefined) {
    if (typeof within === 'string' && parseDuration(within) !== null) return { within };
    findings.add(pathOf(path, 'within'), 'must be a duration such as "15m", "24h", "30d" or "4w"');
  }
  if (between === undefined) return {};
  if (!Array.isArray(between) || between.length !== 2 || !between.every(isTime)) {
    findings.add(pathOf(path, 'between'), `must be a list of two times, each ${TIME_EXPECTED}`);
    return {};
  }
  const [from, to] = between as [string, string];
  if (isNeverOpen(from, to)) findings.add(pathOf(path, 'between'), 'must begin before it ends');
  return { between: [from, to] };
}

/** Whether the window is empty whenever it is asked for; of an instant and a duration nobody can say so. */
function isNeverOpen(from: string, to: string): boolean {
  const [fromAt, toAt] = [parseInstant(from), parseInstant(to)];
  if (fromAt !== null && toAt !== null) return fromAt >= toAt;
  const [fromAgo, toAgo] = [parseDuration(from), parseDuration(to)];
  return fromAgo !== null && toAgo !== null && minutesOf(fromAgo) <= minutesOf(toAgo);
}

function readAggregate(value: Fields, { path, findings }: Place): Pick<EventRule, 'agg' | 'of'> {
  const { agg, of } = value;
  if (agg !== undefined && !isAggregate(agg)) {
    findings.add(pathOf(path, 'agg'), `must be one of ${listOf(Object.keys(AGGREGATES))}`);
    return {};
  }
  const at = pathOf(path, 'of');
  if (agg === undefined || agg === 'count') {
    if (of !== undefined)
      findings.add(at, 'must not stand beside count: it counts events, distinct counts values');
    return agg === undefined ? {} : { agg };
  }
  if (of === undefined) {
    findings.add(path, `must have of, the property that ${agg} reads, e.g. "of":"revenue"`);
    return { agg };
  }
  const property = readPath(of, { path: at, findings });
  if (property !== null && /^\$(day|week|month)$/.test(property)) findings.add(at, 'is not supported');
  return { agg, of: property ?? '' };
}

function isAggregate(value: unknown): value is Aggregate {
  return typeof value === 'string' && Object.hasOwn(AGGREGATES, value);
}

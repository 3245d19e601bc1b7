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
  isCalendarUnit,
  MAX_CONDITIONS,
  MAX_LIST,
  MAX_SAME,
  MAX_SEQUELS,
  minutesOf,
  parseDuration,
  type Sequel,
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

/** What was read so far, in the whole rule. */
export interface Count {
  conditions: number;
  sequels: number;
}

type CountedPlace = Place & { readonly count: Count };

const KEYS = ['event', 'where', 'within', 'between', 'agg', 'of', 'then', 'same'] as const;

/** Reads a leaf that asks about events. */
export function readEventRule(value: Fields, { path, findings, count }: CountedPlace): EventRule {
  const at = (key: string): CountedPlace => ({ path: pathOf(path, key), findings, count });
  refuseUnknown(value, { path, findings, known: KEYS, mayCompare: true });
  const event = readEventNames(value['event'], at('event'));
  const where = readConditions(value['where'], at('where'));
  const window = readWindow(value, { path, findings });
  const sequence = readSequence(value, { path, findings, count });
  const aggregate = readAggregate(value, { path, findings });
  const agg = aggregate.agg ?? 'count';
  if (agg !== 'count') requireComparison(value, { path, findings, what: `the ${agg}` });
  const comparisons = readComparisons(value, { path, kind: AGGREGATES[agg], findings });
  return { event, ...where, ...window, ...aggregate, ...sequence, ...comparisons };
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

function readConditions(value: unknown, { path, findings, count }: CountedPlace): Pick<EventRule, 'where'> {
  if (value === undefined) return {};
  if (!Array.isArray(value) || value.length === 0) {
    findings.add(path, `must be a list of conditions ${CONDITION_EXPECTED}`);
    return {};
  }
  count.conditions += value.length;
  if (count.conditions > MAX_CONDITIONS) {
    findings.add(path, `must not bring the rule's conditions above ${MAX_CONDITIONS}`);
    return {};
  }
  return { where: value.map((item, index) => readCondition(item, { findings, path: pathOf(path, index) })) };
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
    if (isDuration(within)) return { within };
    findings.add(pathOf(path, 'within'), DURATION_EXPECTED);
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

const DURATION_EXPECTED = 'must be a duration such as "15m", "24h", "30d" or "4w"';

function isDuration(value: unknown): value is string {
  return typeof value === 'string' && parseDuration(value) !== null;
}

/** Whether the window is empty whenever it is asked for; of an instant and a duration nobody can say so. */
function isNeverOpen(from: string, to: string): boolean {
  const [fromAt, toAt] = [parseInstant(from), parseInstant(to)];
  if (fromAt !== null && toAt !== null) return fromAt >= toAt;
  const [fromAgo, toAgo] = [parseDuration(from), parseDuration(to)];
  return fromAgo !== null && toAgo !== null && minutesOf(fromAgo) <= minutesOf(toAgo);
}

function readSequence(
  value: Fields,
  { path, findings, count }: CountedPlace,
): Pick<EventRule, 'then' | 'same'> {
  const { then, same } = value;
  const atSame = { path: pathOf(path, 'same'), findings };
  if (then === undefined) {
    if (same !== undefined) findings.add(atSame.path, 'must stand beside then: it is about two events');
    return {};
  }
  count.sequels += 1;
  if (count.sequels > MAX_SEQUELS) {
    findings.add(pathOf(path, 'then'), `must not stand in more than ${MAX_SEQUELS} leaves of a rule`);
    return {};
  }
  const sequel = readSequel(then, { path: pathOf(path, 'then'), findings, count });
  return { then: sequel, ...(same !== undefined && { same: readSame(same, atSame) }) };
}

const SEQUEL_EXPECTED = 'such as {"event":"Order Completed","within":"24h"}';

function readSequel(value: unknown, { path, findings, count }: CountedPlace): Sequel {
  if (!isObject(value)) {
    findings.add(path, `must be what comes next, ${SEQUEL_EXPECTED}`);
    return { event: '', within: '' };
  }
  const at = (key: string): CountedPlace => ({ path: pathOf(path, key), findings, count });
  refuseUnknown(value, { path, findings, known: ['event', 'where', 'within', 'not'] });
  const { within, not } = value;
  const event = readEventNames(value['event'], at('event'));
  const where = readConditions(value['where'], at('where'));
  if (!isDuration(within)) findings.add(at('within').path, DURATION_EXPECTED);
  if (not !== undefined && typeof not !== 'boolean') findings.add(at('not').path, 'must be true or false');
  return { event, ...where, within: within as string, ...(not !== undefined && { not: not as boolean }) };
}

function readSame(value: unknown, { path, findings }: Place): readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_SAME) {
    findings.add(path, `must be a list of 1 to ${MAX_SAME} properties, such as ["cart_id"]`);
    return [];
  }
  return value.map((item, index) => readPath(item, { path: pathOf(path, index), findings }) ?? '');
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
  const property = readPath(of, { path: at, findings }) ?? '';
  if (isCalendarUnit(property) && !ANY_VALUE.includes(agg)) {
    findings.add(at, `must be a property that has numbers; ${listOf(ANY_VALUE)} may read ${property}`);
  }
  return { agg, of: property };
}

/** The aggregates that read more than numbers. */
const ANY_VALUE: readonly Aggregate[] = ['distinct', 'first', 'last'];

function isAggregate(value: unknown): value is Aggregate {
  return typeof value === 'string' && Object.hasOwn(AGGREGATES, value);
}

import { parseInstant } from './clock';
import { isStorableText } from './json-value';
import {
  type Comparisons,
  MAX_LIST,
  MAX_TEXT_LENGTH,
  type Operator,
  OPERATORS,
  parseDuration,
  type Scalar,
  type ValueKind,
} from './rule';
import { type Findings, listOf, pathOf } from './rule-problem';

type Fields = Readonly<Record<string, unknown>>;

export const TIME_EXPECTED =
  'an instant such as "2026-01-31T12:00:00Z", or how long ago it is, such as "30d" (m, h, d or w)';

const ALL_OPERATORS: ReadonlySet<string> = new Set(OPERATORS.json);

export function isOperator(key: string): key is Operator {
  return ALL_OPERATORS.has(key);
}

/**
 * Reads the comparisons that stand in a leaf. What is wrong is added to the findings; the leaf's other keys are left
 * to its own reader.
 */
export function readComparisons(
  leaf: Fields,
  { path, kind, findings }: { path: string; kind: ValueKind; findings: Findings },
): Comparisons {
  const comparisons: Record<string, unknown> = {};
  for (const [key, operand] of Object.entries(leaf)) {
    if (!isOperator(key)) continue;
    const at = pathOf(path, key);
    if (!OPERATORS[kind].includes(key)) {
      findings.add(at, `does not compare ${WHAT[kind]}; ${listOf(OPERATORS[kind])} do`);
      continue;
    }
    const expected = expectationOf(key, kind);
    if (!expected.isMet(operand)) findings.add(at, `must be ${expected.text}`);
    comparisons[key] = operand;
  }
  return comparisons as Comparisons;
}

const WHAT: Readonly<Record<ValueKind, string>> = {
  json: 'this',
  text: 'a text',
  number: 'a number',
  instant: 'an instant',
};

interface Expectation {
  readonly text: string;
  readonly isMet: (operand: unknown) => boolean;
}

const NUMBER: Expectation = { text: 'a number', isMet: isExactNumber };
const TEXT: Expectation = { text: `a text of 1 to ${MAX_TEXT_LENGTH} characters`, isMet: isText };
const FLAG: Expectation = { text: 'true or false', isMet: (operand) => typeof operand === 'boolean' };
const TIME: Expectation = { text: TIME_EXPECTED, isMet: isTime };
const SCALARS: Readonly<Record<ValueKind, Expectation>> = {
  json: {
    text: `a text of at most ${MAX_TEXT_LENGTH} characters, a number, true or false; exists:false finds what is missing`,
    isMet: isScalar,
  },
  text: { text: `a text of at most ${MAX_TEXT_LENGTH} characters`, isMet: isPlainText },
  number: NUMBER,
  instant: TIME,
};

function expectationOf(operator: Operator, kind: ValueKind): Expectation {
  switch (operator) {
    case 'eq':
    case 'neq':
    case 'has':
      return SCALARS[kind];
    case 'in':
    case 'nin':
      return listOfMany(SCALARS[kind]);
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return kind === 'json'
        ? { ...NUMBER, text: 'a number; instants are compared by before and after' }
        : NUMBER;
    case 'exists':
      return FLAG;
    case 'contains':
    case 'prefix':
    case 'suffix':
      return TEXT;
    case 'before':
    case 'after':
      return TIME;
  }
}

function listOfMany(one: Expectation): Expectation {
  return {
    text: `a list of 1 to ${MAX_LIST} values, each ${one.text}`,
    isMet: (operand) =>
      Array.isArray(operand) && operand.length > 0 && operand.length <= MAX_LIST && operand.every(one.isMet),
  };
}

/** A number whose digits are those that were written: integers beyond 2^53 have lost some. */
function isExactNumber(value: unknown): value is number {
  return (
    typeof value === 'number' &&
    Number.isFinite(value) &&
    (!Number.isInteger(value) || Number.isSafeInteger(value))
  );
}

export function isPlainText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT_LENGTH && isStorableText(value);
}

export function isText(value: unknown): value is string {
  return isPlainText(value) && value !== '';
}

function isScalar(value: unknown): value is Scalar {
  return isPlainText(value) || isExactNumber(value) || typeof value === 'boolean';
}

/** Whether the value is an RFC 3339 instant or a duration, read as that long ago. */
export function isTime(value: unknown): value is string {
  return typeof value === 'string' && (parseInstant(value) !== null || parseDuration(value) !== null);
}

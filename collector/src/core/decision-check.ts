import { isAudienceKey } from './audience-key';
import {
  type DecisionCase,
  type DecisionDefinition,
  MAX_CASES,
  MAX_DECISION_LEAVES,
  MAX_PAYLOAD_BYTES,
  TIME_LIMIT_MS,
} from './decision';
import { cleanJson, isObject, MAX_DEPTH } from './json-value';
import { leavesOf, type Rule } from './rule';
import { checkRule } from './rule-check';
import { refuseUnknown } from './rule-leaf';
import { createFindings, type Findings, pathOf, type RuleProblem } from './rule-problem';

export type CheckedDecision =
  | { readonly ok: true; readonly definition: DecisionDefinition }
  | { readonly ok: false; readonly problems: readonly RuleProblem[] };

/** Keys beside which a definition may stand: they are no part of its versions. */
const BESIDE = ['key', 'name', 'basedOn'];

/**
 * Checks a value that came from outside to be a decision's definition.
 *
 * @returns the definition, with its defaults written out; or what is wrong, each with its path, such as
 *   `cases[0].when.all[1].gte`, and what would be valid there
 */
export function checkDecision(value: unknown): CheckedDecision {
  const findings = createFindings();
  const fields = isObject(value) ? value : {};
  for (const key of Object.keys(fields)) {
    if (!FIELDS.includes(key)) findings.add(key, `is not known here; ${FIELDS.join(', ')} may stand here`);
  }
  const definition = {
    cases: readCases(fields['cases'], findings),
    timeLimitMs: readTimeLimit(fields['timeLimitMs'], findings),
    public: readFlag(fields, { key: 'public', findings }),
    record: readFlag(fields, { key: 'record', findings }),
  };
  const leaves = definition.cases.flatMap(({ when }) => (when === null ? [] : leavesOf(when)));
  if (leaves.length > MAX_DECISION_LEAVES) {
    findings.add('cases', `may ask at most ${MAX_DECISION_LEAVES} things in all; these ask ${leaves.length}`);
  }
  const { problems } = findings;
  return problems.length === 0 ? { ok: true, definition } : { ok: false, problems };
}

const FIELDS = [...BESIDE, 'cases', 'timeLimitMs', 'public', 'record'];

function readCases(value: unknown, findings: Findings): readonly DecisionCase[] {
  const expected = `must be a list of 1 to ${MAX_CASES} cases {"key", "when", "then"}; the last one, without "when", is the default`;
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_CASES) {
    findings.add('cases', expected);
    return [];
  }
  const cases = value.map((item, index) =>
    readCase(item, { path: pathOf('cases', index), index, isLast: index === value.length - 1, findings }),
  );
  for (const [index, { key }] of cases.entries()) {
    if (cases.findIndex((each) => each.key === key) < index) {
      findings.add(`cases[${index}].key`, `must differ from the others; "${key}" stands above`);
    }
  }
  return cases;
}

interface Place {
  readonly path: string;
  readonly index: number;
  readonly isLast: boolean;
  readonly findings: Findings;
}

function readCase(value: unknown, place: Place): DecisionCase {
  const { path, index, isLast, findings } = place;
  const unnamed = isLast ? 'default' : `case-${index + 1}`;
  if (!isObject(value)) {
    findings.add(
      path,
      'must be a case such as {"key":"vip","when":{"audience":"vip"},"then":{"show":"gold"}}',
    );
    return { key: unnamed, when: null, then: null };
  }
  refuseUnknown(value, { path, findings, known: ['key', 'when', 'then'] });
  const { key = unnamed } = value;
  if (typeof key !== 'string' || !isAudienceKey(key)) {
    findings.add(
      pathOf(path, 'key'),
      'must be lower-case letters and digits, in groups that one hyphen separates, such as "vip-sale"',
    );
  }
  return { key: String(key), when: readWhen(value, place), then: readPayload(value, place) };
}

function readWhen(value: Readonly<Record<string, unknown>>, { path, isLast, findings }: Place): Rule | null {
  const at = pathOf(path, 'when');
  const hasRule = value['when'] !== undefined && value['when'] !== null;
  if (isLast) {
    if (hasRule) findings.add(at, 'must not stand in the last case, which is the default: it always holds');
    return null;
  }
  if (!hasRule) {
    findings.add(at, 'must be a rule: only the last case, the default, goes without one');
    return null;
  }
  const checked = checkRule(value['when'], { path: at, use: 'decision' });
  if (checked.ok) return checked.rule;
  for (const problem of checked.problems) findings.add(problem.path, problem.message);
  return null;
}

/** Whatever it is, the caller gets it as it was written. */
function readPayload(value: Readonly<Record<string, unknown>>, { path, findings }: Place): unknown {
  const at = pathOf(path, 'then');
  if (!Object.hasOwn(value, 'then')) {
    findings.add(at, 'must be what the caller is given: any JSON, such as {"banner":"gold"}');
    return null;
  }
  const cleaned = cleanJson(value['then']);
  if (cleaned.isTooDeep) {
    findings.add(at, `may be nested at most ${MAX_DEPTH} levels deep`);
    return null;
  }
  if (cleaned.hasReplacedCharacters) findings.add(at, 'must not contain NUL or lone surrogates');
  if (cleaned.hasInexactNumbers) findings.add(at, 'must not contain numbers that JSON cannot hold exactly');
  const bytes = Buffer.byteLength(JSON.stringify(cleaned.value));
  if (bytes > MAX_PAYLOAD_BYTES) {
    findings.add(at, `may have at most ${MAX_PAYLOAD_BYTES} bytes of JSON; this one has ${bytes}`);
  }
  return cleaned.value;
}

function readTimeLimit(value: unknown, findings: Findings): number {
  const { least, most, default: standard } = TIME_LIMIT_MS;
  if (value === undefined) return standard;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  findings.add('timeLimitMs', `must be a whole number of milliseconds from ${least} to ${most}`);
  return standard;
}

function readFlag(
  fields: Readonly<Record<string, unknown>>,
  { key, findings }: { readonly key: string; readonly findings: Findings },
): boolean {
  const value = fields[key] ?? false;
  if (typeof value !== 'boolean') findings.add(key, 'must be true or false');
  return value === true;
}

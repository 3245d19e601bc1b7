import { isAudienceKey } from './audience-key';
import { isObject } from './json-value';
import {
  type AudienceRule,
  BUILTIN_TRAITS,
  type BucketRule,
  contextPathOf,
  kindOfTrait,
  MAX_LEAVES,
  MAX_RULE_DEPTH,
  MAX_TEXT_LENGTH,
  type Rule,
} from './rule';
import { isPlainText, readComparisons } from './rule-comparison';
import { type Count, readEventRule } from './rule-event';
import { readPath, refuseUnknown, requireComparison } from './rule-leaf';
import { createFindings, type Findings, listOf, pathOf, type RuleProblem } from './rule-problem';
import { expandShorthand, isShorthand } from './rule-shorthand';

export type CheckedRule =
  | { readonly ok: true; readonly rule: Rule }
  | { readonly ok: false; readonly problems: readonly RuleProblem[] };

/** What a rule is for: an audience has no context, and a decision does not wait for events to be counted. */
export type RuleUse = 'audience' | 'decision';

/**
 * Checks a value that came from outside to be a rule.
 *
 * @param options.path where the rule stands @default 'rule'
 * @param options.use @default 'audience'
 * @returns the rule, with nothing in it that the language does not know and the shorthand written out; or what is
 *   wrong, each with its path and what would be valid there (at most MAX_PROBLEMS of them)
 */
export function checkRule(
  value: unknown,
  { path = 'rule', use = 'audience' }: { readonly path?: string; readonly use?: RuleUse } = {},
): CheckedRule {
  const findings = createFindings();
  const count = { leaves: 0, conditions: 0, sequels: 0 };
  const rule = isShorthand(value)
    ? expandShorthand(value, { path, findings })
    : readRule(value, { path, depth: 1, findings, count, use });
  if (count.leaves > MAX_LEAVES) {
    findings.add(path, `may ask at most ${MAX_LEAVES} things; this one asks more`);
  }
  const { problems } = findings;
  return problems.length === 0 ? { ok: true, rule } : { ok: false, problems };
}

/** Stands where a rule could not be read; it never leaves this file, because there is a problem then. */
const UNREADABLE: Rule = { all: [] };

interface Place {
  readonly path: string;
  readonly depth: number;
  readonly findings: Findings;
  readonly use: RuleUse;
  /** Shared by all places of a rule. */
  readonly count: Count & { leaves: number };
}

const FORMS = ['all', 'any', 'not', 'trait', 'event', 'audience', 'bucket'] as const;
type Form = (typeof FORMS)[number];
type Fields = Readonly<Record<string, unknown>>;

function readRule(value: unknown, place: Place): Rule {
  const { path, depth, findings } = place;
  if (!isObject(value)) {
    findings.add(path, `must be a rule: an object with one of ${listOf(FORMS)}`);
    return UNREADABLE;
  }
  if (depth > MAX_RULE_DEPTH) {
    findings.add(path, `is nested too deep: a rule may have at most ${MAX_RULE_DEPTH} levels`);
    return UNREADABLE;
  }
  const forms = FORMS.filter((form) => Object.hasOwn(value, form));
  const [form] = forms;
  if (form === undefined) {
    findings.add(path, `must have one of ${listOf(FORMS)}`);
    return UNREADABLE;
  }
  if (forms.length > 1) {
    findings.add(path, `must have only one of ${listOf(forms)}; combine rules by all or any`);
    return UNREADABLE;
  }
  return readForm(form, value, place);
}

function readForm(form: Form, value: Fields, place: Place): Rule {
  switch (form) {
    case 'all':
    case 'any':
    case 'not':
      return readCombination(form, value, place);
    case 'trait':
    case 'event':
    case 'audience':
    case 'bucket':
      place.count.leaves += 1;
      return LEAF_READERS[form](value, place);
  }
}

const LEAF_READERS = {
  trait: readTraitRule,
  event: readEvents,
  audience: readAudienceRule,
  bucket: readBucketRule,
} as const;

function readCombination(form: 'all' | 'any' | 'not', value: Fields, place: Place): Rule {
  const { path, depth, findings } = place;
  refuseUnknown(value, { path, findings, known: [form] });
  const inner = { ...place, path: pathOf(path, form), depth: depth + 1 };
  if (form === 'not') return { not: readRule(value['not'], inner) };
  const rules = readRules(value[form], inner);
  return form === 'all' ? { all: rules } : { any: rules };
}

function readRules(value: unknown, place: Place): readonly Rule[] {
  if (!Array.isArray(value) || value.length === 0) {
    place.findings.add(place.path, 'must be a list of at least one rule');
    return [];
  }
  const rules: Rule[] = [];
  for (const [index, item] of value.entries()) {
    // A list of a million rules is not read to its end to say that it is too long.
    if (place.count.leaves > MAX_LEAVES) break;
    rules.push(readRule(item, { ...place, path: pathOf(place.path, index) }));
  }
  return rules;
}

/** Counting events takes as long as somebody's history is; of an audience it is done before anybody asks. */
function readEvents(value: Fields, place: Place): Rule {
  if (place.use === 'audience') return readEventRule(value, place);
  const message = 'is not asked in a decision: make an audience of it, and name that by {"audience":key}';
  place.findings.add(pathOf(place.path, 'event'), message);
  return UNREADABLE;
}

function readTraitRule(value: Fields, { path, findings, use }: Place): Rule {
  refuseUnknown(value, { path, findings, known: ['trait'], mayCompare: true });
  const at = pathOf(path, 'trait');
  const trait = readPath(value['trait'], { path: at, findings });
  if (trait === null) return UNREADABLE;
  if (use === 'audience' && contextPathOf(trait) !== null) {
    findings.add(at, 'is what the caller of a decision says: it may stand in decisions only');
    return UNREADABLE;
  }
  const kind = kindOfTrait(trait);
  if (kind === null) {
    const context = use === 'decision' ? ['$context.cart.total (anything that the caller says)'] : [];
    const names = [...Object.keys(BUILTIN_TRAITS), '$revenue.EUR (of any currency)', ...context];
    findings.add(at, `is not built in; what begins with $ is ${listOf(names)}`);
    return UNREADABLE;
  }
  requireComparison(value, { path, findings, what: `trait "${trait}"` });
  return { trait, ...readComparisons(value, { path, kind, findings }) };
}

function readAudienceRule(value: Fields, { path, findings }: Place): AudienceRule {
  refuseUnknown(value, { path, findings, known: ['audience'] });
  const key = value['audience'];
  if (typeof key === 'string' && isAudienceKey(key)) return { audience: key };
  findings.add(pathOf(path, 'audience'), 'must be the key of an audience, such as "big-spenders"');
  return { audience: '' };
}

const MAX_BUCKET = 100;

function readBucketRule(value: Fields, { path, findings }: Place): BucketRule {
  refuseUnknown(value, { path, findings, known: ['bucket', 'salt'] });
  const { bucket, salt } = value;
  if (salt !== undefined && !isPlainText(salt)) {
    findings.add(pathOf(path, 'salt'), `must be a text of at most ${MAX_TEXT_LENGTH} characters`);
  }
  if (!isShare(bucket)) {
    findings.add(
      pathOf(path, 'bucket'),
      `must be two numbers from 0 to ${MAX_BUCKET}, the first below the second, such as [0, 50]: every other profile`,
    );
    return { bucket: [0, 0] };
  }
  return { bucket, ...(salt !== undefined && { salt: salt as string }) };
}

function isShare(value: unknown): value is readonly [number, number] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [from, to] = value as [unknown, unknown];
  return typeof from === 'number' && typeof to === 'number' && 0 <= from && from < to && to <= MAX_BUCKET;
}

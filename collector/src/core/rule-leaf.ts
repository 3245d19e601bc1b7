import { MAX_PATH_STEPS, stepsOf } from './rule';
import { isOperator, isText } from './rule-comparison';
import { type Findings, listOf, pathOf } from './rule-problem';

type Fields = Readonly<Record<string, unknown>>;

/** A path such as "plan" or "address.city"; null where the value is none, which is then among the findings. */
export function readPath(
  value: unknown,
  { path, findings }: { path: string; findings: Findings },
): string | null {
  if (isText(value) && stepsOf(value).length <= MAX_PATH_STEPS && !stepsOf(value).includes('')) return value;
  findings.add(path, `must be a path such as "plan" or "address.city" (at most ${MAX_PATH_STEPS} steps)`);
  return null;
}

export function requireComparison(
  value: Fields,
  { path, findings, what }: { path: string; findings: Findings; what: string },
): void {
  if (Object.keys(value).some(isOperator)) return;
  findings.add(path, `must say what ${what} is compared with, e.g. "gte":1 or "exists":true`);
}

/** Adds a problem for each key that may not stand here. */
export function refuseUnknown(
  value: Fields,
  options: { path: string; findings: Findings; known: readonly string[]; mayCompare?: boolean },
): void {
  const mayCompare = options.mayCompare ?? false;
  for (const key of Object.keys(value)) {
    if (options.known.includes(key) || (mayCompare && isOperator(key))) continue;
    const valid = mayCompare ? [...options.known, 'a comparison such as gte'] : options.known;
    options.findings.add(pathOf(options.path, key), `is not known here; ${listOf(valid)} may stand here`);
  }
}

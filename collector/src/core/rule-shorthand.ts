import type { Rule } from './rule';
import { type Findings, pathOf } from './rule-problem';

const KEYS = ['min_total_spend', 'days_since_last_event'] as const;
const MAX_DAYS = 36_500;

/** Whether the value is meant as `{"min_total_spend":100,"days_since_last_event":30}`. */
export function isShorthand(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && KEYS.some((key) => Object.hasOwn(value, key));
}

/**
 * The rule that the shorthand stands for: revenue of at least so much, in the workspace's currency, and a last event
 * within so many days. Either may be left out.
 */
export function expandShorthand(
  value: Readonly<Record<string, unknown>>,
  { path, findings }: { path: string; findings: Findings },
): Rule {
  const all: Rule[] = [];
  for (const [key, amount] of Object.entries(value)) {
    if (key === 'min_total_spend') {
      if (isWithin(amount, Number.MAX_SAFE_INTEGER)) all.push({ trait: '$revenue', gte: amount });
      else findings.add(pathOf(path, key), 'must be an amount of 0 or more');
    } else if (key === 'days_since_last_event') {
      if (isWithin(amount, MAX_DAYS) && Number.isInteger(amount) && amount > 0) {
        all.push({ trait: '$last_seen', after: `${amount}d` });
      } else findings.add(pathOf(path, key), `must be a whole number of days from 1 to ${MAX_DAYS}`);
    } else findings.add(pathOf(path, key), `is not known here; ${KEYS.join(' and ')} may stand here`);
  }
  return { all };
}

function isWithin(value: unknown, max: number): value is number {
  return typeof value === 'number' && value >= 0 && value <= max;
}

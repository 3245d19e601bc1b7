import type { Failure } from '../wire';

export interface RuleProblem {
  /** Where in the rule, such as `rule.all[1].gte`; empty when it is about the whole. */
  readonly path: string;
  readonly message: string;
}

export const EXAMPLES: readonly { readonly name: string; readonly text: string }[] = [
  {
    name: 'Spent 100 or more in 30 days',
    rule: { event: 'Order Completed', agg: 'sum', of: 'revenue', within: '30d', gte: 100 },
  },
  {
    name: 'Looked at products three times this week, bought nothing',
    rule: {
      all: [
        { event: 'Product Viewed', within: '7d', gte: 3 },
        { not: { event: 'Order Completed', within: '7d' } },
      ],
    },
  },
  {
    name: 'Known by email, not seen for 30 days',
    rule: {
      all: [{ trait: '$email', exists: true }, { not: { event: '*', within: '30d' } }],
    },
  },
].map(({ name, rule }) => ({ name, text: JSON.stringify(rule, null, 2) }));

type ReadRule =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: RuleProblem };

export function readRule(text: string): ReadRule {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, problem: { path: '', message: `This is not JSON yet: ${message}` } };
  }
}

/** The collector names the path of each fault; without paths, its message is all there is to say. */
export function problemsOf(failure: Failure): readonly RuleProblem[] {
  const detail = Array.isArray(failure.detail) ? (failure.detail as unknown[]) : [];
  const named = detail.filter(isProblem).map(({ path, message }) => ({ path, message }));
  return named.length > 0 ? named : [{ path: '', message: failure.message }];
}

function isProblem(value: unknown): value is RuleProblem {
  if (typeof value !== 'object' || value === null) return false;
  const { path, message } = value as { path?: unknown; message?: unknown };
  return typeof path === 'string' && typeof message === 'string';
}

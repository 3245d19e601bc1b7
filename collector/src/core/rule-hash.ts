import { hash } from 'node:crypto';
import type { Rule } from './rule';

/**
 * A hash of what a rule says: 64 hexadecimal digits that are the same for the same rule, however its JSON was written.
 * The order of keys does not matter, nor does that of values whose order has no meaning (in `all`, `any`, `in`, `nin`,
 * `where`, `same` and names of events), nor whether a default is written out.
 */
export function hashRule(rule: Rule): string {
  return hash('sha256', JSON.stringify(canonical(rule)), 'hex');
}

const UNORDERED = new Set(['all', 'any', 'in', 'nin', 'where', 'same', 'event']);
const DEFAULTS: Readonly<Record<string, unknown>> = { agg: 'count', salt: '' };

function canonical(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(canonical);
  const entries = Object.entries(value)
    .filter(([key, field]) => field !== undefined && DEFAULTS[key] !== field && !isNotNegated(key, field))
    .map(([key, field]) => [key, UNORDERED.has(key) ? canonicalSet(field) : canonical(field)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries);
}

/** `then` without a `not`; elsewhere `not` holds a rule. */
function isNotNegated(key: string, field: unknown): boolean {
  return key === 'not' && field === false;
}

/** In one order, each once; a single name is a list of one. */
function canonicalSet(value: unknown): readonly unknown[] {
  const texts = [value].flat().map((item) => JSON.stringify(canonical(item)));
  return [...new Set(texts)].sort().map((text) => JSON.parse(text) as unknown);
}

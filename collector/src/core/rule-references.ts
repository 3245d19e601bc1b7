import { leavesOf, type Rule } from './rule';
import type { RuleProblem } from './rule-problem';

/** The rule of each audience of a workspace, by its key; null where it has none, since its members are a list. */
export type RulesByKey = ReadonlyMap<string, Rule | null>;

/**
 * What is wrong with the audiences that a rule names: they must be there, and none may depend on the one that the rule
 * is for. Members are stored, so a circle would never come to rest.
 *
 * @param key of the audience that the rule is for, which may be a new one; null where it is for none
 */
export function checkReferences(
  rule: Rule,
  { key, others }: { readonly key: string | null; readonly others: RulesByKey },
): readonly RuleProblem[] {
  return leavesOf(rule).flatMap(({ path, leaf }) => {
    if (!('audience' in leaf)) return [];
    const at = `${path}.audience`;
    if (leaf.audience !== key && !others.has(leaf.audience)) {
      return [{ path: at, message: `must be the key of an audience; there is none with "${leaf.audience}"` }];
    }
    const circle = key === null ? null : findWay(leaf.audience, { to: key, others });
    if (circle === null) return [];
    const shown = [key, ...circle].map((step) => `"${step}"`).join(', which reads ');
    return [{ path: at, message: `must not lead back to this audience: ${shown}` }];
  });
}

/** The keys of a way from one audience to another over the rules that name each other, both ends with it. */
function findWay(
  from: string,
  { to, others }: { readonly to: string; readonly others: RulesByKey },
): readonly string[] | null {
  const seen = new Set([from]);
  const ways: (readonly string[])[] = [[from]];
  // It grows as it is walked.
  for (const way of ways) {
    const last = way.at(-1)!;
    if (last === to) return way;
    for (const next of namedIn(others.get(last) ?? null)) {
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return null;
}

function namedIn(rule: Rule | null): readonly string[] {
  if (rule === null) return [];
  return leavesOf(rule).flatMap(({ leaf }) => ('audience' in leaf ? [leaf.audience] : []));
}

import type { DecisionDefinition } from './decision';
import { leavesOf, type Rule } from './rule';
import { needsOf } from './rule-needs';
import type { RuleProblem } from './rule-problem';

/** Keys of the audiences that a decision's cases name, each once. */
export function audiencesNamedIn({ cases }: DecisionDefinition): readonly string[] {
  return [...new Set(cases.flatMap(({ when }) => (when === null ? [] : needsOf(when).audiences)))];
}

/** What is wrong with the audiences that a decision names: they must be there. */
export function checkNamedAudiences(
  { cases }: DecisionDefinition,
  known: ReadonlySet<string>,
): readonly RuleProblem[] {
  return cases.flatMap(({ when }, index) =>
    (when === null ? [] : leavesOf(when, `cases[${index}].when`)).flatMap(({ path, leaf }) =>
      'audience' in leaf && !known.has(leaf.audience)
        ? [
            {
              path: `${path}.audience`,
              message: `must be the key of an audience; there is none with "${leaf.audience}"`,
            },
          ]
        : [],
    ),
  );
}

/** What is stored of an audience and one profile. */
export interface NamedAudience {
  readonly key: string;
  readonly id: string;
  /** null: its members are those of a list. */
  readonly rule: Rule | null;
  readonly isMember: boolean;
  /** Whether somebody has yet to look: what is stored may be from before something that is known already. */
  readonly isPending: boolean;
}

/**
 * Those of the audiences that are named, and those that their rules read, each behind what it reads. A circle, which the
 * API refuses, is cut where it closes: what is stored counts there.
 */
export function orderByReading(
  audiences: readonly NamedAudience[],
  named: readonly string[],
): readonly NamedAudience[] {
  const byKey = new Map(audiences.map((each) => [each.key, each]));
  const ordered: NamedAudience[] = [];
  const seen = new Set<string>();
  const visit = (key: string): void => {
    const audience = byKey.get(key);
    if (audience === undefined || seen.has(key)) return;
    seen.add(key);
    for (const read of readBy(audience)) visit(read);
    ordered.push(audience);
  };
  for (const key of named) visit(key);
  return ordered;
}

/** Keys of the audiences whose members an audience's rule reads. */
export function readBy({ rule }: NamedAudience): readonly string[] {
  return rule === null ? [] : needsOf(rule).audiences;
}

/** Keys that the rules of these audiences name, and that are not among them. */
export function missingAmong(audiences: readonly NamedAudience[]): readonly string[] {
  const known = new Set(audiences.map(({ key }) => key));
  return [...new Set(audiences.flatMap(readBy))].filter((key) => !known.has(key));
}

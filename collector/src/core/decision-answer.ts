import type { DecisionDefinition } from './decision';
import { leavesOf } from './rule';
import { sayLeaf } from './rule-explain';

/**
 * Why the default answers: no case held for the profile, or for nobody, since nobody was ever seen under the identifier;
 * or there was no time, no database, or a fault of ours, whatever the cases say.
 */
export type DefaultReason = 'nothing_matched' | 'no_profile' | 'time_limit' | 'unavailable' | 'failed';

/** What one leaf came to. */
export interface Signal {
  /** The case's key. */
  readonly case: string;
  /** Where the leaf stands in the definition, e.g. `cases[0].when.all[1]`. */
  readonly path: string;
  /** What it asks, in English. */
  readonly text: string;
  readonly holds: boolean;
  /** What it compares, cut where it is long; null for what is missing, or where it compares nothing. */
  readonly value: unknown;
}

/** The case that has the say. */
export interface Chosen {
  readonly index: number;
  readonly key: string;
  readonly payload: unknown;
  readonly isDefault: boolean;
}

/** The first case whose rule holds, else the default. @param holds of each case that has a rule */
export function choose({ cases }: DecisionDefinition, holds: readonly boolean[]): Chosen {
  const first = cases.findIndex((_case, index) => holds[index] === true);
  const index = first === -1 ? cases.length - 1 : first;
  const { key, then } = cases[index]!;
  return { index, key, payload: then, isDefault: first === -1 };
}

/** What led to a case: the leaves of it, and of those above that did not hold. */
export function signalsUpTo(
  { cases }: DecisionDefinition,
  last: number,
  found: readonly (readonly [holds: boolean, value: unknown])[],
): readonly Signal[] {
  return cases
    .slice(0, last + 1)
    .flatMap(({ key, when }, index) =>
      (when === null ? [] : leavesOf(when, `cases[${index}].when`)).map((placed) => ({
        ...placed,
        case: key,
      })),
    )
    .map(({ case: key, path, leaf }, index) => {
      const [holds, value] = found[index]!;
      return { case: key, path, text: sayLeaf(leaf), holds, value };
    });
}

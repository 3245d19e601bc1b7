/** What is wrong with a rule, where, and what would be valid there. */
export interface RuleProblem {
  /** The place in the rule as JavaScript would write it, e.g. `rule.all[1].gte`. */
  readonly path: string;
  readonly message: string;
}

/** Who reads more than these mends the first ones first. */
export const MAX_PROBLEMS = 20;

/** Gathers problems, so that one answer names them all. */
export interface Findings {
  readonly problems: readonly RuleProblem[];
  readonly add: (path: string, message: string) => void;
}

export function createFindings(): Findings {
  const problems: RuleProblem[] = [];
  return {
    problems,
    add: (path, message) => {
      if (problems.length < MAX_PROBLEMS) problems.push({ path, message });
    },
  };
}

const MAX_SHOWN_KEY = 60;

/** The path of a key inside an object; a key that is no plain name is quoted, and a long one cut. */
export function pathOf(parent: string, key: string | number): string {
  if (typeof key === 'number') return `${parent}[${key}]`;
  const shown = key.length > MAX_SHOWN_KEY ? `${key.slice(0, MAX_SHOWN_KEY)}…` : key;
  return /^[A-Za-z_$][\w$]*$/.test(shown) ? `${parent}.${shown}` : `${parent}[${JSON.stringify(shown)}]`;
}

/** "a, b or c" */
export function listOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)!}`;
}

import type { Rule } from './rule';

/**
 * What a caller is told to do: the first case whose rule holds for the profile and the context has the say, and the last
 * one has no rule, so that there is always an answer. A definition never changes; another one is another version.
 */
export interface DecisionDefinition {
  readonly cases: readonly DecisionCase[];
  /** How long an answer may take, in milliseconds, unless the caller says otherwise; then it is the default. */
  readonly timeLimitMs: number;
  /** Whether pages may ask, with a write key and for their own anonymous ID. */
  readonly public: boolean;
  /** Whether each answer becomes an event of the profile, unless the caller says otherwise. */
  readonly record: boolean;
}

export interface DecisionCase {
  readonly key: string;
  /** null: the default. */
  readonly when: Rule | null;
  /** What the caller is given; any JSON. */
  readonly then: unknown;
}

/** The event that a recorded decision becomes. */
export const DECISION_EVENT = '$decision';

export const MAX_CASES = 50;
/** How many leaves all cases of a decision may have. */
export const MAX_DECISION_LEAVES = 200;
export const MAX_PAYLOAD_BYTES = 16 * 1024;
export const MAX_CONTEXT_BYTES = 16 * 1024;
export const TIME_LIMIT_MS = { least: 5, most: 5_000, default: 250 } as const;

/** The collector's answers about decisions. */

export interface DecisionCase {
  readonly key: string;
  /** null: the default. */
  readonly when: unknown;
  readonly then: unknown;
  /** When it answers, in English. */
  readonly sentence: string;
}

interface Definition {
  readonly version: number;
  readonly cases: readonly DecisionCase[];
  readonly timeLimitMs: number;
  readonly public: boolean;
  readonly record: boolean;
}

/** With the version that answers. */
export interface Decision extends Definition {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly lastVersion: number;
}

export interface DecisionVersion extends Definition {
  readonly isActive: boolean;
  readonly createdAt: string;
  readonly createdBy: string;
}

/** What was asked, and what it came to. */
export interface Signal {
  readonly case: string;
  readonly path: string;
  readonly text: string;
  readonly holds: boolean;
  readonly value: unknown;
}

export interface Decided {
  readonly version: number;
  readonly case: { readonly key: string; readonly index: number };
  readonly payload: unknown;
  readonly isDefault: boolean;
  readonly defaultReason: string | null;
  readonly profileId: string | null;
  readonly reasons: readonly Signal[];
  readonly tookMs: number;
}

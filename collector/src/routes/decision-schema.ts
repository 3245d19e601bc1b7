import { Type } from '@fastify/type-provider-typebox';
import type { DecisionCase } from '../core/decision';
import { sayRule } from '../core/rule-explain';
import type { StoredDecision, StoredVersion } from '../db/decisions';
import { InstantOut, Nullable } from '../schema';

const CaseSchema = Type.Object({
  key: Type.String(),
  when: Nullable(
    Type.Unsafe<unknown>({
      type: 'object',
      additionalProperties: true,
      description: 'null: the default.',
    }),
  ),
  then: Type.Unknown(),
  sentence: Type.String({ description: 'When it answers, in English.' }),
});

const versionFields = {
  version: Type.Integer(),
  cases: Type.Array(CaseSchema),
  timeLimitMs: Type.Integer(),
  public: Type.Boolean(),
  record: Type.Boolean(),
};

export const VersionSchema = Type.Object({
  ...versionFields,
  isActive: Type.Boolean({ description: 'Whether it is the one that answers.' }),
  createdAt: InstantOut,
  createdBy: Type.String({ description: '`key:` and the ID of a secret key, `console`, or `demo`.' }),
});

/** A decision as the API shows it, with the version that answers. */
export const DecisionSchema = Type.Object({
  id: Type.String(),
  key: Type.String(),
  name: Type.String(),
  createdAt: InstantOut,
  updatedAt: InstantOut,
  lastVersion: Type.Integer(),
  ...versionFields,
});

export function shownDecision({ active, ...decision }: StoredDecision) {
  return { ...decision, version: active.version, ...shownDefinition(active) };
}

export function shownVersion(version: StoredVersion, active: Pick<StoredVersion, 'version'>) {
  const { version: number, createdAt, createdBy } = version;
  const isActive = number === active.version;
  return { version: number, isActive, createdAt, createdBy, ...shownDefinition(version) };
}

function shownDefinition({ definition: { cases, timeLimitMs, public: isPublic, record } }: StoredVersion) {
  return { cases: cases.map(shownCase), timeLimitMs, public: isPublic, record };
}

function shownCase({ key, when, then }: DecisionCase) {
  return { key, when, then, sentence: when === null ? 'Otherwise.' : `If ${sayRule(when)}.` };
}

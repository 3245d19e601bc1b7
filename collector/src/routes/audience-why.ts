import { Type } from '@fastify/type-provider-typebox';
import type { Kysely } from 'kysely';
import { leavesOf } from '../core/rule';
import { checkRule } from '../core/rule-check';
import { explainRule } from '../core/rule-explain';
import type { Database } from '../db/tables';
import { readWhy } from '../db/rule-run';
import { ApiError } from '../errors';

/** What each clause of a rule found of a profile. */
export const WhySchema = Type.Array(
  Type.Object({
    path: Type.String({ description: 'Where the clause stands in the rule, such as rule.all[1].' }),
    holds: Type.Boolean(),
    value: Type.Unknown({
      description: 'What was compared; null where there was nothing, or nothing to compare.',
    }),
  }),
  { description: 'What each clause found, in the order of clauses.' },
);

export const ClauseTextSchema = Type.Object({
  path: Type.String(),
  text: Type.String({ description: 'What it asks, in English.' }),
});

/** How many members may be asked about at a time: each is looked at anew. */
export const MAX_EXPLAINED = 100;

interface Asked {
  readonly workspaceId: string;
  /** null: a list has no rule to ask. */
  readonly rule: unknown;
  readonly now: Date;
  readonly limit: number;
}

/**
 * What the clauses of an audience's rule find of its members, now.
 *
 * @throws ApiError invalid_request, invalid_rule, too_slow
 */
export async function explainMembers<T extends { readonly profileId: string }>(
  db: Kysely<Database>,
  { workspaceId, rule: stored, now, limit }: Asked,
  members: readonly T[],
) {
  if (limit > MAX_EXPLAINED) {
    const detail = [{ path: 'querystring.limit', message: `must be at most ${MAX_EXPLAINED} with why` }];
    throw new ApiError('invalid_request', undefined, detail);
  }
  if (stored === null) return { data: members.map((member) => ({ ...member, why: [] })), clauses: [] };
  const checked = checkRule(stored);
  if (!checked.ok) throw new ApiError('invalid_rule', undefined, checked.problems);
  const { rule } = checked;
  const ids = members.map(({ profileId }) => profileId);
  const found = await readWhy(db, { workspaceId, rule, now }, ids);
  if (found === null) throw new ApiError('too_slow', 'That takes too long; ask about fewer members.');
  const paths = leavesOf(rule).map(({ path }) => path);
  const data = members.map((member) => ({
    ...member,
    why: sayWhy(paths, found.get(member.profileId)?.why ?? []),
  }));
  return { data, clauses: explainRule(rule).leaves.map(({ path, text }) => ({ path, text })) };
}

export function sayWhy(
  paths: readonly string[],
  why: readonly (readonly [holds: boolean, value: unknown])[],
) {
  return why.map(([holds, value], index) => ({ path: paths[index]!, holds, value }));
}

import { Type } from '@fastify/type-provider-typebox';
import type { DecisionDefinition } from '../core/decision';
import { checkNamedAudiences } from '../core/decision-audiences';
import { listRules } from '../db/audience-readers';
import { findDecision, type StoredDecision } from '../db/decisions';
import { ApiError } from '../errors';
import { StrictObject } from '../schema';

export const DecisionParams = StrictObject({
  id: Type.String({ minLength: 1, maxLength: 100, description: 'A decision’s ID, or its key.' }),
});

type Db = Parameters<typeof findDecision>[0];

/** @throws ApiError not_found */
export async function requireDecision(
  db: Db,
  workspaceId: string,
  reference: string,
): Promise<StoredDecision> {
  const decision = await findDecision(db, workspaceId, reference);
  if (decision === null) throw new ApiError('not_found', 'There is no decision with this ID or key.');
  return decision;
}

/** @throws ApiError invalid_decision where it names audiences that are not there */
export async function requireAudiences(
  db: Db,
  workspaceId: string,
  definition: DecisionDefinition,
): Promise<void> {
  const known = new Set((await listRules(db, workspaceId)).keys());
  const problems = checkNamedAudiences(definition, known);
  if (problems.length > 0) throw new ApiError('invalid_decision', undefined, problems);
}

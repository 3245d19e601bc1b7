import { Type } from '@fastify/type-provider-typebox';
import { subjectIdOf } from '../core/identifier';
import { isUuid } from '../core/uuid';
import { resolveProfile } from '../db/profiles';
import { ApiError } from '../errors';
import { StrictObject } from '../schema';

export const ProfileParams = StrictObject({
  id: Type.String({
    minLength: 1,
    maxLength: 300,
    description: 'A profile ID, or user:…, email:…, anonymous:…',
  }),
});

type Reference = { readonly workspaceId: string; readonly reference: string };

/**
 * The profile that an ID or an identifier stands for.
 *
 * @throws ApiError not_found
 */
export async function requireProfile(
  db: Parameters<typeof resolveProfile>[0],
  { workspaceId, reference }: Reference,
): Promise<string> {
  return (await resolveReference(db, { workspaceId, reference })).id;
}

/**
 * As {@link requireProfile}, and what was asked for: an ID of its own where it belongs to another profile now.
 *
 * @throws ApiError not_found
 */
export async function resolveReference(
  db: Parameters<typeof resolveProfile>[0],
  { workspaceId, reference }: Reference,
): Promise<{ readonly id: string; readonly requestedId: string }> {
  const requestedId = subjectIdFrom({ workspaceId, reference });
  const id = requestedId === null ? null : await resolveProfile(db, workspaceId, requestedId);
  if (id === null) throw new ApiError('not_found', 'There is no profile with this ID.');
  return { id, requestedId: requestedId! };
}

/** The subject that an ID or an identifier stands for; null where it is neither. */
export function subjectIdFrom({ workspaceId, reference }: Reference): string | null {
  const [, kind, value] = /^(user|email|anonymous):(.*)$/s.exec(reference) ?? [];
  if (value === undefined) return isUuid(reference) ? reference.toLowerCase() : null;
  const trimmed = value.trim();
  const wanted = kind === 'email' ? trimmed.toLowerCase() : trimmed;
  return subjectIdOf(workspaceId, { kind: kind as 'user' | 'email' | 'anonymous', value: wanted });
}

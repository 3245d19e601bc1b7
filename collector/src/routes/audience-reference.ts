import { Type } from '@fastify/type-provider-typebox';
import { type Audience, findAudience } from '../db/audiences';
import { ApiError } from '../errors';
import { StrictObject } from '../schema';

export const AudienceParams = StrictObject({
  id: Type.String({ minLength: 1, maxLength: 100, description: 'An audience ID, or a key.' }),
});

/**
 * The audience that an ID or a key stands for.
 *
 * @throws ApiError not_found
 */
export async function requireAudience(
  db: Parameters<typeof findAudience>[0],
  { workspaceId, reference }: { readonly workspaceId: string; readonly reference: string },
): Promise<Audience> {
  const audience = await findAudience(db, workspaceId, reference);
  if (audience === null) throw new ApiError('not_found', 'There is no audience with this ID or key.');
  return audience;
}

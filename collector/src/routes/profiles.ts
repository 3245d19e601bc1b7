import { Type } from '@fastify/type-provider-typebox';
import { encodeCursor } from '../core/cursor';
import { inWorkspace } from '../db/connect';
import { listProfiles, readIdentifiers, readMemberships, readProfiles } from '../db/profiles';
import { ApiError } from '../errors';
import { PageQuery, pageOf, ProfileDetailSchema, ProfileSchema, StrictObject } from '../schema';
import type { AddRoutes } from './context';
import { pageFrom, readCursor } from './page';
import { ProfileParams, requireProfile } from './profile-reference';

const ListQuery = StrictObject({
  ...PageQuery,
  search: Type.Optional(
    Type.String({ maxLength: 200, description: 'The beginning of a user ID, email or anonymous ID.' }),
  ),
});

/** People: the list, one of them, and what they did. */
export const addProfileRoutes: AddRoutes = (app, { db, access }) => {
  const tags = ['profiles'];

  app.get(
    '/v1/profiles',
    {
      schema: {
        tags,
        summary: 'List profiles, most recently seen first',
        querystring: ListQuery,
        response: { 200: pageOf(ProfileSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor, search } = request.query;
      const after = readCursor(cursor);
      const data = await inWorkspace(db, workspaceId, (transaction) =>
        listProfiles(transaction, workspaceId, { search: search?.trim() || null, limit: limit + 1, after }),
      );
      return pageFrom(data, {
        limit,
        cursorOf: (profile) => encodeCursor({ at: profile.lastSeenAt.getTime(), id: profile.id }),
      });
    },
  );

  app.get(
    '/v1/profiles/:id',
    {
      schema: {
        tags,
        summary: 'One profile, with its identifiers and audiences',
        params: ProfileParams,
        response: { 200: ProfileDetailSchema },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      return inWorkspace(db, workspaceId, async (transaction) => {
        const id = await requireProfile(transaction, { workspaceId, reference: request.params.id });
        const [profile] = await readProfiles(transaction, workspaceId, [id]);
        if (profile === undefined) throw new ApiError('not_found');
        const identifiers = await readIdentifiers(transaction, workspaceId, id);
        const audiences = await readMemberships(transaction, workspaceId, id);
        return { ...profile, identifiers, audiences };
      });
    },
  );
};

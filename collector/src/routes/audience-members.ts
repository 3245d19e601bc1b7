import { Type } from '@fastify/type-provider-typebox';
import { encodeCursor } from '../core/cursor';
import { listMembers } from '../db/audiences';
import { inWorkspace } from '../db/connect';
import { InstantOut, Nullable, PageQuery, pageOf, StrictObject } from '../schema';
import { AudienceParams, requireAudience } from './audience-reference';
import { CauseSchema } from './audience-schema';
import type { AddRoutes } from './context';
import { pageFrom, readCursor } from './page';

const MemberSchema = Type.Object({
  profileId: Type.String(),
  userId: Nullable(Type.String()),
  email: Nullable(Type.String()),
  anonymousId: Nullable(Type.String()),
  enteredAt: InstantOut,
  cause: CauseSchema,
});

const tags = ['audiences'];

/** Who belongs to an audience. */
export const addAudienceMemberRoutes: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/audiences/:id/members',
    {
      schema: {
        tags,
        summary: 'List members, who entered last first',
        params: AudienceParams,
        querystring: StrictObject(PageQuery),
        response: { 200: pageOf(MemberSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor } = request.query;
      const after = readCursor(cursor);
      const members = await inWorkspace(db, workspaceId, async (transaction) => {
        const { id } = await requireAudience(transaction, { workspaceId, reference: request.params.id });
        return listMembers(transaction, workspaceId, { audienceId: id, limit: limit + 1, after });
      });
      return pageFrom(members, {
        limit,
        cursorOf: ({ enteredAt, profileId }) => encodeCursor({ at: enteredAt.getTime(), id: profileId }),
      });
    },
  );
};

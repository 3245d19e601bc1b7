import { Type } from '@fastify/type-provider-typebox';
import { encodeCursor } from '../core/cursor';
import { listMembers } from '../db/audiences';
import { inWorkspace } from '../db/connect';
import { InstantOut, Nullable, PageQuery, pageOf, StrictObject } from '../schema';
import { AudienceParams, requireAudience } from './audience-reference';
import { CauseSchema } from './audience-schema';
import { ClauseTextSchema, explainMembers, MAX_EXPLAINED, WhySchema } from './audience-why';
import type { AddRoutes } from './context';
import { pageFrom, readCursor } from './page';

const MemberSchema = Type.Object({
  profileId: Type.String(),
  userId: Nullable(Type.String()),
  email: Nullable(Type.String()),
  anonymousId: Nullable(Type.String()),
  enteredAt: InstantOut,
  cause: CauseSchema,
  why: Type.Optional(WhySchema),
});

const tags = ['audiences'];

/** Who belongs to an audience. */
export const addAudienceMemberRoutes: AddRoutes = (app, { db, access, now }) => {
  app.get(
    '/v1/audiences/:id/members',
    {
      schema: {
        tags,
        summary: 'List members, who entered last first',
        description: `With \`why=true\`, and a limit of at most ${MAX_EXPLAINED}, what each clause of the rule finds of each of them now.`,
        params: AudienceParams,
        querystring: StrictObject({ ...PageQuery, why: Type.Boolean({ default: false }) }),
        response: {
          200: Type.Intersect([
            pageOf(MemberSchema),
            Type.Object({
              clauses: Type.Optional(
                Type.Array(ClauseTextSchema, { description: 'With why: what the clauses ask.' }),
              ),
            }),
          ]),
        },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor, why } = request.query;
      const after = readCursor(cursor);
      const { members, rule } = await inWorkspace(db, workspaceId, async (transaction) => {
        const audience = await requireAudience(transaction, { workspaceId, reference: request.params.id });
        const place = { audienceId: audience.id, limit: limit + 1, after };
        return { members: await listMembers(transaction, workspaceId, place), rule: audience.rule };
      });
      const page = pageFrom(members, {
        limit,
        cursorOf: ({ enteredAt, profileId }) => encodeCursor({ at: enteredAt.getTime(), id: profileId }),
      });
      if (!why) return page;
      return { ...page, ...(await explainMembers(db, { workspaceId, rule, now: now(), limit }, page.data)) };
    },
  );
};

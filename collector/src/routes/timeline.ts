import { Type } from '@fastify/type-provider-typebox';
import { encodeCursor } from '../core/cursor';
import { inWorkspace } from '../db/connect';
import { readTimeline } from '../db/events';
import { EventTypeSchema, Instant, PageQuery, pageOf, ShownEventSchema, StrictObject } from '../schema';
import type { AddRoutes } from './context';
import { pageFrom, readCursor } from './page';
import { ProfileParams, requireProfile } from './profile-reference';

const TimelineQuery = StrictObject({
  ...PageQuery,
  from: Type.Optional(Instant),
  to: Type.Optional(Type.String({ format: 'date-time', description: 'RFC 3339; exclusive.' })),
  type: Type.Optional(EventTypeSchema),
  event: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  include: Type.Optional(Type.Literal('context')),
});

/** What one person did. */
export const addTimelineRoutes: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/profiles/:id/timeline',
    {
      schema: {
        tags: ['profiles'],
        summary: 'What a profile did, newest first',
        params: ProfileParams,
        querystring: TimelineQuery,
        response: { 200: pageOf(ShownEventSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor, from, to, type, event, include } = request.query;
      const after = readCursor(cursor);
      const placed = await inWorkspace(db, workspaceId, async (transaction) =>
        readTimeline(transaction, workspaceId, {
          profileId: await requireProfile(transaction, { workspaceId, reference: request.params.id }),
          from: from === undefined ? null : new Date(from),
          to: to === undefined ? null : new Date(to),
          type: type ?? null,
          event: event ?? null,
          limit: limit + 1,
          after,
          hasContext: include === 'context',
        }),
      );
      const page = pageFrom(placed, { limit, cursorOf: ({ place }) => encodeCursor(place) });
      return { data: page.data.map(({ event: shown }) => shown), nextCursor: page.nextCursor };
    },
  );
};

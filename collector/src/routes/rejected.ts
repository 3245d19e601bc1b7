import { Type } from '@fastify/type-provider-typebox';
import { encodeCursor } from '../core/cursor';
import { REJECTION_CODES } from '../core/refusal';
import { inWorkspace } from '../db/connect';
import { listRejected } from '../db/rejected';
import { Instant, InstantOut, Nullable, PageQuery, pageOf, StrictObject } from '../schema';
import type { AddRoutes } from './context';
import { pageFrom, readCursor } from './page';

const RejectedQuery = StrictObject({
  ...PageQuery,
  code: Type.Optional(Type.Unsafe<string>({ type: 'string', enum: [...REJECTION_CODES] })),
  source: Type.Optional(Type.String({ format: 'uuid', description: "A source's ID." })),
  from: Type.Optional(Instant),
  to: Type.Optional(Type.String({ format: 'date-time', description: 'RFC 3339; exclusive.' })),
});

const RejectedSchema = Type.Object({
  id: Type.String(),
  receivedAt: InstantOut,
  messageId: Nullable(Type.String()),
  code: Type.String({ description: 'One of the refusals in docs/errors.md.' }),
  message: Type.String({ description: 'The reason.' }),
  payload: Type.String({ description: 'Its first 2,000 characters: JSON that may be cut short.' }),
  source: Type.Object({ id: Type.String(), name: Nullable(Type.String()) }),
});

/** What was refused, and why. */
export const addRejectedRoutes: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/rejected',
    {
      schema: {
        tags: ['events'],
        summary: 'List refused events, newest first',
        description: 'Each with its reason; kept for 30 days.',
        querystring: RejectedQuery,
        response: { 200: pageOf(RejectedSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor, code, source, from, to } = request.query;
      const after = readCursor(cursor);
      const rejected = await inWorkspace(db, workspaceId, (transaction) =>
        listRejected(transaction, workspaceId, {
          code: code ?? null,
          sourceId: source ?? null,
          from: from === undefined ? null : new Date(from),
          to: to === undefined ? null : new Date(to),
          limit: limit + 1,
          after,
        }),
      );
      return pageFrom(rejected, {
        limit,
        cursorOf: ({ receivedAt, id }) => encodeCursor({ at: receivedAt.getTime(), id }),
      });
    },
  );
};

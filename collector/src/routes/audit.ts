import { Type } from '@fastify/type-provider-typebox';
import { encodeCursor } from '../core/cursor';
import { listAuditEntries } from '../db/audit';
import { inWorkspace } from '../db/connect';
import { AnyObject, InstantOut, PageQuery, pageOf, StrictObject } from '../schema';
import type { AddRoutes } from './context';
import { pageFrom, readCursor } from './page';

const AuditEntrySchema = Type.Object({
  id: Type.String(),
  at: InstantOut,
  actor: Type.String({ description: '`key:` and the ID of the secret key, or `console`.' }),
  action: Type.String({ description: 'E.g. `regulation.delete`.' }),
  detail: AnyObject,
});

/** Who changed by hand what events alone would say. */
export const addAuditRoutes: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/audit',
    {
      schema: {
        tags: ['privacy'],
        summary: 'What was changed by hand, newest first',
        description: 'Who did it (which key), when, what, and to how many; never to whom.',
        querystring: StrictObject(PageQuery),
        response: { 200: pageOf(AuditEntrySchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor } = request.query;
      const after = readCursor(cursor);
      const entries = await inWorkspace(db, workspaceId, (transaction) =>
        listAuditEntries(transaction, workspaceId, { limit: limit + 1, after }),
      );
      return pageFrom(
        entries.map(({ entryId: id, ...entry }) => ({ id, ...entry })),
        { limit, cursorOf: ({ at, id }) => encodeCursor({ at: at.getTime(), id }) },
      );
    },
  );
};

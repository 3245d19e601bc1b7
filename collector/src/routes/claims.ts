import { Type } from '@fastify/type-provider-typebox';
import { encodeCursor } from '../core/cursor';
import type { Pair } from '../core/identity';
import { inWorkspace } from '../db/connect';
import { listVoids } from '../db/voids';
import { ApiError } from '../errors';
import { InstantOut, PageQuery, pageOf, StrictObject } from '../schema';
import type { AddRoutes } from './context';
import { NamedSchema, PreviewQuery, PreviewSchema, Reference, showMoves } from './moves';
import { pageFrom, readCursor } from './page';
import { subjectIdFrom } from './profile-reference';

const tags = ['identity'];

const PairBody = { weaker: Reference, stronger: Reference };

const VoidSchema = Type.Object({
  id: Type.String(),
  weaker: NamedSchema,
  stronger: NamedSchema,
  voidedAt: InstantOut,
  voidedBy: Type.String({ description: '"key:" and the secret key’s ID, or "console".' }),
});
const NewVoidSchema = Type.Object({ ...VoidSchema.properties, ...PreviewSchema.properties });
/** What is there already, or only what would move. */
const SameVoidSchema = Type.Object({ ...Type.Partial(VoidSchema).properties, ...PreviewSchema.properties });

/** Claims that were a mistake, taken out until that is taken back. */
export const addClaimRoutes: AddRoutes = (app, context) => {
  addVoiding(app, context);
  addUndo(app, context);
  addList(app, context);
};

const addVoiding: AddRoutes = (app, { db, access, identity }) => {
  app.post(
    '/v1/claims/void',
    {
      schema: {
        tags,
        summary: 'Take the claims between two identifiers out',
        description:
          'Events then belong to whom they would if nobody had ever claimed the weaker one for the stronger one. ' +
          '`preview=true` answers 200 with what would move; a pair that is void already 200 without moves.',
        body: StrictObject(PairBody),
        querystring: PreviewQuery,
        response: { 200: SameVoidSchema, 201: NewVoidSchema },
      },
    },
    async (request, reply) => {
      const { workspaceId, actor } = access.readerOf(request);
      const pair = readPair(workspaceId, request.body);
      const isPreview = request.query.preview;
      const outcome = await identity.changeVoid({ workspaceId, actor, isPreview, isVoid: true, ...pair });
      if (outcome.status === 'unknown') throw noSuchPair();
      if (outcome.status === 'erased') throw new ApiError('profile_erased');
      const isNew = outcome.status === 'changed';
      const moves = isNew ? await showMoves(db, workspaceId, outcome.transfers) : [];
      if (isPreview) return { moves };
      const [shown] = await inWorkspace(db, workspaceId, (transaction) =>
        listVoids(transaction, workspaceId, { limit: 1, after: null, pair }),
      );
      // Somebody took it back at once.
      if (shown === undefined) throw noSuchPair();
      return reply.code(isNew ? 201 : 200).send({ ...shown, moves });
    },
  );
};

const addUndo: AddRoutes = (app, { db, access, identity }) => {
  app.delete(
    '/v1/claims/void',
    {
      schema: {
        tags,
        summary: 'Let the claims between two identifiers count again',
        description:
          'As if they had never been void, with what arrived meanwhile. Also 204 where they were not void. ' +
          '`preview=true` answers 200 with what would move.',
        querystring: StrictObject({ ...PairBody, ...PreviewQuery.properties }),
        response: { 200: PreviewSchema, 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { workspaceId, actor } = access.readerOf(request);
      const { preview: isPreview, ...pair } = request.query;
      const outcome = await identity.changeVoid({
        ...{ workspaceId, actor, isPreview, isVoid: false },
        ...readPair(workspaceId, pair),
      });
      if (outcome.status === 'unknown') throw noSuchPair();
      if (outcome.status === 'erased') throw new ApiError('profile_erased');
      if (!isPreview) return reply.code(204).send(null);
      return { moves: await showMoves(db, workspaceId, 'transfers' in outcome ? outcome.transfers : []) };
    },
  );
};

const addList: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/claims/voids',
    {
      schema: {
        tags,
        summary: 'List what is void, newest first',
        querystring: StrictObject(PageQuery),
        response: { 200: pageOf(VoidSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor } = request.query;
      const after = readCursor(cursor);
      const voids = await inWorkspace(db, workspaceId, (transaction) =>
        listVoids(transaction, workspaceId, { limit: limit + 1, after }),
      );
      return pageFrom(voids, {
        limit,
        cursorOf: ({ voidedAt, id }) => encodeCursor({ at: voidedAt.getTime(), id }),
      });
    },
  );
};

/** @throws ApiError not_found */
function readPair(workspaceId: string, pair: { weaker: string; stronger: string }): Pair {
  const weakerId = subjectIdFrom({ workspaceId, reference: pair.weaker });
  const strongerId = subjectIdFrom({ workspaceId, reference: pair.stronger });
  if (weakerId === null || strongerId === null) throw noSuchPair();
  return { weakerId, strongerId };
}

const noSuchPair = (): ApiError =>
  new ApiError('not_found', 'No event claims that the weaker identifier belongs to the stronger one.');

import { Type } from '@fastify/type-provider-typebox';
import { encodeCursor } from '../core/cursor';
import { inWorkspace } from '../db/connect';
import { type Link, listLinks } from '../db/links';
import { ApiError } from '../errors';
import type { LinkOutcome } from '../ingest/link-users';
import { InstantOut, PageQuery, pageOf, StrictObject } from '../schema';
import type { AddRoutes } from './context';
import { NamedSchema, PreviewQuery, PreviewSchema, Reference, showMoves } from './moves';
import { pageFrom, readCursor } from './page';
import { subjectIdFrom } from './profile-reference';

const tags = ['identity'];

const LinkBody = { source: Reference, target: Reference };

const LinkSchema = Type.Object({
  id: Type.String(),
  source: NamedSchema,
  target: NamedSchema,
  linkedAt: InstantOut,
  linkedBy: Type.String({ description: '"key:" and the secret key’s ID, or "console".' }),
});
const NewLinkSchema = Type.Object({ ...LinkSchema.properties, ...PreviewSchema.properties });
/** What is there already, or only what would move. */
const SameLinkSchema = Type.Object({ ...Type.Partial(LinkSchema).properties, ...PreviewSchema.properties });

/** Two users who are one, as somebody says who knows. */
export const addLinkRoutes: AddRoutes = (app, context) => {
  addLinking(app, context);
  addUndo(app, context);
  addList(app, context);
};

const addLinking: AddRoutes = (app, { db, access, identity }) => {
  app.post(
    '/v1/profiles/link',
    {
      schema: {
        tags,
        summary: 'Join a user to another one',
        description:
          'All that belongs to the source, and what will, belongs to the target. One hop: a target cannot be a source. ' +
          '`preview=true` answers 200 with what would move; a link that is there already 200 without moves.',
        body: StrictObject(LinkBody),
        querystring: PreviewQuery,
        response: { 200: SameLinkSchema, 201: NewLinkSchema },
      },
    },
    async (request, reply) => {
      const { workspaceId, actor } = access.readerOf(request);
      const link = readLink(workspaceId, request.body);
      const isPreview = request.query.preview;
      const outcome = await identity.changeLink({ workspaceId, actor, isPreview, isLinked: true, ...link });
      refuse(outcome);
      const isNew = outcome.status === 'changed';
      const moves = isNew ? await showMoves(db, workspaceId, outcome.transfers) : [];
      if (isPreview) return { moves };
      const [shown] = await inWorkspace(db, workspaceId, (transaction) =>
        listLinks(transaction, workspaceId, { limit: 1, after: null, sourceId: link.sourceId }),
      );
      // Somebody took it back at once.
      if (shown === undefined) throw new ApiError('not_found');
      return reply.code(isNew ? 201 : 200).send({ ...shown, moves });
    },
  );
};

const addUndo: AddRoutes = (app, { db, access, identity }) => {
  app.delete(
    '/v1/profiles/link',
    {
      schema: {
        tags,
        summary: 'Tell two users apart again',
        description:
          'As if they had never been joined. Also 204 where they were not. `preview=true` answers 200 with what would move.',
        querystring: StrictObject({ ...LinkBody, ...PreviewQuery.properties }),
        response: { 200: PreviewSchema, 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { workspaceId, actor } = access.readerOf(request);
      const { preview: isPreview, ...link } = request.query;
      const outcome = await identity.changeLink({
        ...{ workspaceId, actor, isPreview, isLinked: false },
        ...readLink(workspaceId, link),
      });
      refuse(outcome);
      if (!isPreview) return reply.code(204).send(null);
      return { moves: await showMoves(db, workspaceId, 'transfers' in outcome ? outcome.transfers : []) };
    },
  );
};

const addList: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/profiles/links',
    {
      schema: {
        tags,
        summary: 'List links, newest first',
        querystring: StrictObject(PageQuery),
        response: { 200: pageOf(LinkSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor } = request.query;
      const after = readCursor(cursor);
      const links = await inWorkspace(db, workspaceId, (transaction) =>
        listLinks(transaction, workspaceId, { limit: limit + 1, after }),
      );
      return pageFrom(links, {
        limit,
        cursorOf: ({ linkedAt, id }) => encodeCursor({ at: linkedAt.getTime(), id }),
      });
    },
  );
};

/** @throws ApiError not_found, invalid_request */
function readLink(workspaceId: string, link: { source: string; target: string }): Link {
  const sourceId = subjectIdFrom({ workspaceId, reference: link.source });
  const targetId = subjectIdFrom({ workspaceId, reference: link.target });
  if (sourceId === null || targetId === null) throw noSuchUser();
  if (sourceId === targetId) throw new ApiError('invalid_request', 'A user cannot be linked to itself.');
  return { sourceId, targetId };
}

/** @throws ApiError not_found, invalid_request, link_conflict */
function refuse(
  outcome: LinkOutcome,
): asserts outcome is Extract<LinkOutcome, { status: 'changed' | 'unchanged' }> {
  if (outcome.status === 'unknown') throw noSuchUser();
  if (outcome.status === 'no_user') {
    throw new ApiError('invalid_request', 'Only users can be linked; claims join what is weaker.');
  }
  if (outcome.status === 'erased') throw new ApiError('profile_erased');
  if (outcome.status === 'taken') {
    const { sourceId, targetId } = outcome.by;
    throw new ApiError('link_conflict', undefined, { source: sourceId, target: targetId });
  }
}

const noSuchUser = (): ApiError => new ApiError('not_found', 'There is no user with this ID.');

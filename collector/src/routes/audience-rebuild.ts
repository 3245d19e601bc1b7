import { Type } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger } from 'fastify';
import type { AudienceReference } from '../db/audience-lock';
import { RebuildError } from '../db/audience-evaluation';
import { cancelRebuild, rebuildAudience, RebuildCancelled, type Rebuilt } from '../db/audience-rebuild';
import { inWorkspace } from '../db/connect';
import { ApiError } from '../errors';
import { InstantOut } from '../schema';
import { AudienceParams, requireAudience } from './audience-reference';
import { DifferenceSchema } from './audience-schema';
import type { AddRoutes, RouteContext } from './context';

const tags = ['audiences'];

/** Finding all members anew, and giving that up. */
export const addAudienceRebuildRoutes: AddRoutes = (app, { db, access, now }) => {
  app.post(
    '/v1/audiences/:id/rebuild',
    {
      schema: {
        tags,
        summary: 'Find all members anew',
        description:
          'Members are kept current without it. Readers see those from before or from after, nothing between; ' +
          'meanwhile the audience says `state: "building"`, since when and how long it took last time. ' +
          '`rebuild_cancelled` where somebody gives it up.',
        params: AudienceParams,
        response: { 200: Type.Object({ ...DifferenceSchema, rebuiltAt: InstantOut }) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { id } = await inWorkspace(db, workspaceId, (transaction) =>
        requireAudience(transaction, { workspaceId, reference: request.params.id }),
      );
      return rebuildOrSay({ db, now }, { workspaceId, audienceId: id }, request.log);
    },
  );

  app.delete(
    '/v1/audiences/:id/rebuild',
    {
      schema: {
        tags,
        summary: 'Give up the rebuild that runs',
        description: 'The members stay as they were. 404 where none runs.',
        params: AudienceParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { workspaceId } = access.readerOf(request);
      const { id } = await inWorkspace(db, workspaceId, (transaction) =>
        requireAudience(transaction, { workspaceId, reference: request.params.id }),
      );
      const wasRunning = await cancelRebuild(db, { workspaceId, audienceId: id });
      if (!wasRunning) throw new ApiError('not_found', 'No rebuild of this audience runs.');
      return reply.code(204).send(null);
    },
  );
};

/** @throws ApiError not_found, rebuild_cancelled, or internal with what the audience's `error` says */
export async function rebuildOrSay(
  { db, now }: Pick<RouteContext, 'db' | 'now'>,
  audience: AudienceReference,
  log: Pick<FastifyBaseLogger, 'error'>,
): Promise<Rebuilt> {
  const rebuilt = await rebuildAudience(db, { ...audience, now }).catch((error: unknown) => {
    if (error instanceof RebuildCancelled) throw new ApiError('rebuild_cancelled');
    if (!(error instanceof RebuildError)) throw error;
    log.error({ err: error.cause ?? error }, 'An audience could not be rebuilt');
    throw new ApiError('internal', error.message);
  });
  // Deleted while it waited for its turn.
  if (rebuilt === null) throw new ApiError('not_found');
  return rebuilt;
}

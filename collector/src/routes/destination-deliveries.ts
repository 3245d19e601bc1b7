import { Type } from '@fastify/type-provider-typebox';
import type { Reader } from '../access';
import { encodeCursor } from '../core/cursor';
import { changeWorkspace, inWorkspace } from '../db/connect';
import { listAttempts, listDeliveries, replayDead } from '../db/delivery-log';
import { ApiError } from '../errors';
import { PageQuery, pageOf, StrictObject } from '../schema';
import type { AddRoutes } from './context';
import {
  AttemptSchema,
  DeliveryParams,
  DeliverySchema,
  DeliveryStateSchema,
  DestinationParams,
  requireDestination,
} from './destination-schema';
import { noteChange } from './note-change';
import { pageFrom, readCursor } from './page';

const tags = ['destinations'];
const ReplayedSchema = Type.Object({
  replayed: Type.Integer({ description: 'How many deliveries are sent again.' }),
});

/** What was sent to a destination, what came back, and sending again what was given up. */
export const addDeliveryRoutes: AddRoutes = (app, context) => {
  addLog(app, context);
  addReplay(app, context);
};

const addLog: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/destinations/:id/deliveries',
    {
      schema: {
        tags,
        summary: 'What was sent, newest first',
        description: 'For 30 days after its end. With `state=dead` those that were given up.',
        params: DestinationParams,
        querystring: StrictObject({ ...PageQuery, state: Type.Optional(DeliveryStateSchema) }),
        response: { 200: pageOf(DeliverySchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor, state } = request.query;
      const after = readCursor(cursor);
      const deliveries = await inWorkspace(db, workspaceId, async (transaction) => {
        const { id } = await requireDestination(transaction, { workspaceId, reference: request.params.id });
        const place = { workspaceId, destinationId: id };
        return listDeliveries(transaction, place, { state, limit: limit + 1, after });
      });
      return pageFrom(deliveries, {
        limit,
        cursorOf: ({ createdAt, id }) => encodeCursor({ at: createdAt.getTime(), id }),
      });
    },
  );

  app.get(
    '/v1/destinations/:id/deliveries/:deliveryId/attempts',
    {
      schema: {
        tags,
        summary: 'Each time that a delivery was sent, and what came back',
        params: DeliveryParams,
        response: { 200: Type.Object({ data: Type.Array(AttemptSchema) }) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { id: reference, deliveryId } = request.params;
      const data = await inWorkspace(db, workspaceId, async (transaction) => {
        const { id } = await requireDestination(transaction, { workspaceId, reference });
        return listAttempts(transaction, { workspaceId, destinationId: id }, deliveryId);
      });
      if (data === null) throw new ApiError('not_found', 'The destination has no such delivery.');
      return { data };
    },
  );
};

const addReplay: AddRoutes = (app, { db, access, now, newId }) => {
  const replay = (reader: Reader, reference: string, deliveryId?: string) =>
    changeWorkspace(db, reader.workspaceId, async (transaction) => {
      const { workspaceId } = reader;
      const { id, key } = await requireDestination(transaction, { workspaceId, reference });
      const which = deliveryId === undefined ? {} : { deliveryId };
      const its = { workspaceId, destinationId: id };
      const replayed = await replayDead(transaction, its, { ...which, at: now() });
      if (replayed > 0) {
        const noted = { action: 'destination.replay', detail: { id, key, deliveries: replayed } };
        await noteChange(transaction, { now, newId }, { ...reader, ...noted });
      }
      return { replayed };
    });

  app.post(
    '/v1/destinations/:id/replay',
    {
      schema: {
        tags,
        summary: 'Send all dead deliveries again',
        description:
          'Each with its webhook-id, and for a day anew. What is older than something that was sent of the same ' +
          'profile and audience since is left out: what a receiver knows last stays the latest.',
        params: DestinationParams,
        response: { 200: ReplayedSchema },
      },
    },
    async (request) => replay(access.readerOf(request), request.params.id),
  );

  app.post(
    '/v1/destinations/:id/deliveries/:deliveryId/replay',
    {
      schema: {
        tags,
        summary: 'Send one dead delivery again',
        params: DeliveryParams,
        response: { 200: ReplayedSchema },
      },
    },
    async (request) => {
      const { id: reference, deliveryId } = request.params;
      const replayed = await replay(access.readerOf(request), reference, deliveryId);
      if (replayed.replayed === 0)
        throw new ApiError('not_found', 'The destination has no such delivery among the dead.');
      return replayed;
    },
  );
};

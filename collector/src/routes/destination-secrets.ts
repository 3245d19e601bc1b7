import { randomBytes } from 'node:crypto';
import { Type } from '@fastify/type-provider-typebox';
import { SECRET_BYTES, webhookSecretOf } from '../core/webhook-signature';
import { changeWorkspace } from '../db/connect';
import { deleteSecret, insertSecret } from '../db/destination-secrets';
import { ApiError } from '../errors';
import type { AddRoutes } from './context';
import { DestinationParams, requireDestination, SecretParams, ShownSecretSchema } from './destination-schema';
import { noteChange } from './note-change';

const tags = ['destinations'];

/** Changing a secret without a request that a receiver would refuse: two are live meanwhile. */
export const addDestinationSecretRoutes: AddRoutes = (app, { db, access, now, newId }) => {
  app.post(
    '/v1/destinations/:id/secrets',
    {
      schema: {
        tags,
        summary: 'Add a second signing secret',
        description:
          'From now on requests carry a signature of each. When the receiver knows the new one, delete the old one.',
        params: DestinationParams,
        response: { 201: ShownSecretSchema },
      },
    },
    async (request, reply) => {
      const reader = access.readerOf(request);
      const { workspaceId } = reader;
      const made = { id: newId(), secret: webhookSecretOf(randomBytes(SECRET_BYTES)), createdAt: now() };
      await changeWorkspace(db, workspaceId, async (transaction) => {
        const { id, key } = await requireDestination(transaction, {
          workspaceId,
          reference: request.params.id,
        });
        const isAdded = await insertSecret(transaction, { workspaceId, destinationId: id }, made);
        if (!isAdded) throw new ApiError('secrets_full');
        const noted = { action: 'destination.add_secret', detail: { id, key, secretId: made.id } };
        await noteChange(transaction, { now, newId }, { ...reader, ...noted });
      });
      return reply.code(201).send(made);
    },
  );

  app.delete(
    '/v1/destinations/:id/secrets/:secretId',
    {
      schema: {
        tags,
        summary: 'Delete a signing secret, at once',
        params: SecretParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const reader = access.readerOf(request);
      const { workspaceId } = reader;
      const { id: reference, secretId } = request.params;
      await changeWorkspace(db, workspaceId, async (transaction) => {
        const { id, key } = await requireDestination(transaction, { workspaceId, reference });
        const outcome = await deleteSecret(transaction, { workspaceId, destinationId: id }, secretId);
        if (outcome === 'unknown') throw new ApiError('not_found');
        if (outcome === 'last') throw new ApiError('last_secret');
        const noted = { action: 'destination.delete_secret', detail: { id, key, secretId } };
        await noteChange(transaction, { now, newId }, { ...reader, ...noted });
      });
      return reply.code(204).send(null);
    },
  );
};

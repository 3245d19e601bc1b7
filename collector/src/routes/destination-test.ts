import { Type } from '@fastify/type-provider-typebox';
import { sampleChanges, webhookBodyOf } from '../core/webhook-body';
import { signWebhook } from '../core/webhook-signature';
import { inWorkspace } from '../db/connect';
import { readSecrets } from '../db/destination-secrets';
import type { AddRoutes } from './context';
import { AttemptSchema, DestinationParams, requireDestination } from './destination-schema';

/** Whether a receiver is there and takes what it is sent. */
export const addDestinationTest: AddRoutes = (app, { db, access, now, newId, webhooks }) => {
  app.post(
    '/v1/destinations/:id/test',
    {
      schema: {
        tags: ['destinations'],
        summary: 'Send a signed sample now, and answer what the receiver said',
        description: 'Also while it is paused. Its body says `isTest`; nothing of it is kept here.',
        params: DestinationParams,
        response: {
          200: Type.Object({
            isDelivered: Type.Boolean({ description: 'Whether it was answered with 2xx.' }),
            webhookId: Type.String(),
            ...AttemptSchema.properties,
          }),
        },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { key, url, secrets } = await inWorkspace(db, workspaceId, async (transaction) => {
        const { id, ...found } = await requireDestination(transaction, {
          workspaceId,
          reference: request.params.id,
        });
        return { ...found, secrets: await readSecrets(transaction, { workspaceId, destinationId: id }) };
      });
      const [webhookId, at] = [newId(), now()];
      const body = webhookBodyOf({
        ...{ destination: key, createdAt: at, isTest: true },
        changes: sampleChanges(at),
      });
      const headers = signWebhook({ id: webhookId, at, body }, secrets);
      const { status, error, excerpt, durationMs } = await webhooks.send({ url, body, headers });
      const isDelivered = status !== null && status >= 200 && status < 300;
      return { isDelivered, webhookId, at, durationMs, status, error, excerpt };
    },
  );
};

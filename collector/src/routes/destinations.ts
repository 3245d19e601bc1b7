import { randomBytes } from 'node:crypto';
import { Type } from '@fastify/type-provider-typebox';
import { isAudienceKey, keyFromName } from '../core/audience-key';
import { encodeCursor } from '../core/cursor';
import { isStorableText } from '../core/json-value';
import { SECRET_BYTES, webhookSecretOf } from '../core/webhook-signature';
import { changeWorkspace, inWorkspace } from '../db/connect';
import { insertSecret } from '../db/destination-secrets';
import {
  changeDestination,
  deleteDestination,
  followAudiences,
  insertDestination,
  listDestinations,
  lockDestination,
} from '../db/destinations';
import { ApiError } from '../errors';
import { PageQuery, pageOf, StrictObject } from '../schema';
import { requireAudience } from './audience-reference';
import type { AddRoutes, RouteContext } from './context';
import { addDeliveryRoutes } from './destination-deliveries';
import {
  ChangedDestinationBody,
  CreatedDestinationSchema,
  DestinationParams,
  DestinationSchema,
  MAX_BATCH,
  NewDestinationBody,
  requireDestination,
} from './destination-schema';
import { addDestinationSecretRoutes } from './destination-secrets';
import { addDestinationTest } from './destination-test';
import { fieldsOf, noteChange } from './note-change';
import { pageFrom, readCursor } from './page';

const tags = ['destinations'];

/** Destinations: where changes of audiences are sent. */
export const addDestinationRoutes: AddRoutes = (app, context) => {
  addCreation(app, context);
  addReading(app, context);
  addChange(app, context);
  addDeletion(app, context);
  addDestinationSecretRoutes(app, context);
  addDestinationTest(app, context);
  addDeliveryRoutes(app, context);
};

type Changing = Parameters<typeof insertDestination>[0];

const addCreation: AddRoutes = (app, { db, access, now, newId, webhooks }) => {
  app.post(
    '/v1/destinations',
    {
      schema: {
        tags,
        summary: 'Send the changes of audiences to a webhook',
        description:
          'From the moment of this call on, exactly; with `backfill` (unless false) those who are members by then ' +
          'come first. The `secret`, with which requests are signed, is in this answer only.',
        body: NewDestinationBody,
        response: { 201: CreatedDestinationSchema },
      },
    },
    async (request, reply) => {
      const reader = access.readerOf(request);
      const { workspaceId } = reader;
      const { url, audiences, batchSize = MAX_BATCH, backfill = true, state = 'active' } = request.body;
      const id = newId();
      const name = readName(request.body.name);
      const key = request.body.key ?? keyFromName(name, `destination-${id}`);
      if (!isAudienceKey(key))
        throw new ApiError('invalid_request', 'The key must not have the form of an ID.');
      requireUrl(webhooks, url);
      const secret = webhookSecretOf(randomBytes(SECRET_BYTES));
      const created = await changeWorkspace(db, workspaceId, async (transaction) => {
        const audienceIds = await readAudiences(transaction, { workspaceId, audiences });
        const at = now();
        const wanted = { id, key, name, url, batchSize, state, createdAt: at };
        if (!(await insertDestination(transaction, workspaceId, wanted)))
          throw new ApiError('key_taken', `There is a destination with the key "${key}".`);
        const place = { workspaceId, destinationId: id };
        await insertSecret(transaction, place, { id: newId(), secret, createdAt: at });
        await follow(transaction, { ...place, audienceIds, isBackfilled: backfill });
        const noted = { action: 'destination.create', detail: { id, key, audiences: audienceIds.length } };
        await noteChange(transaction, { now, newId }, { ...reader, ...noted });
        return requireDestination(transaction, { workspaceId, reference: id });
      });
      return reply.code(201).send({ ...created, secret });
    },
  );
};

const addReading: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/destinations',
    {
      schema: {
        tags,
        summary: 'List destinations, newest first',
        querystring: StrictObject(PageQuery),
        response: { 200: pageOf(DestinationSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor } = request.query;
      const after = readCursor(cursor);
      const destinations = await inWorkspace(db, workspaceId, (transaction) =>
        listDestinations(transaction, workspaceId, { limit: limit + 1, after }),
      );
      return pageFrom(destinations, {
        limit,
        cursorOf: ({ createdAt, id }) => encodeCursor({ at: createdAt.getTime(), id }),
      });
    },
  );

  app.get(
    '/v1/destinations/:id',
    {
      schema: {
        tags,
        summary: 'One destination',
        params: DestinationParams,
        response: { 200: DestinationSchema },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      return inWorkspace(db, workspaceId, (transaction) =>
        requireDestination(transaction, { workspaceId, reference: request.params.id }),
      );
    },
  );
};

const addChange: AddRoutes = (app, { db, access, now, newId, webhooks }) => {
  app.patch(
    '/v1/destinations/:id',
    {
      schema: {
        tags,
        summary: 'Change, pause or resume a destination',
        description:
          'While it is paused nothing is sent and nothing is lost: it goes on where it was. With another URL, or ' +
          'resumed, what waits is tried again at once. An audience that is new here begins at this moment, with ' +
          '`backfill` (unless false) by its members.',
        params: DestinationParams,
        body: ChangedDestinationBody,
        response: { 200: DestinationSchema },
      },
    },
    async (request) => {
      const reader = access.readerOf(request);
      const { workspaceId } = reader;
      const { name, audiences, backfill = true, ...change } = request.body;
      if (change.url !== undefined) requireUrl(webhooks, change.url);
      const reference = request.params.id;
      return changeWorkspace(db, workspaceId, async (transaction) => {
        const { id, key } = await requireDestination(transaction, { workspaceId, reference });
        const place = { workspaceId, destinationId: id };
        await lockDestination(transaction, place);
        await changeDestination(transaction, place, {
          ...change,
          ...(name === undefined ? {} : { name: readName(name) }),
          at: now(),
        });
        if (audiences !== undefined) {
          const audienceIds = await readAudiences(transaction, { workspaceId, audiences });
          await follow(transaction, { ...place, audienceIds, isBackfilled: backfill });
        }
        const { state } = change;
        const detail = { id, key, fields: fieldsOf(request.body), ...(state === undefined ? {} : { state }) };
        await noteChange(transaction, { now, newId }, { ...reader, action: 'destination.change', detail });
        return requireDestination(transaction, { workspaceId, reference });
      });
    },
  );
};

const addDeletion: AddRoutes = (app, { db, access, now, newId }) => {
  app.delete(
    '/v1/destinations/:id',
    {
      schema: {
        tags,
        summary: 'Delete a destination with its secrets and its log',
        params: DestinationParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const reader = access.readerOf(request);
      const { workspaceId } = reader;
      await changeWorkspace(db, workspaceId, async (transaction) => {
        const { id, key } = await requireDestination(transaction, {
          workspaceId,
          reference: request.params.id,
        });
        await deleteDestination(transaction, { workspaceId, destinationId: id });
        const noted = { action: 'destination.delete', detail: { id, key } };
        await noteChange(transaction, { now, newId }, { ...reader, ...noted });
      });
      return reply.code(204).send(null);
    },
  );
};

const IS_LOCKED = '55P03';

/** @throws ApiError rebuild_running where an audience's row is held for longer than anybody waits */
async function follow(
  transaction: Changing,
  following: Parameters<typeof followAudiences>[1],
): Promise<void> {
  await followAudiences(transaction, following).catch((error: { code?: unknown }) => {
    throw error.code === IS_LOCKED ? new ApiError('rebuild_running') : error;
  });
}

/** @throws ApiError not_found */
async function readAudiences(
  transaction: Changing,
  { workspaceId, audiences }: { readonly workspaceId: string; readonly audiences: readonly string[] },
): Promise<string[]> {
  const ids = new Set<string>();
  for (const reference of audiences)
    ids.add((await requireAudience(transaction, { workspaceId, reference })).id);
  return [...ids];
}

/** @throws ApiError invalid_request */
function requireUrl(webhooks: RouteContext['webhooks'], url: string): void {
  const problem = webhooks.findProblem(url);
  if (problem !== null)
    throw new ApiError('invalid_request', undefined, [{ path: 'body.url', message: problem }]);
}

/** @throws ApiError invalid_request */
function readName(text: string): string {
  const name = text.trim();
  if (isStorableText(name)) return name;
  throw new ApiError('invalid_request', 'The name must not contain NUL or lone surrogates.');
}

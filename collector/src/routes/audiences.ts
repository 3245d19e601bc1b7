import { Type } from '@fastify/type-provider-typebox';
import { encodeCursor } from '../core/cursor';
import { listReaders } from '../db/audience-readers';
import { cancelRebuild } from '../db/audience-rebuild';
import { changeAudience, deleteAudience, insertAudience, listAudiences } from '../db/audiences';
import { changeWorkspace, inWorkspace } from '../db/connect';
import { listDecisionsNaming, lockNaming } from '../db/decisions';
import { ApiError } from '../errors';
import { PageQuery, pageOf, StrictObject } from '../schema';
import {
  ChangedAudienceBody,
  NewAudienceBody,
  readChange,
  readNewAudience,
  requireReferences,
} from './audience-body';
import { addAudienceChangeRoutes } from './audience-changes';
import { addAudienceExport } from './audience-export';
import { addAudienceListRoutes, listFirst } from './audience-list';
import { AudienceParams, requireAudience } from './audience-reference';
import { addAudienceMemberRoutes } from './audience-members';
import { addAudiencePreview } from './audience-preview';
import { addAudienceRebuildRoutes, rebuildOrSay } from './audience-rebuild';
import { AudienceSchema } from './audience-schema';
import type { AddRoutes } from './context';
import { fieldsOf, noteChange } from './note-change';
import { pageFrom, readCursor } from './page';

const tags = ['audiences'];

/** Audiences: a rule, or a list, and its members. */
export const addAudienceRoutes: AddRoutes = (app, context) => {
  addCreation(app, context);
  addReading(app, context);
  addChange(app, context);
  addDeletion(app, context);
  addAudienceMemberRoutes(app, context);
  addAudienceExport(app, context);
  addAudiencePreview(app, context);
  addAudienceListRoutes(app, context);
  addAudienceRebuildRoutes(app, context);
  addAudienceChangeRoutes(app, context);
};

const addCreation: AddRoutes = (app, { db, access, now, newId }) => {
  app.post(
    '/v1/audiences',
    {
      schema: {
        tags,
        summary: 'Create an audience; its members are found at once',
        description: 'With a `rule`, or static: with `ids`, a list of whom belongs to it.',
        body: NewAudienceBody,
        response: { 201: AudienceSchema },
      },
    },
    async (request, reply) => {
      const reader = access.readerOf(request);
      const { workspaceId } = reader;
      const id = newId();
      const wanted = readNewAudience(request.body, id);
      await changeWorkspace(db, workspaceId, async (transaction) => {
        await requireReferences(transaction, { workspaceId, ...wanted });
        const isNew = await insertAudience(transaction, workspaceId, { id, ...wanted, createdAt: now() });
        if (!isNew) throw new ApiError('key_taken', `There is an audience with the key "${wanted.key}".`);
        const noted = { action: 'audience.create', detail: { id, key: wanted.key } };
        await noteChange(transaction, { now, newId }, { ...reader, ...noted });
      });
      // Behind its commit: whoever writes events from now on knows of it. What cannot run leaves nothing behind.
      const place = { workspaceId, audienceId: id };
      try {
        if (wanted.ids !== undefined) await listFirst({ db, now }, place, wanted.ids);
        await rebuildOrSay({ db, now }, place, request.log);
      } catch (error) {
        await changeWorkspace(db, workspaceId, async (transaction) => {
          await deleteAudience(transaction, workspaceId, id);
          const noted = { action: 'audience.delete', detail: { id, key: wanted.key, hasFailed: true } };
          await noteChange(transaction, { now, newId }, { ...reader, ...noted });
        });
        throw error;
      }
      const audience = await inWorkspace(db, workspaceId, (transaction) =>
        requireAudience(transaction, { workspaceId, reference: id }),
      );
      return reply.code(201).send(audience);
    },
  );
};

const addReading: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/audiences',
    {
      schema: {
        tags,
        summary: 'List audiences, newest first',
        querystring: StrictObject(PageQuery),
        response: { 200: pageOf(AudienceSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor } = request.query;
      const after = readCursor(cursor);
      const audiences = await inWorkspace(db, workspaceId, (transaction) =>
        listAudiences(transaction, workspaceId, { limit: limit + 1, after }),
      );
      return pageFrom(audiences, {
        limit,
        cursorOf: ({ createdAt, id }) => encodeCursor({ at: createdAt.getTime(), id }),
      });
    },
  );

  app.get(
    '/v1/audiences/:id',
    { schema: { tags, summary: 'One audience', params: AudienceParams, response: { 200: AudienceSchema } } },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      return inWorkspace(db, workspaceId, (transaction) =>
        requireAudience(transaction, { workspaceId, reference: request.params.id }),
      );
    },
  );
};

const A_LIST = 'Its members are those of its list; it has no rule.';
const IS_LOCKED = '55P03';

const addChange: AddRoutes = (app, { db, access, now, newId }) => {
  app.patch(
    '/v1/audiences/:id',
    {
      schema: {
        tags,
        summary: 'Change an audience’s name or rule',
        description:
          'A new rule becomes its rule together with the members that it finds: until then, and for good where it ' +
          'cannot run or is cancelled, the audience has its old rule and members. Who belongs to it by both stays, with ' +
          'the same `enteredAt`. The key stays: rules and addresses name it.',
        params: AudienceParams,
        body: ChangedAudienceBody,
        response: { 200: AudienceSchema },
      },
    },
    async (request) => {
      const reader = access.readerOf(request);
      const { workspaceId } = reader;
      const { name, rule } = readChange(request.body);
      const find = (transaction: Parameters<typeof requireAudience>[0]) =>
        requireAudience(transaction, { workspaceId, reference: request.params.id });
      const { id: audienceId, key } = await changeWorkspace(db, workspaceId, async (transaction) => {
        const audience = await find(transaction);
        if (rule !== undefined && audience.kind === 'static') throw new ApiError('not_static', A_LIST);
        if (rule !== undefined)
          await requireReferences(transaction, { workspaceId, key: audience.key, rule });
        await changeAudience(
          transaction,
          { workspaceId, audienceId: audience.id },
          { name, rule, at: now() },
        );
        const detail = { id: audience.id, key: audience.key, fields: fieldsOf(request.body) };
        await noteChange(transaction, { now, newId }, { ...reader, action: 'audience.change', detail });
        return audience;
      }).catch((error: { code?: unknown }) => {
        throw error.code === IS_LOCKED ? new ApiError('rebuild_running') : error;
      });
      if (rule !== undefined) {
        await rebuildOrSay({ db, now }, { workspaceId, audienceId }, request.log).catch(
          async (error: unknown) => {
            await changeWorkspace(db, workspaceId, async (transaction) => {
              await changeAudience(
                transaction,
                { workspaceId, audienceId },
                { name: undefined, rule: null, at: now() },
              );
              const detail = { id: audienceId, key, fields: ['rule'], hasFailed: true };
              await noteChange(transaction, { now, newId }, { ...reader, action: 'audience.change', detail });
            });
            throw error;
          },
        );
      }
      return inWorkspace(db, workspaceId, find);
    },
  );
};

const addDeletion: AddRoutes = (app, { db, access, now, newId }) => {
  app.delete(
    '/v1/audiences/:id',
    {
      schema: {
        tags,
        summary: 'Delete an audience and its list of members',
        description:
          'Not while rules of other audiences, or of decisions, read its members (`audience_in_use`).',
        params: AudienceParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const reader = access.readerOf(request);
      const { workspaceId } = reader;
      const find = (transaction: Parameters<typeof requireAudience>[0]) =>
        requireAudience(transaction, { workspaceId, reference: request.params.id });
      const { id } = await inWorkspace(db, workspaceId, find);
      await cancelRebuild(db, { workspaceId, audienceId: id });
      await changeWorkspace(db, workspaceId, async (transaction) => {
        await lockNaming(transaction, workspaceId);
        const { key } = await find(transaction);
        const readers = await listReaders(transaction, workspaceId, key);
        const decisions = await listDecisionsNaming(transaction, workspaceId, key);
        const inUse = [...readers.map((each) => each.key), ...decisions];
        if (inUse.length > 0) throw new ApiError('audience_in_use', undefined, inUse);
        await deleteAudience(transaction, workspaceId, id);
        const noted = { action: 'audience.delete', detail: { id, key } };
        await noteChange(transaction, { now, newId }, { ...reader, ...noted });
      });
      return reply.code(204).send(null);
    },
  );
};

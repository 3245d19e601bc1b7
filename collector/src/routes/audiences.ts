import { Type } from '@fastify/type-provider-typebox';
import { isAudienceKey, KEY_PATTERN, keyFromName, MAX_KEY_LENGTH } from '../core/audience-key';
import { encodeCursor } from '../core/cursor';
import { isStorableText } from '../core/json-value';
import type { Rule } from '../core/rule';
import { checkRule } from '../core/rule-check';
import { rebuildWithin } from '../db/audience-rebuild';
import { deleteAudience, insertAudience, listAudiences } from '../db/audiences';
import { changeWorkspace, inWorkspace } from '../db/connect';
import { ApiError } from '../errors';
import { InstantOut, Nullable, PageQuery, pageOf, StrictObject } from '../schema';
import { AudienceParams, requireAudience } from './audience-reference';
import { addAudienceMemberRoutes } from './audience-members';
import { addAudiencePreview } from './audience-preview';
import type { AddRoutes } from './context';
import { pageFrom, readCursor } from './page';

const MAX_NAME_LENGTH = 200;

const NewAudienceBody = StrictObject({
  name: Type.String({ minLength: 1, maxLength: MAX_NAME_LENGTH, pattern: '\\S' }),
  key: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: MAX_KEY_LENGTH,
      pattern: KEY_PATTERN,
      description: 'Names the audience in URLs and rules; made from the name where it is left out.',
    }),
  ),
  rule: Type.Unknown({
    description:
      'Who belongs to it, e.g. {"event":"Order Completed","agg":"sum","of":"revenue","within":"30d","gte":100}',
  }),
});

const AudienceSchema = Type.Object({
  id: Type.String(),
  key: Type.String(),
  name: Type.String(),
  rule: Type.Unsafe<unknown>({ type: 'object', additionalProperties: true }),
  size: Type.Integer(),
  createdAt: InstantOut,
  updatedAt: InstantOut,
  rebuiltAt: Nullable(InstantOut),
  error: Nullable(
    Type.String({ description: 'Why the last rebuild failed; the members are those of the last good one.' }),
  ),
});

const tags = ['audiences'];

/** Audiences: a rule and its members. */
export const addAudienceRoutes: AddRoutes = (app, context) => {
  addCreation(app, context);
  addReading(app, context);
  addDeletion(app, context);
  addAudienceMemberRoutes(app, context);
  addAudiencePreview(app, context);
};

const addCreation: AddRoutes = (app, { db, access, now, newId }) => {
  app.post(
    '/v1/audiences',
    {
      schema: {
        tags,
        summary: 'Create an audience; its members are found at once',
        body: NewAudienceBody,
        response: { 201: AudienceSchema },
      },
    },
    async (request, reply) => {
      const { workspaceId } = access.readerOf(request);
      const id = newId();
      const wanted = readNewAudience(request.body, id);
      // The rule runs in the same transaction: one that cannot run leaves nothing behind.
      const audience = await changeWorkspace(db, workspaceId, async (transaction) => {
        const isNew = await insertAudience(transaction, workspaceId, { id, ...wanted, createdAt: now() });
        if (!isNew) throw new ApiError('key_taken', `There is an audience with the key "${wanted.key}".`);
        await rebuildWithin(transaction, { workspaceId, audienceId: id, now });
        return requireAudience(transaction, { workspaceId, reference: id });
      });
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

const addDeletion: AddRoutes = (app, { db, access }) => {
  app.delete(
    '/v1/audiences/:id',
    {
      schema: {
        tags,
        summary: 'Delete an audience and its list of members',
        params: AudienceParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { workspaceId } = access.readerOf(request);
      await changeWorkspace(db, workspaceId, async (transaction) => {
        const { id } = await requireAudience(transaction, { workspaceId, reference: request.params.id });
        await deleteAudience(transaction, workspaceId, id);
      });
      return reply.code(204).send(null);
    },
  );
};

/** @throws ApiError invalid_request, invalid_rule */
function readNewAudience(
  body: { readonly name: string; readonly key?: string; readonly rule: unknown },
  id: string,
): { readonly name: string; readonly key: string; readonly rule: Rule } {
  const name = body.name.trim();
  if (!isStorableText(name)) {
    throw new ApiError('invalid_request', 'The name must not contain NUL or lone surrogates.');
  }
  const key = body.key ?? keyFromName(name, `audience-${id}`);
  if (!isAudienceKey(key)) throw new ApiError('invalid_request', 'The key must not have the form of an ID.');
  const checked = checkRule(body.rule);
  if (!checked.ok) throw new ApiError('invalid_rule', undefined, checked.problems);
  return { name, key, rule: checked.rule };
}

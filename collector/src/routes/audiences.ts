import { Type } from '@fastify/type-provider-typebox';
import { isAudienceKey, KEY_PATTERN, keyFromName, MAX_KEY_LENGTH } from '../core/audience-key';
import { encodeCursor } from '../core/cursor';
import { isStorableText } from '../core/json-value';
import type { Rule } from '../core/rule';
import { checkRule } from '../core/rule-check';
import { needsOf } from '../core/rule-needs';
import { checkReferences } from '../core/rule-references';
import { listReaders, listRules } from '../db/audience-readers';
import { cancelRebuild } from '../db/audience-rebuild';
import { changeAudience, deleteAudience, insertAudience, listAudiences } from '../db/audiences';
import { changeWorkspace, inWorkspace } from '../db/connect';
import { listDecisionsNaming, lockNaming } from '../db/decisions';
import { ApiError } from '../errors';
import { PageQuery, pageOf, StrictObject } from '../schema';
import { addAudienceChangeRoutes } from './audience-changes';
import { addAudienceExport } from './audience-export';
import { addAudienceListRoutes, IdsSchema, listFirst } from './audience-list';
import { AudienceParams, requireAudience } from './audience-reference';
import { addAudienceMemberRoutes } from './audience-members';
import { addAudiencePreview } from './audience-preview';
import { addAudienceRebuildRoutes, rebuildOrSay } from './audience-rebuild';
import { AudienceSchema } from './audience-schema';
import type { AddRoutes } from './context';
import { pageFrom, readCursor } from './page';

const MAX_NAME_LENGTH = 200;

const Name = Type.String({ minLength: 1, maxLength: MAX_NAME_LENGTH, pattern: '\\S' });
const RuleBody = Type.Unknown({
  description:
    'Who belongs to it, e.g. {"event":"Order Completed","agg":"sum","of":"revenue","within":"30d","gte":100}',
});

const NewAudienceBody = StrictObject({
  name: Name,
  key: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: MAX_KEY_LENGTH,
      pattern: KEY_PATTERN,
      description: 'Names the audience in URLs and rules; made from the name where it is left out.',
    }),
  ),
  rule: Type.Optional(RuleBody),
  ids: Type.Optional(IdsSchema),
});

const ChangedAudienceBody = StrictObject({ name: Type.Optional(Name), rule: Type.Optional(RuleBody) });

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
      const { workspaceId } = access.readerOf(request);
      const id = newId();
      const wanted = readNewAudience(request.body, id);
      await changeWorkspace(db, workspaceId, async (transaction) => {
        await requireReferences(transaction, { workspaceId, ...wanted });
        const isNew = await insertAudience(transaction, workspaceId, { id, ...wanted, createdAt: now() });
        if (!isNew) throw new ApiError('key_taken', `There is an audience with the key "${wanted.key}".`);
      });
      // Behind its commit: whoever writes events from now on knows of it. What cannot run leaves nothing behind.
      const place = { workspaceId, audienceId: id };
      try {
        if (wanted.ids !== undefined) await listFirst({ db, now }, place, wanted.ids);
        await rebuildOrSay({ db, now }, place, request.log);
      } catch (error) {
        await changeWorkspace(db, workspaceId, (transaction) => deleteAudience(transaction, workspaceId, id));
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

const addChange: AddRoutes = (app, { db, access, now }) => {
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
      const { workspaceId } = access.readerOf(request);
      const { name, rule } = readChange(request.body);
      const find = (transaction: Parameters<typeof requireAudience>[0]) =>
        requireAudience(transaction, { workspaceId, reference: request.params.id });
      const { id: audienceId } = await changeWorkspace(db, workspaceId, async (transaction) => {
        const audience = await find(transaction);
        if (rule !== undefined && audience.kind === 'static') throw new ApiError('not_static', A_LIST);
        if (rule !== undefined)
          await requireReferences(transaction, { workspaceId, key: audience.key, rule });
        await changeAudience(
          transaction,
          { workspaceId, audienceId: audience.id },
          { name, rule, at: now() },
        );
        return audience;
      }).catch((error: { code?: unknown }) => {
        throw error.code === IS_LOCKED ? new ApiError('rebuild_running') : error;
      });
      if (rule !== undefined) {
        await rebuildOrSay({ db, now }, { workspaceId, audienceId }, request.log).catch(
          async (error: unknown) => {
            await changeWorkspace(db, workspaceId, (transaction) =>
              changeAudience(
                transaction,
                { workspaceId, audienceId },
                { name: undefined, rule: null, at: now() },
              ),
            );
            throw error;
          },
        );
      }
      return inWorkspace(db, workspaceId, find);
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
        description:
          'Not while rules of other audiences, or of decisions, read its members (`audience_in_use`).',
        params: AudienceParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { workspaceId } = access.readerOf(request);
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
      });
      return reply.code(204).send(null);
    },
  );
};

interface WantedAudience {
  readonly name: string;
  readonly key: string;
  readonly rule: Rule | null;
  readonly ids: readonly string[] | undefined;
}

/** @throws ApiError invalid_request, invalid_rule */
function readNewAudience(
  body: {
    readonly name: string;
    readonly key?: string;
    readonly rule?: unknown;
    readonly ids?: readonly string[];
  },
  id: string,
): WantedAudience {
  const name = readName(body.name);
  const key = body.key ?? keyFromName(name, `audience-${id}`);
  if (!isAudienceKey(key)) throw new ApiError('invalid_request', 'The key must not have the form of an ID.');
  if ((body.rule === undefined) === (body.ids === undefined)) {
    throw new ApiError('invalid_request', 'An audience has a rule, or ids: one of the two.');
  }
  return { name, key, rule: body.rule === undefined ? null : readRule(body.rule), ids: body.ids };
}

/** @throws ApiError invalid_request, invalid_rule */
function readChange(body: { readonly name?: string; readonly rule?: unknown }) {
  return {
    name: body.name === undefined ? undefined : readName(body.name),
    rule: body.rule === undefined ? undefined : readRule(body.rule),
  };
}

function readName(text: string): string {
  const name = text.trim();
  if (isStorableText(name)) return name;
  throw new ApiError('invalid_request', 'The name must not contain NUL or lone surrogates.');
}

function readRule(value: unknown): Rule {
  const checked = checkRule(value);
  if (!checked.ok) throw new ApiError('invalid_rule', undefined, checked.problems);
  return checked.rule;
}

/** @throws ApiError invalid_rule where the rule names audiences that are not there, or itself by way of others */
async function requireReferences(
  transaction: Parameters<typeof listRules>[0],
  {
    workspaceId,
    key,
    rule,
  }: { readonly workspaceId: string; readonly key: string; readonly rule: Rule | null },
): Promise<void> {
  if (rule === null || needsOf(rule).audiences.length === 0) return;
  const problems = checkReferences(rule, { key, others: await listRules(transaction, workspaceId) });
  if (problems.length > 0) throw new ApiError('invalid_rule', undefined, problems);
}

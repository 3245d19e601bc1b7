import { Type } from '@fastify/type-provider-typebox';
import { isAudienceKey, KEY_PATTERN, keyFromName, MAX_KEY_LENGTH } from '../core/audience-key';
import { encodeCursor } from '../core/cursor';
import type { DecisionDefinition } from '../core/decision';
import { checkDecision } from '../core/decision-check';
import { isStorableText } from '../core/json-value';
import { changeWorkspace, inWorkspace } from '../db/connect';
import {
  addVersion,
  deleteDecision,
  insertDecision,
  listDecisions,
  lockNaming,
  type StoredDecision,
} from '../db/decisions';
import { ApiError } from '../errors';
import { PageQuery, pageOf, StrictObject } from '../schema';
import type { AddRoutes } from './context';
import { DecisionParams, requireAudiences, requireDecision } from './decision-reference';
import { DecisionSchema, shownDecision } from './decision-schema';
import { addDecisionVersionRoutes } from './decision-versions';
import { noteChange } from './note-change';
import { pageFrom, readCursor } from './page';

const MAX_NAME_LENGTH = 200;
/** Of payloads, 50 times 16 KB would fit; rules may be long too. */
const MAX_DEFINITION_BYTES = 256 * 1024;

const Name = Type.String({ minLength: 1, maxLength: MAX_NAME_LENGTH, pattern: '\\S' });
/** What is wrong with the cases is said by their own check, with paths. */
const Definition = {
  cases: Type.Unknown({
    description:
      'In order: [{"key": "vip", "when": {"audience": "vip"}, "then": {"show": "gold"}}, {"key": "control", "then": {}}]. ' +
      'The first one whose rule holds answers; the last one has no rule and is the default.',
  }),
  timeLimitMs: Type.Optional(Type.Unknown({ description: 'A whole number of milliseconds. Default 250.' })),
  public: Type.Optional(Type.Unknown({ description: 'Whether pages may ask, with a write key.' })),
  record: Type.Optional(Type.Unknown({ description: 'Whether answers become events of the profile.' })),
};
const NewDecisionBody = StrictObject({
  name: Name,
  key: Type.Optional(Type.String({ minLength: 1, maxLength: MAX_KEY_LENGTH, pattern: KEY_PATTERN })),
  ...Definition,
});
const ChangedDecisionBody = StrictObject({
  name: Type.Optional(Name),
  basedOn: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        'The `lastVersion` that its writer has seen: 409 `decision_changed` where there is a newer one. Left out: written in any case.',
    }),
  ),
  ...Definition,
});

const tags = ['decisions'];

/** Decisions: what to do for whom, in versions. */
export const addDecisionRoutes: AddRoutes = (app, context) => {
  addCreation(app, context);
  addReading(app, context);
  addChange(app, context);
  addDeletion(app, context);
  addDecisionVersionRoutes(app, context);
};

const addCreation: AddRoutes = (app, { db, access, now, newId }) => {
  app.post(
    '/v1/decisions',
    {
      bodyLimit: MAX_DEFINITION_BYTES,
      schema: {
        tags,
        summary: 'Create a decision; its first version answers at once',
        body: NewDecisionBody,
        response: { 201: DecisionSchema },
      },
    },
    async (request, reply) => {
      const reader = access.readerOf(request);
      const { workspaceId, actor: by } = reader;
      const id = newId();
      const name = readName(request.body.name);
      const key = request.body.key ?? keyFromName(name, `decision-${id}`);
      if (!isAudienceKey(key)) {
        throw new ApiError('invalid_request', 'The key must not have the form of an ID.');
      }
      const definition = readDefinition(request.body);
      const decision = await changeWorkspace(db, workspaceId, async (transaction) => {
        await lockNaming(transaction, workspaceId);
        await requireAudiences(transaction, workspaceId, definition);
        const written = { id, key, name, definition, at: now(), by };
        if (!(await insertDecision(transaction, workspaceId, written))) {
          throw new ApiError('key_taken', `There is a decision with the key "${key}".`);
        }
        const noted = { action: 'decision.create', detail: { id, key, version: 1 } };
        await noteChange(transaction, { now, newId }, { ...reader, ...noted });
        return requireDecision(transaction, workspaceId, id);
      });
      return reply.code(201).send(shownDecision(decision));
    },
  );
};

const addReading: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/decisions',
    {
      schema: {
        tags,
        summary: 'List decisions, newest first',
        querystring: StrictObject(PageQuery),
        response: { 200: pageOf(DecisionSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor } = request.query;
      const after = readCursor(cursor);
      const decisions = await inWorkspace(db, workspaceId, (transaction) =>
        listDecisions(transaction, workspaceId, { limit: limit + 1, after }),
      );
      const page = pageFrom(decisions, {
        limit,
        cursorOf: ({ createdAt, id }) => encodeCursor({ at: createdAt.getTime(), id }),
      });
      return { ...page, data: page.data.map(shownDecision) };
    },
  );

  app.get(
    '/v1/decisions/:id',
    {
      schema: {
        tags,
        summary: 'One decision, with the version that answers',
        params: DecisionParams,
        response: { 200: DecisionSchema },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const decision = await inWorkspace(db, workspaceId, (transaction) =>
        requireDecision(transaction, workspaceId, request.params.id),
      );
      return shownDecision(decision);
    },
  );
};

const addChange: AddRoutes = (app, { db, access, now, newId }) => {
  app.put(
    '/v1/decisions/:id',
    {
      bodyLimit: MAX_DEFINITION_BYTES,
      schema: {
        tags,
        summary: 'Write the next version, which answers at once',
        description: 'Those before stay as they are, and may be let answer again. The key stays.',
        params: DecisionParams,
        body: ChangedDecisionBody,
        response: { 200: DecisionSchema },
      },
    },
    async (request) => {
      const reader = access.readerOf(request);
      const { workspaceId, actor: by } = reader;
      const name = request.body.name === undefined ? undefined : readName(request.body.name);
      const definition = readDefinition(request.body);
      const decision = await changeWorkspace(db, workspaceId, async (transaction) => {
        await lockNaming(transaction, workspaceId);
        const before = await requireDecision(transaction, workspaceId, request.params.id);
        const { id: decisionId } = before;
        requireUnchanged(before, request.body.basedOn);
        await requireAudiences(transaction, workspaceId, definition);
        const place = { workspaceId, decisionId };
        await addVersion(transaction, place, { name, definition, at: now(), by });
        const changed = await requireDecision(transaction, workspaceId, decisionId);
        const detail = { id: decisionId, key: changed.key, version: changed.lastVersion };
        await noteChange(transaction, { now, newId }, { ...reader, action: 'decision.change', detail });
        return changed;
      });
      return shownDecision(decision);
    },
  );
};

const addDeletion: AddRoutes = (app, { db, access, now, newId }) => {
  app.delete(
    '/v1/decisions/:id',
    {
      schema: {
        tags,
        summary: 'Delete a decision and its versions',
        params: DecisionParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const reader = access.readerOf(request);
      const { workspaceId } = reader;
      await changeWorkspace(db, workspaceId, async (transaction) => {
        const { id, key } = await requireDecision(transaction, workspaceId, request.params.id);
        await deleteDecision(transaction, { workspaceId, decisionId: id });
        const noted = { action: 'decision.delete', detail: { id, key } };
        await noteChange(transaction, { now, newId }, { ...reader, ...noted });
      });
      return reply.code(204).send(null);
    },
  );
};

/** @throws ApiError decision_changed */
function requireUnchanged({ lastVersion }: StoredDecision, basedOn = lastVersion): void {
  if (basedOn === lastVersion) return;
  throw new ApiError(
    'decision_changed',
    basedOn < lastVersion
      ? `Version ${lastVersion} has been written since version ${basedOn}.`
      : `There is no version ${basedOn} yet.`,
  );
}

/** @throws ApiError invalid_decision */
function readDefinition(body: unknown): DecisionDefinition {
  const checked = checkDecision(body);
  if (!checked.ok) throw new ApiError('invalid_decision', undefined, checked.problems);
  return checked.definition;
}

/** @throws ApiError invalid_request */
function readName(text: string): string {
  const name = text.trim();
  if (isStorableText(name)) return name;
  throw new ApiError('invalid_request', 'The name must not contain NUL or lone surrogates.');
}

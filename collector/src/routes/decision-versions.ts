import { Type } from '@fastify/type-provider-typebox';
import { changeWorkspace, inWorkspace } from '../db/connect';
import { activateVersion, findVersion, listVersions, lockNaming, type StoredDecision } from '../db/decisions';
import { ApiError } from '../errors';
import { PageQuery, pageOf, StrictObject } from '../schema';
import type { AddRoutes } from './context';
import { DecisionParams, requireAudiences, requireDecision } from './decision-reference';
import { DecisionSchema, shownDecision, shownVersion, VersionSchema } from './decision-schema';
import { noteChange } from './note-change';
import { pageFrom } from './page';

const Version = Type.Integer({ minimum: 1, maximum: 2_147_483_647 });
const VersionParams = StrictObject({ ...DecisionParams.properties, version: Version });
const ActivateBody = StrictObject({ version: Version });

const tags = ['decisions'];

/** What a decision went by, and the way back to it. */
export const addDecisionVersionRoutes: AddRoutes = (app, context) => {
  addReading(app, context);
  addActivation(app, context);
};

const addReading: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/decisions/:id/versions',
    {
      schema: {
        tags,
        summary: 'A decision’s versions, newest first',
        params: DecisionParams,
        querystring: StrictObject(PageQuery),
        response: { 200: pageOf(VersionSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor } = request.query;
      const before = readVersionCursor(cursor);
      const { versions, active } = await inWorkspace(db, workspaceId, async (transaction) => {
        const { id: decisionId, active } = await requireDecision(transaction, workspaceId, request.params.id);
        const place = { workspaceId, decisionId };
        return { active, versions: await listVersions(transaction, place, { limit: limit + 1, before }) };
      });
      const page = pageFrom(versions, { limit, cursorOf: ({ version }) => String(version) });
      return { ...page, data: page.data.map((version) => shownVersion(version, active)) };
    },
  );

  app.get(
    '/v1/decisions/:id/versions/:version',
    {
      schema: {
        tags,
        summary: 'One version, whether or not it answers',
        params: VersionParams,
        response: { 200: VersionSchema },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { id, version } = request.params;
      return inWorkspace(db, workspaceId, async (transaction) => {
        const decision = await requireDecision(transaction, workspaceId, id);
        return shownVersion(
          await requireVersion(transaction, { workspaceId, decision, version }),
          decision.active,
        );
      });
    },
  );
};

const addActivation: AddRoutes = (app, { db, access, now, newId }) => {
  app.post(
    '/v1/decisions/:id/activate',
    {
      schema: {
        tags,
        summary: 'Let a version answer, such as the one before',
        params: DecisionParams,
        body: ActivateBody,
        response: { 200: DecisionSchema },
      },
    },
    async (request) => {
      const reader = access.readerOf(request);
      const { workspaceId } = reader;
      const { version } = request.body;
      const decision = await changeWorkspace(db, workspaceId, async (transaction) => {
        await lockNaming(transaction, workspaceId);
        const found = await requireDecision(transaction, workspaceId, request.params.id);
        const wanted = await requireVersion(transaction, { workspaceId, decision: found, version });
        await requireAudiences(transaction, workspaceId, wanted.definition);
        const place = { workspaceId, decisionId: found.id };
        await activateVersion(transaction, place, { version, at: now() });
        const detail = { id: found.id, key: found.key, version, before: found.active.version };
        await noteChange(transaction, { now, newId }, { ...reader, action: 'decision.activate', detail });
        return requireDecision(transaction, workspaceId, found.id);
      });
      return shownDecision(decision);
    },
  );
};

/** @throws ApiError not_found */
async function requireVersion(
  db: Parameters<typeof findVersion>[0],
  {
    workspaceId,
    decision,
    version,
  }: { readonly workspaceId: string; readonly decision: StoredDecision; readonly version: number },
) {
  const found =
    version > decision.lastVersion
      ? null
      : await findVersion(db, { workspaceId, decisionId: decision.id }, version);
  if (found === null) throw new ApiError('not_found', `There is no version ${version} of it.`);
  return found;
}

/** @throws ApiError invalid_cursor */
function readVersionCursor(cursor: string | undefined): number | null {
  if (cursor === undefined) return null;
  if (!/^[1-9]\d{0,8}$/.test(cursor)) throw new ApiError('invalid_cursor');
  return Number(cursor);
}

import { Type } from '@fastify/type-provider-typebox';
import type { Reader } from '../access';
import { readIdList, referenceOf } from '../core/id-list';
import { type Difference, evaluateAudience } from '../db/audience-evaluation';
import { lockAudience, type LockedAudience } from '../db/audience-lock';
import { addToList, clearList, resolveAll, takeOffList } from '../db/audience-listed';
import { changeWorkspace } from '../db/connect';
import { ApiError } from '../errors';
import { StrictObject } from '../schema';
import { requireAudience } from './audience-reference';
import { DifferenceSchema } from './audience-schema';
import type { AddRoutes, RouteContext } from './context';
import { noteChange } from './note-change';
import { ProfileParams, requireProfile, subjectIdFrom } from './profile-reference';

/** Whoever has more adds them in parts. */
const MAX_LISTED = 200_000;
const MAX_LIST_BYTES = 16 * 1024 * 1024;
/** How many of those that nobody knows an answer names. */
const MAX_UNKNOWN_SHOWN = 100;

export const IdsSchema = Type.Array(Type.String({ maxLength: 300 }), {
  maxItems: MAX_LISTED,
  description:
    'Profile IDs, or user:…, email:…, anonymous:…; what is none of these is an email or a user ID.',
});
const ListBody = Type.Union([Type.String(), StrictObject({ ids: IdsSchema })]);

const ListedSchema = Type.Object({
  ...DifferenceSchema,
  unknown: Type.Array(Type.String(), {
    description: `Of those whom nobody knows, the first ${MAX_UNKNOWN_SHOWN}.`,
  }),
  unknownCount: Type.Integer(),
});

const tags = ['audiences'];
const Params = StrictObject({ id: Type.String({ minLength: 1, maxLength: 100 }) });
const MemberParams = StrictObject({ ...Params.properties, profile: ProfileParams.properties.id });

const ABOUT_LISTS =
  'Of a static audience. `{"ids": […]}`, or `text/csv`: with a header, the columns profileId, userId, email or ' +
  'anonymousId, so that a download can be sent back; without one, the first column. Whoever is listed is a member as ' +
  'whoever they are: when a device that is listed signs in, its user is one.';

/** The members of static audiences: lists, and one by one. */
export const addAudienceListRoutes: AddRoutes = (app, context) => {
  app.addContentTypeParser(
    'text/csv',
    { parseAs: 'string', bodyLimit: MAX_LIST_BYTES },
    (_request, body, done) => done(null, body),
  );
  addLists(app, context);
  addOneByOne(app, context);
};

const addLists: AddRoutes = (app, { db, access, now, newId }) => {
  for (const [method, summary] of [
    ['PUT', 'Replace whom a static audience lists'],
    ['POST', 'Add to whom a static audience lists'],
  ] as const) {
    app.route({
      method,
      url: '/v1/audiences/:id/members',
      bodyLimit: MAX_LIST_BYTES,
      schema: {
        tags,
        summary,
        description: ABOUT_LISTS,
        consumes: ['application/json', 'text/csv'],
        params: Params,
        body: ListBody,
        response: { 200: ListedSchema },
      },
      handler: async (request) => {
        const reader = access.readerOf(request);
        const { workspaceId } = reader;
        const references = readReferences(request.body as string | { ids: string[] });
        return changeWorkspace(db, workspaceId, async (transaction) => {
          const audience = await lockStatic(transaction, { workspaceId, reference: request.params.id });
          if (method === 'PUT') await clearList(transaction, audience);
          const listed = await list(transaction, { audience, references, now: now() });
          await noteList(transaction, { now, newId }, { ...reader, audience, ...listed });
          return listed;
        });
      },
    });
  }
};

const addOneByOne: AddRoutes = (app, { db, access, now, newId }) => {
  const place = '/v1/audiences/:id/members/:profile';
  app.put(
    place,
    {
      schema: {
        tags,
        summary: 'Put a profile on the list of a static audience',
        params: MemberParams,
        response: { 200: Type.Object(DifferenceSchema) },
      },
    },
    async (request) => {
      const reader = access.readerOf(request);
      const { workspaceId } = reader;
      const { id: reference, profile } = request.params;
      return changeWorkspace(db, workspaceId, async (transaction) => {
        const audience = await lockStatic(transaction, { workspaceId, reference });
        const profileId = await requireProfile(transaction, { workspaceId, reference: profile });
        await addToList(transaction, audience, [
          subjectIdFrom({ workspaceId, reference: profile }) ?? profileId,
        ]);
        const difference = await evaluateAudience(transaction, {
          audience,
          profileIds: [profileId],
          now: now(),
          cause: 'list',
        });
        await noteList(transaction, { now, newId }, { ...reader, audience, ...difference });
        return difference;
      });
    },
  );
  app.delete(
    place,
    {
      schema: {
        tags,
        summary: 'Take a profile off the list of a static audience',
        params: MemberParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const reader = access.readerOf(request);
      const { workspaceId } = reader;
      const { id: reference, profile } = request.params;
      await changeWorkspace(db, workspaceId, async (transaction) => {
        const audience = await lockStatic(transaction, { workspaceId, reference });
        const profileId = await requireProfile(transaction, { workspaceId, reference: profile });
        await takeOffList(transaction, audience, profileId);
        const looked = { audience, profileIds: [profileId], now: now(), cause: 'list' } as const;
        const difference = await evaluateAudience(transaction, looked);
        await noteList(transaction, { now, newId }, { ...reader, audience, ...difference });
      });
      return reply.code(204).send(null);
    },
  );
};

/** @throws ApiError invalid_request */
function readReferences(body: string | { readonly ids: readonly string[] }): string[] {
  const references = typeof body === 'string' ? readIdList(body) : body.ids.flatMap(referenceOf);
  if (references.length > MAX_LISTED) {
    throw new ApiError(
      'invalid_request',
      `A list may have at most ${MAX_LISTED} entries; add the rest after it.`,
    );
  }
  return references;
}

type WriteTransaction = Parameters<typeof lockAudience>[0];

/** @throws ApiError not_found, not_static */
async function lockStatic(
  transaction: WriteTransaction,
  { workspaceId, reference }: { readonly workspaceId: string; readonly reference: string },
): Promise<LockedAudience> {
  const { id } = await requireAudience(transaction, { workspaceId, reference });
  const audience = await lockAudience(transaction, { workspaceId, audienceId: id });
  if (audience === null) throw new ApiError('not_found');
  if (audience.rule !== null) throw new ApiError('not_static');
  return audience;
}

/** Adds to a list whoever is known, and finds the members anew. */
async function list(
  transaction: WriteTransaction,
  {
    audience,
    references,
    now,
  }: { readonly audience: LockedAudience; readonly references: readonly string[]; readonly now: Date },
): Promise<Difference & { readonly unknown: string[]; readonly unknownCount: number }> {
  const { workspaceId } = audience;
  const asked = new Map(
    references.map((reference) => [reference, subjectIdFrom({ workspaceId, reference })] as const),
  );
  const subjectIds = [...asked.values()].filter((id) => id !== null);
  const known = await resolveAll(transaction, workspaceId, subjectIds);
  const unknown = [...asked].flatMap(([reference, id]) => (id !== null && known.has(id) ? [] : [reference]));
  await addToList(transaction, audience, [...known.keys()]);
  const difference = await evaluateAudience(transaction, { audience, now, cause: 'list' });
  return { ...difference, unknown: unknown.slice(0, MAX_UNKNOWN_SHOWN), unknownCount: unknown.length };
}

/** How many entered and exited, never who: the log outlives an erasure. */
async function noteList(
  transaction: WriteTransaction,
  context: Pick<RouteContext, 'now' | 'newId'>,
  {
    workspaceId,
    actor,
    audience,
    entered,
    exited,
  }: Reader & { readonly audience: LockedAudience } & Pick<Difference, 'entered' | 'exited'>,
): Promise<void> {
  const detail = { id: audience.audienceId, key: audience.key, entered, exited };
  await noteChange(transaction, context, { workspaceId, actor, action: 'audience.list', detail });
}

/** As {@link list}, for an audience that is new. */
export async function listFirst(
  { db, now }: Pick<RouteContext, 'db' | 'now'>,
  { workspaceId, audienceId }: { readonly workspaceId: string; readonly audienceId: string },
  ids: readonly string[],
): Promise<void> {
  const references = readReferences({ ids });
  await changeWorkspace(db, workspaceId, async (transaction) => {
    const audience = await lockStatic(transaction, { workspaceId, reference: audienceId });
    await list(transaction, { audience, references, now: now() });
  });
}

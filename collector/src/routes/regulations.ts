import { Type } from '@fastify/type-provider-typebox';
import type { Kysely } from 'kysely';
import { encodeCursor } from '../core/cursor';
import { isUuid } from '../core/uuid';
import { insertAuditEntry } from '../db/audit';
import { changeWorkspace, inWorkspace } from '../db/connect';
import { isBeingErased } from '../db/erasure-jobs';
import { resolveProfile } from '../db/profiles';
import { querierIn } from '../db/querier';
import {
  insertRegulation,
  listRegulations,
  type NewRegulation,
  raiseRegulationEpoch,
  readRegulation,
  readSuppressible,
  type Regulation,
  REGULATION_TYPES,
  type RegulationType,
  suppressSubjects,
  unsuppressSubjects,
} from '../db/regulations';
import type { Database } from '../db/tables';
import { ApiError } from '../errors';
import { InstantOut, Nullable, PageQuery, pageOf, StrictObject } from '../schema';
import type { AddRoutes } from './context';
import { pageFrom, readCursor } from './page';
import { ProfileParams, subjectIdFrom } from './profile-reference';

/** So many are answered in one request; who has more makes several. */
const MAX_IDS = 100;

const TypeSchema = Type.Unsafe<RegulationType>({ type: 'string', enum: [...REGULATION_TYPES] });

const NewRegulationBody = StrictObject({
  type: TypeSchema,
  ids: Type.Array(ProfileParams.properties.id, { minItems: 1, maxItems: MAX_IDS, uniqueItems: true }),
});

const Counts = Type.Record(Type.String(), Type.Integer(), {
  description: 'What was deleted, by kind.',
});

const RegulationSchema = Type.Object({
  id: Type.String(),
  type: TypeSchema,
  status: Type.Unsafe<'pending' | 'running' | 'done'>({
    type: 'string',
    enum: ['pending', 'running', 'done'],
  }),
  createdAt: InstantOut,
  finishedAt: Nullable(InstantOut),
  dropped: Type.Integer({ description: 'How many events it has kept out so far.' }),
  subjects: Type.Array(
    Type.Object({
      position: Type.Integer({ description: 'Its index among the ids that were given; they are not kept.' }),
      status: Type.Unsafe<'pending' | 'running' | 'done' | 'unknown'>({
        type: 'string',
        enum: ['pending', 'running', 'done', 'unknown'],
        description: 'unknown: nothing is held under this ID, and nothing was done.',
      }),
      profileId: Nullable(Type.String({ description: 'The profile that it stands for: a hash.' })),
      erasedAt: Nullable(InstantOut),
      deleted: Nullable(Counts),
      left: Nullable(
        Type.Record(Type.String(), Type.Integer(), { description: 'What a count afterwards found.' }),
      ),
      error: Nullable(Type.String({ description: 'Why the last try failed; there will be another.' })),
    }),
  ),
});

const tags = ['privacy'];

/** What a person may ask for: to be forgotten, left alone, taken in again, or told what is held. */
export const addRegulationRoutes: AddRoutes = (app, context) => {
  addCreation(app, context);
  addReading(app, context);
};

const addCreation: AddRoutes = (app, { db, access, now, newId, wakeWorker }) => {
  app.post(
    '/v1/regulations',
    {
      schema: {
        tags,
        summary: 'Delete, suppress, take in again or export what is held on people',
        description:
          'delete erases the profiles that the ids stand for, and suppresses their user IDs and emails. ' +
          'suppress drops all further calls that carry one of these identifiers (of a profile ID: its user IDs and ' +
          'emails); unsuppress ends that. Both hold as soon as they are answered; delete is a job, whose status has the counts. ' +
          'An export is read from its address `/export`.',
        body: NewRegulationBody,
        response: { 201: RegulationSchema },
      },
    },
    async (request, reply) => {
      const { workspaceId, actor } = access.readerOf(request);
      const { type, ids } = request.body;
      const at = now();
      const regulationId = newId();
      const regulation = await changeWorkspace(db, workspaceId, async (transaction) => {
        if (type === 'suppress' || type === 'unsuppress')
          await raiseRegulationEpoch(transaction, workspaceId);
        const order = { workspaceId, regulationId, type, at };
        const subjects: NewRegulation['subjects'][number][] = [];
        for (const reference of ids) subjects.push(await handle(transaction, { ...order, reference }));
        await insertRegulation(transaction, workspaceId, { id: regulationId, type, createdAt: at, subjects });
        const detail = { ids: ids.length };
        await insertAuditEntry(querierIn(transaction), workspaceId, {
          ...{ entryId: newId(), at, actor, action: `regulation.${type}`, detail },
        });
        return (await readRegulation(transaction, workspaceId, regulationId))!;
      });
      if (type === 'delete') wakeWorker();
      return reply.code(201).send(toShown(regulation));
    },
  );
};

interface Order {
  readonly workspaceId: string;
  readonly regulationId: string;
  readonly type: RegulationType;
  readonly at: Date;
  readonly reference: string;
}

/** Does at once what can be done at once, and says what remains. */
async function handle(db: Kysely<Database>, order: Order): Promise<NewRegulation['subjects'][number]> {
  const { workspaceId, type, reference } = order;
  const subjectId = subjectIdFrom({ workspaceId, reference });
  if (subjectId === null) return { subjectId: null, profileId: null, status: 'unknown' };
  if (type === 'suppress' || type === 'unsuppress')
    return changeSuppression(db, { ...order, type, subjectId });
  const profileId = await resolveProfile(db, workspaceId, subjectId);
  if (profileId === null) return { subjectId, profileId, status: 'unknown' };
  return { subjectId, profileId, status: type === 'delete' ? 'pending' : 'done' };
}

async function changeSuppression(
  db: Kysely<Database>,
  order: Order & { readonly type: 'suppress' | 'unsuppress'; readonly subjectId: string },
): Promise<NewRegulation['subjects'][number]> {
  const { workspaceId, regulationId, type, at, reference, subjectId } = order;
  const isProfile = isUuid(reference);
  const subjectIds = isProfile ? await readSuppressible(db, workspaceId, subjectId) : [subjectId];
  const profileId = isProfile ? subjectId : null;
  if (type === 'suppress') {
    await suppressSubjects(db, workspaceId, { subjectIds, regulationId, since: at });
    return { subjectId, profileId, status: subjectIds.length > 0 ? 'done' : 'unknown' };
  }
  if (await isBeingErased(db, workspaceId, subjectIds)) throw new ApiError('erasure_running');
  const ended = await unsuppressSubjects(db, workspaceId, subjectIds);
  return { subjectId, profileId, status: ended > 0 ? 'done' : 'unknown' };
}

const addReading: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/regulations',
    {
      schema: {
        tags,
        summary: 'List regulations, newest first',
        querystring: StrictObject(PageQuery),
        response: { 200: pageOf(RegulationSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor } = request.query;
      const after = readCursor(cursor);
      const regulations = await inWorkspace(db, workspaceId, (transaction) =>
        listRegulations(transaction, workspaceId, { limit: limit + 1, after }),
      );
      return pageFrom(regulations.map(toShown), {
        limit,
        cursorOf: ({ createdAt, id }) => encodeCursor({ at: createdAt.getTime(), id }),
      });
    },
  );

  app.get(
    '/v1/regulations/:id',
    {
      schema: {
        tags,
        summary: 'How far a regulation is, with verified counts',
        params: RegulationParams,
        response: { 200: RegulationSchema },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const regulation = await inWorkspace(db, workspaceId, (transaction) =>
        readRegulation(transaction, workspaceId, request.params.id),
      );
      if (regulation === null) throw new ApiError('not_found');
      return toShown(regulation);
    },
  );
};

export const RegulationParams = StrictObject({ id: Type.String({ format: 'uuid' }) });

type CountsShown = Readonly<Record<string, number>>;

function toShown({ id, type, createdAt, dropped, subjects }: Regulation) {
  const isDone = subjects.every(({ status }) => status === 'done' || status === 'unknown');
  const isPending = subjects.every(({ status }) => status !== 'running' && status !== 'done');
  const times = subjects.map(({ finishedAt }) => finishedAt?.getTime() ?? createdAt.getTime());
  return {
    ...{ id, type, createdAt, dropped },
    status: isDone ? ('done' as const) : isPending ? ('pending' as const) : ('running' as const),
    finishedAt: isDone ? new Date(Math.max(...times)) : null,
    subjects: subjects.map(({ position, status, profileId, erasedAt, error, progress }) => ({
      ...{ position, status, profileId, erasedAt, error },
      deleted: (progress['deleted'] as CountsShown | undefined) ?? null,
      left: (progress['left'] as CountsShown | undefined) ?? null,
    })),
  };
}

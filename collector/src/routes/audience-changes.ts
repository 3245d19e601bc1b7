import { Type } from '@fastify/type-provider-typebox';
import { parseInstant } from '../core/clock';
import type { AudienceReference } from '../db/audience-lock';
import { findChangeBefore, type Interval, INTERVALS, listChanges, readSizes } from '../db/audience-feed';
import { inWorkspace } from '../db/connect';
import { ApiError } from '../errors';
import { Instant, InstantOut, Nullable, PageQuery, StrictObject } from '../schema';
import { AudienceParams, requireAudience } from './audience-reference';
import { CauseSchema } from './audience-schema';
import type { AddRoutes, RouteContext } from './context';
import { openEventStream } from './event-stream';

const tags = ['audiences'];

const Since = Type.String({
  maxLength: 40,
  description:
    'The `id` of a change, or `last` of an answer: those behind it. Or a time: those from then on.',
});

const ChangeSchema = Type.Object({
  id: Type.String(),
  change: Type.Unsafe<'entered' | 'exited'>({ type: 'string', enum: ['entered', 'exited'] }),
  at: InstantOut,
  cause: CauseSchema,
  profileId: Type.String(),
  userId: Nullable(Type.String()),
  email: Nullable(Type.String()),
  anonymousId: Nullable(Type.String()),
});

/** How an audience's members change: a feed of who entered and exited, and its size over time. */
export const addAudienceChangeRoutes: AddRoutes = (app, context) => {
  addChanges(app, context);
  addStream(app, context);
  addHistory(app, context);
};

const addChanges: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/audiences/:id/changes',
    {
      schema: {
        tags,
        summary: 'Who entered and exited, in order',
        description:
          'Read from the beginning (without `since`) they come to the members; go on with `since` set to `last`. ' +
          'None is missed and none comes twice, however many are written meanwhile.',
        params: AudienceParams,
        querystring: StrictObject({ limit: PageQuery.limit, since: Type.Optional(Since) }),
        response: {
          200: Type.Object({
            data: Type.Array(ChangeSchema),
            last: Type.String({ description: 'What `since` takes next.' }),
            hasMore: Type.Boolean(),
          }),
        },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, since } = request.query;
      return inWorkspace(db, workspaceId, async (transaction) => {
        const { id, lastChange } = await requireAudience(transaction, {
          workspaceId,
          reference: request.params.id,
        });
        const place = { workspaceId, audienceId: id };
        const after = await readSince(transaction, place, { since, lastChange });
        const changes = await listChanges(transaction, place, { after, limit: limit + 1 });
        const data = changes.slice(0, limit);
        return { data, last: data.at(-1)?.id ?? String(after), hasMore: changes.length > limit };
      });
    },
  );
};

/** @throws ApiError invalid_cursor */
async function readSince(
  db: RouteContext['db'],
  place: AudienceReference,
  { since, lastChange }: { readonly since: string | undefined; readonly lastChange: string },
): Promise<number> {
  if (since === undefined) return 0;
  if (/^\d{1,15}$/.test(since)) {
    // A number that was not given yet: of another audience, or from before a backup was restored.
    if (Number(since) > Number(lastChange)) throw new ApiError('invalid_cursor');
    return Number(since);
  }
  const at = parseInstant(since);
  if (at === null) throw new ApiError('invalid_cursor');
  return findChangeBefore(db, place, new Date(at));
}

/** The database is asked this often for each audience that somebody watches. */
const POLL_MS = 500;
const PER_POLL = 500;

const addStream: AddRoutes = (app, { db, access }) => {
  const open = new Set<() => void>();
  // Before the server closes: it waits for open streams to end.
  app.addHook('preClose', async () => {
    for (const end of open) end();
  });
  app.get(
    '/v1/audiences/:id/changes/live',
    {
      schema: {
        tags,
        summary: 'Who enters and exits, as it happens (text/event-stream)',
        description:
          'Each message is a `change`, its data as in `changes`, its ID what `since` takes. It begins behind `since`, ' +
          'or behind `Last-Event-ID`, which browsers send by themselves when they come back; else with what is to come.',
        params: AudienceParams,
        querystring: StrictObject({ since: Type.Optional(Since) }),
        produces: ['text/event-stream'],
      },
    },
    async (request, reply) => {
      const { workspaceId } = access.readerOf(request);
      const header = request.headers['last-event-id'];
      const since = typeof header === 'string' ? header : request.query.since;
      const { place, from } = await inWorkspace(db, workspaceId, async (transaction) => {
        const { id, lastChange } = await requireAudience(transaction, {
          workspaceId,
          reference: request.params.id,
        });
        const its = { workspaceId, audienceId: id };
        const place = since ?? lastChange;
        return { place: its, from: await readSince(transaction, its, { since: place, lastChange }) };
      });
      let after = from;
      const stream = openEventStream(reply, {
        everyMs: POLL_MS,
        poll: async (send) => {
          const changes = await inWorkspace(db, workspaceId, (transaction) =>
            listChanges(transaction, place, { after, limit: PER_POLL }),
          );
          for (const change of changes) send({ event: 'change', id: change.id, data: change });
          after = Number(changes.at(-1)?.id ?? after);
        },
        onError: (error) => request.log.warn({ err: error }, 'A feed of changes could not read; it goes on.'),
        onEnd: () => open.delete(stream),
      });
      open.add(stream);
    },
  );
};

const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_POINTS = 1_000;
const LENGTH_MS = { hour: DAY_MS / 24, day: DAY_MS } as const;

const addHistory: AddRoutes = (app, { db, access, now }) => {
  app.get(
    '/v1/audiences/:id/history',
    {
      schema: {
        tags,
        summary: 'Its size over time',
        description:
          `Of each day (or hour) of the workspace’s calendar the size at its end, and how many entered and exited. ` +
          `The last 30 days (or 48 hours) unless \`from\` and \`to\` say otherwise; at most ${MAX_POINTS} of them.`,
        params: AudienceParams,
        querystring: StrictObject({
          interval: Type.Unsafe<Interval>({ type: 'string', enum: [...INTERVALS], default: 'day' }),
          from: Type.Optional(Instant),
          to: Type.Optional(Instant),
        }),
        response: {
          200: Type.Object({
            data: Type.Array(
              Type.Object({
                at: InstantOut,
                size: Type.Integer(),
                entered: Type.Integer(),
                exited: Type.Integer(),
              }),
            ),
          }),
        },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { interval } = request.query;
      const to = readInstant(request.query.to) ?? now().getTime();
      const usual = interval === 'day' ? 29 * DAY_MS : 2 * DAY_MS;
      const from = readInstant(request.query.from) ?? to - usual;
      if (from > to || (to - from) / LENGTH_MS[interval] > MAX_POINTS) {
        const detail = [
          { path: 'querystring.from', message: `must be at most ${MAX_POINTS} intervals before to` },
        ];
        throw new ApiError('invalid_request', undefined, detail);
      }
      return inWorkspace(db, workspaceId, async (transaction) => {
        const { id } = await requireAudience(transaction, { workspaceId, reference: request.params.id });
        const place = { workspaceId, audienceId: id };
        const bounds = { interval, from: new Date(from), to: new Date(to) };
        return { data: await readSizes(transaction, place, bounds) };
      });
    },
  );
};

/** @throws ApiError invalid_request */
function readInstant(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = parseInstant(text);
  if (at === null)
    throw new ApiError('invalid_request', 'A time must be RFC 3339, such as 2026-01-31T12:00:00Z.');
  return at;
}

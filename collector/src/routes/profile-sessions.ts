import { Type } from '@fastify/type-provider-typebox';
import { sealPageToken } from '../core/page-token';
import type { FirstPage } from '../core/profile-sessions';
import { inSnapshot } from '../db/connect';
import { readSessions, type SessionsPage } from '../db/profile-sessions';
import { readPageSecret } from '../db/workspace';
import { AnyObject, InstantOut, Nullable, PageQuery, pageOf, StrictObject } from '../schema';
import type { AddRoutes } from './context';
import { readPageToken } from './page-token';
import { ProfileParams, requireProfile } from './profile-reference';
import { keyOf } from './timeline';

const Text = Nullable(Type.String());
const SessionSchema = Type.Object({
  sessionId: Nullable(
    Type.String({ description: 'context.sessionId; null where events are together by time.' }),
  ),
  startedAt: InstantOut,
  endedAt: InstantOut,
  durationSeconds: Type.Number(),
  events: Type.Integer(),
  firstPage: Nullable(Type.Object({ name: Text, path: Text, url: Text, title: Text })),
  campaign: Nullable(AnyObject),
  isWhole: Type.Boolean({
    description: 'false: it is longer than a request looks through; this is its end.',
  }),
  timeline: Type.String({ description: 'The path of its events, oldest first.' }),
});

/** What one person did, visit by visit. */
export const addProfileSessionRoutes: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/profiles/:id/sessions',
    {
      schema: {
        tags: ['profiles'],
        summary: 'The sessions of a profile, the one that ended last first',
        description:
          'Events with the same context.sessionId are a session, unless a day lies between two of them; events without ' +
          'one are a session as long as less than 30 minutes do.',
        params: ProfileParams,
        querystring: StrictObject({
          ...PageQuery,
          limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
        }),
        response: { 200: pageOf(SessionSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor } = request.query;
      return inSnapshot(db, workspaceId, async (transaction) => {
        const profileId = await requireProfile(transaction, { workspaceId, reference: request.params.id });
        const secret = await readPageSecret(transaction, workspaceId);
        const scope = { profileId, order: 'newest', from: null, to: null } as const;
        const key = keyOf('sessions', { secret, workspaceId, scope });
        const after = readPageToken(cursor, key);
        const page = await readSessions({ db: transaction, workspaceId }, { profileId, limit, after });
        return {
          data: page.sessions.map((session) => toShown(profileId, session)),
          nextCursor: page.next === null ? null : sealPageToken(page.next, key),
        };
      });
    },
  );
};

function toShown(profileId: string, session: SessionsPage['sessions'][number]) {
  const { sessionId, startedAt, endedAt, events, firstPage, campaign, isWhole } = session;
  const range = new URLSearchParams({
    order: 'oldest',
    session: sessionId ?? '',
    from: new Date(startedAt).toISOString(),
    to: new Date(endedAt + 1).toISOString(),
  });
  return {
    ...{ sessionId, events, campaign, isWhole },
    startedAt: new Date(startedAt),
    endedAt: new Date(endedAt),
    durationSeconds: (endedAt - startedAt) / 1000,
    firstPage: firstPage === null ? null : textsOf(firstPage),
    timeline: `/v1/profiles/${profileId}/timeline?${range.toString()}`,
  };
}

/** Properties are whatever a client sent. */
function textsOf({ name, path, url, title }: FirstPage): FirstPage {
  const textOf = (value: unknown) => (typeof value === 'string' ? value : null);
  return { name: textOf(name), path: textOf(path), url: textOf(url), title: textOf(title) };
}

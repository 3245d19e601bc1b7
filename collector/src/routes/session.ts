import { Type } from '@fastify/type-provider-typebox';
import { stringifySetCookie } from 'cookie';
import { SESSION_COOKIE, sessionOf } from '../access';
import { deleteSession, redeemTicket, SESSION_LIFETIME_MS } from '../db/sessions';
import { readWorkspace } from '../db/workspace';
import { StrictObject } from '../schema';
import type { AddRoutes, Request } from './context';

const SessionBody = Type.Object({
  workspace: Type.Object({
    id: Type.String(),
    name: Type.String(),
    timezone: Type.String(),
    currency: Type.String(),
  }),
});

/** How the console is entered and left: a one-time ticket becomes a session cookie that scripts cannot read. */
export const addSessionRoutes: AddRoutes = (app, { db, access, now, newToken }) => {
  const tags = ['session'];

  app.get(
    '/console/enter',
    {
      schema: {
        tags,
        summary: 'Enter the console by the link that the start printed, once',
        querystring: StrictObject({ ticket: Type.String({ minLength: 1, maxLength: 200 }) }),
      },
    },
    async (request, reply) => {
      const session = newToken();
      const isGood = await redeemTicket(db, { ticket: request.query.ticket, session, now: now() });
      void reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
      // A spent link may be a reload by somebody who is signed in: the console tells the two apart.
      if (isGood)
        void reply.header('set-cookie', cookieOf(request, { session, maxAgeMs: SESSION_LIFETIME_MS }));
      return reply.redirect('/console/', 303);
    },
  );

  app.get(
    '/v1/session',
    {
      onRequest: access.requireReader,
      schema: { tags, summary: 'Who is signed in', response: { 200: SessionBody } },
    },
    async (request) => ({ workspace: await readWorkspace(db, access.readerOf(request).workspaceId) }),
  );

  app.delete(
    '/v1/session',
    {
      onRequest: access.requireReader,
      schema: { tags, summary: 'Sign out', response: { 204: Type.Null() } },
    },
    async (request, reply) => {
      const session = sessionOf(request);
      if (session !== null) await deleteSession(db, session);
      void reply.header('set-cookie', cookieOf(request, { session: '', maxAgeMs: 0 }));
      return reply.code(204).send(null);
    },
  );
};

function cookieOf(request: Request, { session, maxAgeMs }: { session: string; maxAgeMs: number }): string {
  return stringifySetCookie({
    name: SESSION_COOKIE,
    value: session,
    httpOnly: true,
    sameSite: 'strict',
    secure: request.protocol === 'https',
    path: '/',
    maxAge: Math.floor(maxAgeMs / 1000),
  });
}

import { Type } from '@fastify/type-provider-typebox';
import { decodeCursor, encodeCursor } from '../core/cursor';
import { subjectIdOf } from '../core/identifier';
import { isUuid } from '../core/uuid';
import { inWorkspace } from '../db/connect';
import { readTimeline } from '../db/events';
import { listProfiles, readIdentifiers, readMemberships, readProfiles, resolveProfile } from '../db/profiles';
import { ApiError } from '../errors';
import {
  EventTypeSchema,
  Instant,
  PageQuery,
  pageOf,
  ProfileDetailSchema,
  ProfileSchema,
  ShownEventSchema,
  StrictObject,
} from '../schema';
import type { AddRoutes } from './context';

const ProfileParams = StrictObject({
  id: Type.String({
    minLength: 1,
    maxLength: 300,
    description: 'A profile ID, or user:…, email:…, anonymous:…',
  }),
});

const ListQuery = StrictObject({
  ...PageQuery,
  search: Type.Optional(
    Type.String({ maxLength: 200, description: 'The beginning of a user ID, email or anonymous ID.' }),
  ),
});

const TimelineQuery = StrictObject({
  ...PageQuery,
  from: Type.Optional(Instant),
  to: Type.Optional(Type.String({ format: 'date-time', description: 'RFC 3339; exclusive.' })),
  type: Type.Optional(EventTypeSchema),
  event: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  include: Type.Optional(Type.Literal('context')),
});

/** People: the list, one of them, and what they did. */
export const addProfileRoutes: AddRoutes = (app, { db, access }) => {
  const tags = ['profiles'];

  app.get(
    '/v1/profiles',
    {
      schema: {
        tags,
        summary: 'List profiles, most recently seen first',
        querystring: ListQuery,
        response: { 200: pageOf(ProfileSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor, search } = request.query;
      const after = readCursor(cursor);
      const data = await inWorkspace(db, workspaceId, (transaction) =>
        listProfiles(transaction, workspaceId, { search: search?.trim() || null, limit: limit + 1, after }),
      );
      return pageFrom(data, {
        limit,
        cursorOf: (profile) => encodeCursor({ at: profile.lastSeenAt.getTime(), id: profile.id }),
      });
    },
  );

  app.get(
    '/v1/profiles/:id',
    {
      schema: {
        tags,
        summary: 'One profile, with its identifiers and audiences',
        params: ProfileParams,
        response: { 200: ProfileDetailSchema },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      return inWorkspace(db, workspaceId, async (transaction) => {
        const id = await requireProfile(transaction, { workspaceId, reference: request.params.id });
        const [profile] = await readProfiles(transaction, workspaceId, [id]);
        if (profile === undefined) throw new ApiError('not_found');
        const identifiers = await readIdentifiers(transaction, workspaceId, id);
        const audiences = await readMemberships(transaction, workspaceId, id);
        return { ...profile, identifiers, audiences };
      });
    },
  );

  app.get(
    '/v1/profiles/:id/timeline',
    {
      schema: {
        tags,
        summary: 'What a profile did, newest first',
        params: ProfileParams,
        querystring: TimelineQuery,
        response: { 200: pageOf(ShownEventSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor, from, to, type, event, include } = request.query;
      const after = readCursor(cursor);
      const placed = await inWorkspace(db, workspaceId, async (transaction) =>
        readTimeline(transaction, workspaceId, {
          profileId: await requireProfile(transaction, { workspaceId, reference: request.params.id }),
          from: from === undefined ? null : new Date(from),
          to: to === undefined ? null : new Date(to),
          type: type ?? null,
          event: event ?? null,
          limit: limit + 1,
          after,
          hasContext: include === 'context',
        }),
      );
      const page = pageFrom(placed, { limit, cursorOf: ({ place }) => encodeCursor(place) });
      return { data: page.data.map(({ event: shown }) => shown), nextCursor: page.nextCursor };
    },
  );
};

type Reference = { readonly workspaceId: string; readonly reference: string };

/**
 * The profile that an ID or an identifier stands for.
 *
 * @throws ApiError not_found
 */
async function requireProfile(
  db: Parameters<typeof resolveProfile>[0],
  { workspaceId, reference }: Reference,
): Promise<string> {
  const subjectId = subjectIdFrom({ workspaceId, reference });
  const id = subjectId === null ? null : await resolveProfile(db, workspaceId, subjectId);
  if (id === null) throw new ApiError('not_found', 'There is no profile with this ID.');
  return id;
}

function subjectIdFrom({ workspaceId, reference }: Reference): string | null {
  const [, kind, value] = /^(user|email|anonymous):(.*)$/s.exec(reference) ?? [];
  if (value === undefined) return isUuid(reference) ? reference.toLowerCase() : null;
  const trimmed = value.trim();
  const wanted = kind === 'email' ? trimmed.toLowerCase() : trimmed;
  return subjectIdOf(workspaceId, { kind: kind as 'user' | 'email' | 'anonymous', value: wanted });
}

/** @throws ApiError invalid_cursor */
export function readCursor(text: string | undefined): ReturnType<typeof decodeCursor> {
  if (text === undefined) return null;
  const cursor = decodeCursor(text);
  if (cursor === null) throw new ApiError('invalid_cursor');
  return cursor;
}

/** A page out of one item more than fits: whether there is a next page is then known. */
export function pageFrom<T>(
  items: readonly T[],
  { limit, cursorOf }: { limit: number; cursorOf: (item: T) => string },
): { data: T[]; nextCursor: string | null } {
  const data = items.slice(0, limit);
  return { data, nextCursor: items.length > limit ? cursorOf(data.at(-1)!) : null };
}

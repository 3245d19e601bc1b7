import { Type } from '@fastify/type-provider-typebox';
import { changeWorkspaceSettings, isKnownTimezone, readWorkspace } from '../db/workspace';
import { ApiError } from '../errors';
import { InstantOut, Nullable, StrictObject } from '../schema';
import type { AddRoutes } from './context';

const WorkspaceSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  timezone: Type.String(),
  currency: Type.String(),
  retentionDays: Nullable(Type.Integer()),
  createdAt: InstantOut,
});

/** A century: what is to be kept longer has no retention. */
const MAX_RETENTION_DAYS = 36_525;

const WorkspaceChangeSchema = StrictObject({
  // Neither blank nor with control characters: Postgres refuses NUL, and nobody could tell two such names apart.
  name: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, pattern: '^(?=.*\\S)[^\\x00-\\x1f\\x7f]+$' }),
  ),
  timezone: Type.Optional(Type.String({ maxLength: 100, description: 'A name like Europe/Berlin.' })),
  retentionDays: Type.Optional(
    // One list of types, not a union: the validator would make null of 0 in a union, and keep everything.
    Type.Unsafe<number | null>({
      type: ['integer', 'null'],
      minimum: 1,
      maximum: MAX_RETENTION_DAYS,
      description:
        'How long events are kept at least; null keeps everything. What is gone does not come back.',
    }),
  ),
});

/** The workspace itself: how it is called, where its days begin, how long it keeps events. */
export const addWorkspaceRoutes: AddRoutes = (app, { db, access }) => {
  const tags = ['workspace'];

  app.get(
    '/v1/workspace',
    { schema: { tags, summary: 'The workspace and its settings', response: { 200: WorkspaceSchema } } },
    (request) => readWorkspace(db, access.readerOf(request).workspaceId),
  );

  app.patch(
    '/v1/workspace',
    {
      schema: {
        tags,
        summary: 'Change the workspace’s settings',
        body: WorkspaceChangeSchema,
        response: { 200: WorkspaceSchema },
      },
    },
    async (request) => {
      const { timezone } = request.body;
      if (timezone !== undefined && !(await isKnownTimezone(db, timezone))) {
        const detail = [{ path: 'body.timezone', message: 'must be a time zone like Europe/Berlin' }];
        throw new ApiError('invalid_request', undefined, detail);
      }
      return changeWorkspaceSettings(db, access.readerOf(request).workspaceId, request.body);
    },
  );
};

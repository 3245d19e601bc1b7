import { type Static, type TSchema, Type } from '@fastify/type-provider-typebox';
import { type PageTokenKey, sealPageToken } from '../core/page-token';
import { TIMELINE_ORDERS, type TimelineOrder } from '../core/timeline';
import { inSnapshot } from '../db/connect';
import { readTimeline, type TimelineFilter } from '../db/timeline';
import type { TimelineScope } from '../db/timeline-scan';
import { readPageSecret } from '../db/workspace';
import { EventTypeSchema, Instant, PageQuery, pageOf, ShownEventSchema, StrictObject } from '../schema';
import type { AddRoutes } from './context';
import { readPageToken } from './page-token';
import { ProfileParams, requireProfile } from './profile-reference';

const MAX_SEVERAL = 50;
const several = <T extends TSchema>(item: T, description: string) =>
  Type.Optional(Type.Array(item, { minItems: 1, maxItems: MAX_SEVERAL, description }));
const Name = Type.String({ minLength: 1, maxLength: 256 });

/** What every view of a timeline takes. */
export const TimelineRange = {
  ...PageQuery,
  order: Type.Unsafe<TimelineOrder>({ type: 'string', enum: [...TIMELINE_ORDERS], default: 'newest' }),
  from: Type.Optional(Instant),
  to: Type.Optional(Type.String({ format: 'date-time', description: 'RFC 3339; exclusive.' })),
};

const TimelineQuery = StrictObject({
  ...TimelineRange,
  type: several(EventTypeSchema, 'One of these; may be given several times, as may those below.'),
  notType: several(EventTypeSchema, 'None of these.'),
  event: several(Name, 'The name of a track event, a page or a screen: one of these.'),
  notEvent: several(Name, 'None of these names. Events without a name stay.'),
  source: several(Type.String({ format: 'uuid' }), 'The ID of a source: one of these.'),
  session: Type.Optional(
    Type.String({ maxLength: 256, description: 'context.sessionId; empty for events that have none.' }),
  ),
  include: Type.Optional(Type.Literal('context')),
});

/** What one person did. */
export const addTimelineRoutes: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/profiles/:id/timeline',
    {
      schema: {
        tags: ['profiles'],
        summary: 'What a profile did, newest or oldest first',
        description:
          'A page looks at about 50,000 events at most. Where a filter lets few of them pass, it may be short or even ' +
          'empty and have a nextCursor all the same: only nextCursor null is the end. A cursor goes with the profile, ' +
          'order and filters that it was given out for.',
        params: ProfileParams,
        querystring: TimelineQuery,
        response: { 200: pageOf(ShownEventSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor, include } = request.query;
      return inSnapshot(db, workspaceId, async (transaction) => {
        const profileId = await requireProfile(transaction, { workspaceId, reference: request.params.id });
        const scope = scopeOf(profileId, request.query);
        const filter = filterOf(request.query);
        const secret = await readPageSecret(transaction, workspaceId);
        const key = keyOf('timeline', { secret, workspaceId, scope, filter });
        const { events, next } = await readTimeline(transaction, workspaceId, {
          ...scope,
          filter,
          after: readPageToken(cursor, key),
          limit,
          hasContext: include === 'context',
        });
        return { data: [...events], nextCursor: next === null ? null : sealPageToken(next, key) };
      });
    },
  );
};

/** Of a query of {@link TimelineRange}; where it begins is the page token's business. */
export function scopeOf(
  profileId: string,
  { order, from, to }: { order: TimelineOrder; from?: string; to?: string },
): Omit<TimelineScope, 'after'> {
  const dateOf = (text: string | undefined) => (text === undefined ? null : new Date(text));
  return { profileId, order, from: dateOf(from), to: dateOf(to) };
}

/** Sorted and unique, because that is how they mean the same. */
function filterOf(query: Static<typeof TimelineQuery>): TimelineFilter {
  const unique = <T extends string>(values: readonly T[] = []): T[] => [...new Set(values)].sort();
  return {
    types: unique(query.type),
    notTypes: unique(query.notType),
    events: unique(query.event),
    notEvents: unique(query.notEvent),
    sources: unique(query.source?.map((id) => id.toLowerCase())),
    session: query.session ?? null,
  };
}

/** What page tokens of a view of a timeline are bound to. */
export function keyOf(
  list: 'timeline' | 'sessions',
  {
    secret,
    workspaceId,
    scope,
    filter,
  }: {
    readonly secret: Uint8Array;
    readonly workspaceId: string;
    readonly scope: Omit<TimelineScope, 'after'>;
    readonly filter?: TimelineFilter;
  },
): PageTokenKey {
  return { secret, query: { list, workspaceId, ...scope, ...filter } };
}

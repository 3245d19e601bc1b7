import { Type } from '@fastify/type-provider-typebox';
import {
  decodeListCursor,
  encodeListCursor,
  type ListIdentity,
  type ListPlace,
  PROFILE_SORTS,
  type ProfileSort,
  SORT_ORDERS,
  type SortOrder,
} from '../core/profile-list';
import { asksAboutEvents, type Rule } from '../core/rule';
import { checkRule } from '../core/rule-check';
import { inWorkspace } from '../db/connect';
import { readIdentifiers, readTraitDetails, readWarnings } from '../db/profile-detail';
import { findProfiles, isWalk, ListTooSlow } from '../db/profile-list';
import { readMemberships, readProfiles } from '../db/profiles';
import { ApiError } from '../errors';
import { PageQuery, pageOf, ProfileDetailSchema, ProfileSchema, StrictObject } from '../schema';
import type { AddRoutes } from './context';
import { pageFrom } from './page';
import { ProfileParams, resolveReference } from './profile-reference';

const MAX_FILTER_LENGTH = 8_000;

const ListQuery = StrictObject({
  ...PageQuery,
  search: Type.Optional(
    Type.String({ maxLength: 200, description: 'The beginning of a user ID, email or anonymous ID.' }),
  ),
  filter: Type.Optional(
    Type.String({
      maxLength: MAX_FILTER_LENGTH,
      description:
        'A rule about traits, as JSON: {"trait":"plan","eq":"pro"}. As of audiences, without events (docs/audiences.md).',
    }),
  ),
  sort: Type.Unsafe<ProfileSort>({
    type: 'string',
    enum: Object.keys(PROFILE_SORTS),
    default: 'lastSeenAt',
    description: 'Revenue is that in the workspace’s currency.',
  }),
  order: Type.Unsafe<SortOrder>({ type: 'string', enum: [...SORT_ORDERS], default: 'desc' }),
});

const tags = ['profiles'];

/** People: the list, and one of them. */
export const addProfileRoutes: AddRoutes = (app, context) => {
  addList(app, context);
  addDetail(app, context);
};

/** A pass over all profiles holds a connection and a processor for up to seconds; the others are for everybody else. */
const MAX_PASSES = 2;

const addList: AddRoutes = (app, { db, access, now }) => {
  let passes = 0;
  app.get(
    '/v1/profiles',
    {
      schema: {
        tags,
        summary: 'List profiles, most recently seen first',
        description:
          'With a filter, or sorted otherwise than by lastSeenAt, the sums of all profiles are read for each page.',
        querystring: ListQuery,
        response: {
          200: Type.Intersect([
            pageOf(ProfileSchema),
            Type.Object({
              estimatedTotal: Type.Integer({
                description: 'Exact with a filter, and up to 10,000; beyond by the database’s statistics.',
              }),
            }),
          ]),
        },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor, sort, order } = request.query;
      const list = {
        search: request.query.search?.trim() || null,
        filter: request.query.filter ?? null,
        sort,
        order,
      };
      const query = {
        ...{
          search: list.search,
          filter: readFilter(list.filter),
          sort,
          order,
          limit: limit + 1,
          now: now(),
        },
        after: readListCursor(cursor, list),
      };
      const isPass = !isWalk(query);
      if (isPass && passes >= MAX_PASSES) {
        throw new ApiError('unavailable', 'Too many lists are being searched; ask again when one is done.');
      }
      passes += isPass ? 1 : 0;
      const { places, estimatedTotal } = await inWorkspace(db, workspaceId, (transaction) =>
        findProfiles(transaction, workspaceId, query),
      )
        .catch((error: unknown) => {
          if (!(error instanceof ListTooSlow)) throw error;
          throw new ApiError('too_slow', `${error.message} Narrow it by search, or make an audience of it.`);
        })
        .finally(() => (passes -= isPass ? 1 : 0));
      const page = pageFrom(places, { limit, cursorOf: (place) => encodeListCursor(place, list) });
      const ids = page.data.map(({ id }) => id);
      // A transaction of its own: the pass had settings of its own.
      const data = await inWorkspace(db, workspaceId, (transaction) =>
        readProfiles(transaction, workspaceId, ids),
      );
      return { data, nextCursor: page.nextCursor, estimatedTotal };
    },
  );
};

/** @throws ApiError invalid_rule */
function readFilter(text: string | null): Rule | null {
  if (text === null) return null;
  const problem = (message: string) => new ApiError('invalid_rule', undefined, [{ path: 'filter', message }]);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw problem('must be a rule as JSON, such as {"trait":"plan","eq":"pro"}');
  }
  const checked = checkRule(value);
  if (!checked.ok) throw new ApiError('invalid_rule', undefined, checked.problems);
  if (asksAboutEvents(checked.rule)) {
    throw problem('must ask about traits only; make an audience to find profiles by their events');
  }
  return checked.rule;
}

/** @throws ApiError invalid_cursor */
function readListCursor(text: string | undefined, list: ListIdentity): ListPlace | null {
  if (text === undefined) return null;
  const place = decodeListCursor(text, list);
  if (place === 'of_another_list') {
    throw new ApiError(
      'invalid_cursor',
      'The cursor goes on with another list: send the search, filter, sort and order that it was given out for.',
    );
  }
  if (place === 'not_a_cursor') throw new ApiError('invalid_cursor');
  return place;
}

const addDetail: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/profiles/:id',
    {
      schema: {
        tags,
        summary: 'One profile, with its identifiers, audiences and warnings',
        description:
          'The ID of an email or an anonymous ID that belongs to somebody now answers with that profile, and says so ' +
          'in redirected. verbose adds traitDetails: of each trait when it was said, by which event and source.',
        params: ProfileParams,
        querystring: StrictObject({ verbose: Type.Boolean({ default: false }) }),
        response: { 200: ProfileDetailSchema },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { params, query } = request;
      return inWorkspace(db, workspaceId, async (transaction) => {
        const { id, requestedId } = await resolveReference(transaction, {
          workspaceId,
          reference: params.id,
        });
        const [profile] = await readProfiles(transaction, workspaceId, [id]);
        if (profile === undefined) throw new ApiError('not_found');
        const identifiers = await readIdentifiers(transaction, workspaceId, { profileId: id });
        const audiences = await readMemberships(transaction, workspaceId, id);
        const warnings = await readWarnings(transaction, workspaceId, id);
        const details = query.verbose
          ? { traitDetails: await readTraitDetails(transaction, workspaceId, id) }
          : {};
        const redirected = requestedId !== id;
        return { ...profile, requestedId, redirected, ...identifiers, audiences, warnings, ...details };
      });
    },
  );
};

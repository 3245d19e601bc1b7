import { Type } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { bearerOf, sessionOf } from '../access';
import { MAX_CONTEXT_BYTES, TIME_LIMIT_MS } from '../core/decision';
import { readIdentifierText } from '../core/event-identity';
import { normaliseEmail, subjectIdOf } from '../core/identifier';
import { cleanJson, isStorableText, MAX_DEPTH } from '../core/json-value';
import { MAX_MESSAGE_ID_LENGTH } from '../core/event';
import { Refused } from '../core/refusal';
import type { Decision } from '../decide';
import { ApiError } from '../errors';
import { AnyObject, Nullable, StrictObject } from '../schema';
import { openToAnyPage } from './any-page';
import { parseBody } from './body';
import type { AddRoutes, App } from './context';
import { subjectIdFrom } from './profile-reference';
import { keyOf, openFor } from './receive';

/** The context, and what stands around it. */
const MAX_BODY_BYTES = MAX_CONTEXT_BYTES + 8 * 1024;

const Named = Type.Union([Type.String(), Type.Number(), Type.Null()]);

const DecideBody = StrictObject({
  decision: Type.String({ minLength: 1, maxLength: 100, description: 'A decision’s key, or its ID.' }),
  profileId: Type.Optional(
    Type.String({ maxLength: 300, description: 'A profile ID, or user:…, email:…, anonymous:…' }),
  ),
  userId: Type.Optional(Named),
  email: Type.Optional(Named),
  anonymousId: Type.Optional(Named),
  context: Type.Optional(
    Type.Unsafe<Record<string, unknown>>({
      ...AnyObject,
      description: `What is so now, e.g. {"cart": {"total": 180}}; rules read it as $context.cart.total. At most ${MAX_CONTEXT_BYTES} bytes.`,
    }),
  ),
  timeLimitMs: Type.Optional(
    Type.Integer({
      minimum: TIME_LIMIT_MS.least,
      maximum: TIME_LIMIT_MS.most,
      description: 'After so many milliseconds the answer is the default; else what the decision says.',
    }),
  ),
  record: Type.Optional(
    Type.Boolean({ description: 'Whether it becomes an event of the profile; else what the decision says.' }),
  ),
  messageId: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: MAX_MESSAGE_ID_LENGTH,
      pattern: '\\S',
      description: 'The ID of that event, for who asks again: it is recorded once.',
    }),
  ),
});

const SignalSchema = Type.Object({
  case: Type.String(),
  path: Type.String(),
  text: Type.String({ description: 'What was asked, in English.' }),
  holds: Type.Boolean(),
  value: Type.Unknown({ description: 'What was compared; null where that is missing.' }),
});

const DecisionAnswer = Type.Object({
  decision: Type.String(),
  version: Type.Integer(),
  case: Type.Object({ key: Type.String(), index: Type.Integer() }),
  payload: Type.Unknown(),
  isDefault: Type.Optional(Type.Boolean()),
  defaultReason: Type.Optional(
    Nullable(Type.String({ description: 'nothing_matched, no_profile, time_limit, unavailable or failed.' })),
  ),
  profileId: Type.Optional(Nullable(Type.String())),
  reasons: Type.Optional(
    Type.Array(SignalSchema, {
      description: 'What the case asks and found, and those above it that did not hold.',
    }),
  ),
  audiences: Type.Optional(
    Type.Array(
      Type.Object({
        key: Type.String(),
        isMember: Type.Boolean(),
        isFresh: Type.Boolean({ description: 'Worked out just now, ahead of the stored members.' }),
      }),
    ),
  ),
  recorded: Type.Optional(
    Type.Object({
      messageId: Type.String(),
      isStored: Type.Boolean({ description: 'false: not yet, or not at all; asking again is harmless.' }),
    }),
  ),
  tookMs: Type.Optional(Type.Number()),
});

/** What to do for somebody now. With a secret key or the console's session; with a write key what is open to pages. */
export const addDecideRoute: AddRoutes = (app, { access, decider, now, newId }) => {
  openToAnyPage(app);
  readStrictly(app);
  const lastKnown = { ...access, open: access.openLastKnown };
  const pages = new WeakMap<FastifyRequest, string>();
  app.addHook('onRequest', async (request) => {
    const token = keyOf(request);
    const isReader = bearerOf(request) !== null || (token === null && sessionOf(request) !== null);
    if (isReader || token === null) return access.requireLastKnownReader(request);
    const { workspaceId } = await openFor(request, { access: lastKnown, token, kinds: ['write'] });
    pages.set(request, workspaceId);
  });
  app.post(
    '/v1/decide',
    {
      bodyLimit: MAX_BODY_BYTES,
      schema: {
        tags: ['decisions'],
        summary: 'Decide what to do for a profile now',
        description:
          'Sees everything that was acknowledged before it was asked. Of several identifiers the strongest counts; of ' +
          'none, or of somebody who was never seen, nothing is known. With a write key (`?writeKey=`, or as Basic user ' +
          'name) only decisions that are `public` are there, for an `anonymousId` only, and the answer is the case and ' +
          'its payload.',
        security: [{ secretKey: [] }, { writeKey: [] }, { writeKeyQuery: [] }],
        body: DecideBody,
        response: { 200: DecisionAnswer },
      },
    },
    async (request) => {
      const page = pages.get(request);
      const workspaceId = page ?? access.readerOf(request).workspaceId;
      const { decision: reference, context, timeLimitMs, record, messageId } = request.body;
      const isPublic = page !== undefined;
      const subjectId = readWhom(request.body, { workspaceId, isPublic });
      const id = messageId ?? newId();
      if (!isStorableText(id)) throw refuse('messageId must not contain NUL or lone surrogates.');
      const decision = await decider.decide({
        ...{ workspaceId, subjectId, reference, now: now(), timeLimitMs, record, messageId: id, isPublic },
        context: readContext(context ?? {}),
      });
      if (decision === null) throw new ApiError('not_found', 'There is no decision with this key or ID.');
      return isPublic ? shownToPages(decision) : shown(decision, id);
    },
  );
};

/** As events are read: keys that could change a prototype are left out of what is kept, and refuse nothing. */
function readStrictly(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ['application/json', 'text/plain'],
    { parseAs: 'buffer' },
    async (_request: FastifyRequest, body: Buffer) => parseBody(body),
  );
}

type Whom = Readonly<Partial<Record<'profileId', string>>> &
  Readonly<Partial<Record<'userId' | 'email' | 'anonymousId', string | number | null>>>;

/** Whom nothing is known of. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** The subject that is asked about. @throws ApiError invalid_request */
function readWhom(
  { profileId, userId, email, anonymousId }: Whom,
  { workspaceId, isPublic }: { readonly workspaceId: string; readonly isPublic: boolean },
): string {
  if (isPublic && [profileId, userId, email].some((given) => given !== undefined)) {
    throw refuse('With a write key only anonymousId may be given: others can be guessed.');
  }
  if (profileId !== undefined) {
    const subjectId = subjectIdFrom({ workspaceId, reference: profileId });
    if (subjectId !== null) return subjectId;
    throw refuse('profileId must be an ID, or user:…, email:…, anonymous:…');
  }
  const mail = readName(email, 'email');
  const named = {
    user: readName(userId, 'userId'),
    email: mail === null ? null : normaliseEmail(mail),
    anonymous: readName(anonymousId, 'anonymousId'),
  };
  for (const kind of ['user', 'email', 'anonymous'] as const) {
    const value = named[kind];
    if (value !== null) return subjectIdOf(workspaceId, { kind, value });
  }
  return NOBODY;
}

/** @throws ApiError invalid_request */
function readName(given: unknown, field: string): string | null {
  try {
    return readIdentifierText(given, { field, warnings: new Set() });
  } catch (error) {
    throw error instanceof Refused ? refuse(error.message) : error;
  }
}

/** @throws ApiError invalid_request */
function readContext(given: Record<string, unknown>): string {
  const { value, isTooDeep } = cleanJson(given);
  if (isTooDeep) throw refuse(`The context may be nested at most ${MAX_DEPTH} levels deep.`);
  const text = JSON.stringify(value);
  if (Buffer.byteLength(text) <= MAX_CONTEXT_BYTES) return text;
  throw refuse(`The context may have at most ${MAX_CONTEXT_BYTES} bytes.`);
}

const refuse = (message: string): ApiError => new ApiError('invalid_request', message);

function shownToPages({ known, key, index, payload }: Decision) {
  return { decision: known.key, version: known.version, case: { key, index }, payload };
}

function shown(decision: Decision, messageId: string) {
  const { isDefault, defaultReason, profileId, signals: reasons, audiences, isRecorded, tookMs } = decision;
  return {
    ...shownToPages(decision),
    ...{ isDefault, defaultReason, profileId, reasons, audiences },
    ...(isRecorded === null ? {} : { recorded: { messageId, isStored: isRecorded } }),
    tookMs: Math.round(tookMs * 100) / 100,
  };
}

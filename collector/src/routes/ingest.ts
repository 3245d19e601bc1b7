import type { EventType, Normalised } from '../core/event';
import { inWorkspace } from '../db/connect';
import type { Access } from '../db/keys';
import { resolveProfile } from '../db/profiles';
import { ApiError } from '../errors';
import type { Verdict } from '../ingest';
import { SingleVerdict, VerdictCounts } from '../schema';
import type { AddRoutes, RouteContext } from './context';
import { receiveIn } from './receive';
import { submit } from './submit';

/** Events that are refused cost a row each, and need only a few bytes on the wire. */
const MAX_BATCH_EVENTS = 5_000;

const BATCH_PATHS = ['/v1/batch', '/v1/b', '/beacon/v1/batch'];
const SINGLE_PATHS: Readonly<Record<EventType, readonly string[]>> = {
  track: ['/v1/track', '/v1/t'],
  identify: ['/v1/identify', '/v1/i'],
  page: ['/v1/page', '/v1/p'],
  screen: ['/v1/screen', '/v1/s'],
  group: ['/v1/group', '/v1/g'],
  alias: ['/v1/alias', '/v1/a'],
};

/** Events in: Segment's HTTP tracking API, plus a verdict per event. 200 means committed. */
export const addIngestRoutes: AddRoutes = (app, context) => {
  const receive = receiveIn(app, context);

  for (const path of BATCH_PATHS) {
    app.post(path, { schema: batchSchema(path !== BATCH_PATHS[0]) }, async (request) => {
      const { opened, bytes, reservation, body } = await receive(request);
      const items = body['batch'];
      if (!Array.isArray(items)) throw new ApiError('invalid_body', 'batch must be an array of events.');
      if (items.length > MAX_BATCH_EVENTS) {
        throw new ApiError('payload_too_large', `A batch may hold at most ${MAX_BATCH_EVENTS} events.`);
      }
      const { sentAt } = body;
      const { verdicts } = await submit(context, { opened, bytes, reservation, items, sentAt, shared: body });
      return countVerdicts(verdicts);
    });
  }

  for (const [type, aliases] of Object.entries(SINGLE_PATHS)) {
    for (const path of aliases) {
      app.post(path, { schema: singleSchema(type, path !== aliases[0]) }, async (request) => {
        const { opened, bytes, reservation, body } = await receive(request);
        const { sentAt } = body;
        const messageId = body['messageId'] ?? request.headers['idempotency-key'];
        // The body is ours alone, so it is completed in place.
        const items = [Object.assign(body, { type, messageId })];
        const submission = { opened, bytes, reservation, items, sentAt, shared: null };
        const { verdicts, normalised } = await submit(context, submission);
        return answerSingle(context, { verdict: verdicts[0]!, normalised: normalised[0]!, opened });
      });
    }
  }
};

function countVerdicts(verdicts: readonly Verdict[]) {
  const suppressed = verdicts.filter(({ status }) => status === 'suppressed').length;
  return {
    ...(suppressed === 0 ? {} : { suppressed }),
    accepted: verdicts.filter(({ status }) => status === 'accepted').length,
    duplicates: verdicts.filter(({ status }) => status === 'duplicate').length,
    rejected: verdicts.flatMap((verdict, index) => {
      if (verdict.status !== 'rejected') return [];
      const { messageId, code, message } = verdict;
      return [{ index, messageId, code, message }];
    }),
  };
}

async function answerSingle(
  { db }: RouteContext,
  { verdict, normalised, opened }: { verdict: Verdict; normalised: Normalised; opened: Access },
) {
  const { status, messageId } = verdict;
  if (status === 'rejected')
    throw new ApiError('invalid_event', verdict.message, { code: verdict.code, messageId });
  // A public key must not tell who an identifier belongs to.
  if (opened.kind !== 'secret' || !normalised.ok) return { status, messageId };
  const { workspaceId } = opened;
  const profileId = await inWorkspace(db, workspaceId, (transaction) =>
    resolveProfile(transaction, workspaceId, normalised.event.subjectId),
  );
  return { status, messageId, profileId };
}

const tags = ['ingest'];
const security = [{ writeKey: [] }, { writeKeyQuery: [] }];

/** The body is read by us (gzip, text/plain, strict UTF-8), so its schema is for the document only. */
function batchSchema(hide: boolean) {
  return {
    tags,
    security,
    hide,
    summary: 'Send events',
    response: { 200: VerdictCounts },
    consumes: CONSUMES,
  };
}

function singleSchema(type: string, hide: boolean) {
  return {
    tags,
    security,
    hide,
    summary: `Send one ${type} event`,
    response: { 200: SingleVerdict },
    consumes: CONSUMES,
  };
}

const CONSUMES = ['application/json', 'text/plain'];

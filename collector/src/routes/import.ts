import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { Type } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import type { AccessControl } from '../access';
import type { Normalised } from '../core/event';
import { type ImportedLine, readImportLine } from '../core/import-line';
import type { Line } from '../core/line-splitter';
import type { Access } from '../db/keys';
import { ApiError, errorBody } from '../errors';
import { toApiError } from '../failure';
import { readImportBody } from '../import/import-body';
import { runImport } from '../import/run-import';
import { submitPatiently } from '../import/submit-patiently';
import { EMPTY_TALLY, type LineVerdict } from '../import/tally';
import type { LongRequests } from '../long-requests';
import { ImportLine } from '../schema';
import type { App, RouteContext } from './context';
import { headerKeyOf, openFor } from './receive';
import { enqueue, sourceIdOf } from './submit';

/** Each keeps writers busy without a pause: with more at once, live events would wait for too many of their turns. */
const MAX_IMPORTS = 2;
/** A line of progress at most this often. */
const PROGRESS_EVERY_MS = 1_000;
/** A sender that sends nothing for this long has gone. Generous: what is piped in may have to be found first. */
const IDLE_MS = 60_000;
/** How long a queue may stay full before the import ends. */
const PATIENCE_MS = 60_000;
/** After an import that failed, what is still being sent is thrown away for this long, so that its sender can read why. */
const LINGER_MS = 2_000;

/** Lines of JSON, whatever the sender calls them; curl calls everything a form unless it is told. */
const CONTENT_TYPES =
  /^(application\/(x-ndjson|ndjson|jsonl|x-jsonlines|json|gzip|x-gzip|octet-stream|x-www-form-urlencoded)|text\/plain)?\s*(;|$)/i;

type ImportContext = RouteContext & { readonly access: AccessControl; readonly longRequests: LongRequests };

/** History in: a file of events, a line each, of any length; progress comes back while it is sent. */
export function addImportRoute(app: App, context: ImportContext): void {
  const running = new Set<AbortController>();
  const opened = new WeakMap<FastifyRequest, Access>();
  // Not read here: lines are read as they are written.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, body, done) => done(null, body));
  app.addHook('onRequest', async (request) => {
    const token = headerKeyOf(request);
    if (token === null) throw new ApiError('unauthorized');
    opened.set(request, await openFor(request, { access: context.access, token, kinds: ['secret'] }));
  });
  app.addHook('preClose', async () => {
    for (const ending of running) ending.abort(new ApiError('shutting_down'));
  });

  app.post('/v1/import', { schema }, async (request, reply) => {
    refuseUnreadable(request);
    // What runs already was ended as the stop began.
    if (context.isDraining()) throw new ApiError('shutting_down');
    if (running.size >= MAX_IMPORTS) throw new ApiError('overloaded', 'Too many imports are running.');
    const ending = new AbortController();
    running.add(ending);
    context.longRequests.allow(request.raw);
    letGo(request.raw, { response: reply.raw, isStopping: context.isDraining });
    const answer = startImport(context, { request, opened: opened.get(request)!, ending });
    answer.once('close', () => running.delete(ending));
    // Until the first line an error can still be answered with its status.
    await once(answer, 'readable');
    return reply
      .header('content-type', 'application/x-ndjson')
      .header('cache-control', 'no-store')
      .send(answer);
  });
}

interface Start {
  readonly request: FastifyRequest;
  readonly opened: Access;
  readonly ending: AbortController;
}

/** Runs the import; what it returns is the answer, line by line. */
function startImport(context: ImportContext, { request, opened, ending }: Start): Readable {
  const answer = new Readable({ read: () => undefined });
  let tally = EMPTY_TALLY;
  let hasStarted = false;
  let toldAt = context.now().getTime();
  const tell = (line: object): void => {
    hasStarted = true;
    if (!answer.destroyed) answer.push(`${JSON.stringify(line)}\n`);
  };
  const { signal } = ending;
  const body = readImportBody(bodyOf(request), { signal, idleMs: IDLE_MS });
  const write = (lines: readonly Line[], bytes: number): Promise<readonly LineVerdict[]> =>
    writeLines(context, { lines, bytes, opened, signal });
  runImport({
    body,
    write,
    ending,
    onProgress: (now) => {
      tally = now;
      const at = context.now().getTime();
      // Whoever does not read the answer before everything is sent shall not make us keep more of it than this.
      if (Math.abs(at - toldAt) < PROGRESS_EVERY_MS || answer.readableLength > 0) return;
      toldAt = at;
      tell(tally.counts);
    },
  })
    .then(({ counts, firstRejected }) => tell({ done: true, ...counts, firstRejected }))
    .catch((thrown: unknown) => {
      const error = toApiError(thrown);
      if (error.code === 'internal' || error.code === 'unavailable')
        request.log.error({ err: thrown }, error.message);
      if (hasStarted) tell({ ...errorBody(error), ...tally.counts, firstRejected: tally.firstRejected });
      else answer.destroy(error);
    })
    .finally(() => answer.push(null));
  return answer;
}

interface LinesToWrite {
  readonly lines: readonly Line[];
  readonly bytes: number;
  readonly opened: Access;
  readonly signal: AbortSignal;
}

async function writeLines(
  context: RouteContext,
  { lines, bytes, opened, signal }: LinesToWrite,
): Promise<readonly LineVerdict[]> {
  const receivedAt = context.now().getTime();
  const envelope = { workspaceId: opened.workspaceId, sourceId: sourceIdOf(opened), receivedAt };
  const read = lines.map((line) => readImportLine(line, envelope));
  const batch = {
    opened,
    bytes,
    receivedAt,
    items: read.map(({ item }) => item),
    normalised: read.map(nameLine),
  };
  const verdicts = await submitPatiently(() => enqueue(context, batch), { patienceMs: PATIENCE_MS, signal });
  return verdicts.map((verdict, index) => ({ line: read[index]!.number, verdict }));
}

/** A refusal says in which line it was: that is kept with it. */
function nameLine({ number, normalised }: ImportedLine): Normalised {
  if (normalised.ok) return normalised;
  const { rejection } = normalised;
  return { ok: false, rejection: { ...rejection, message: `Line ${number}: ${rejection.message}` } };
}

/** Without a body Fastify gives none. */
function bodyOf({ body }: FastifyRequest): Readable {
  return body instanceof Readable ? body : Readable.from([]);
}

function refuseUnreadable({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  const isReadable =
    CONTENT_TYPES.test((headers['content-type'] ?? '').trim()) &&
    ['identity', 'gzip', 'x-gzip'].includes(encoding);
  if (!isReadable) {
    throw new ApiError('unsupported_media_type', 'Send application/x-ndjson, optionally gzipped.');
  }
}

interface Exchange {
  readonly response: ServerResponse;
  readonly isStopping: () => boolean;
}

/**
 * An answer that ends before the request does leaves a sender who is still sending. Hanging up at once would make its
 * kernel throw away the answer with it; going on to read for ever would be worse.
 */
function letGo(request: IncomingMessage, { response, isStopping }: Exchange): void {
  response.once('finish', () => {
    if (request.complete && !isStopping()) return;
    request.resume();
    const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
    request.socket.once('close', () => clearTimeout(timer));
  });
}

const schema = {
  tags: ['ingest'],
  security: [{ secretKey: [] }],
  summary: 'Import events from a file',
  description:
    'NDJSON, a line for each event, gzipped or not, of any length. The answer is a stream: a line about every second ' +
    'with what is committed so far, and a last one with done or error. Sending the same again is harmless: what has ' +
    'been taken in counts as duplicate, and an event without messageId gets one made of its line. Times may be as old ' +
    'as they like. A line that is refused is kept with its reason, and ends nothing.',
  consumes: ['application/x-ndjson'],
  produces: ['application/x-ndjson'],
  response: { 200: Type.Unsafe<Readable>(ImportLine) },
};

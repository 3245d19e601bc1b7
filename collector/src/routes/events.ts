import { inWorkspace } from '../db/connect';
import { readReceivedSince } from '../db/events';
import { createLiveFeed } from '../live-feed';
import type { AddRoutes } from './context';

/** A comment line this often keeps proxies from closing a quiet stream. */
const KEEP_ALIVE_MS = 15_000;

/** Events as they arrive, as server-sent events (WHATWG HTML, section 9.2). */
export const addEventRoutes: AddRoutes = (app, { db, access, now }) => {
  const feed = createLiveFeed({
    now,
    read: (workspaceId, query) =>
      inWorkspace(db, workspaceId, (transaction) => readReceivedSince(transaction, workspaceId, query)),
    onError: (error) => app.log.warn({ err: error }, 'The live feed could not read; it goes on.'),
  });
  // Before the server closes: it waits for open streams to end.
  app.addHook('preClose', async () => feed.close());

  app.get(
    '/v1/events/live',
    {
      schema: {
        tags: ['events'],
        summary: 'Events as they arrive (text/event-stream)',
        description: 'Each message is an `event` whose data is a timeline event with its `profileId`.',
        produces: ['text/event-stream'],
      },
    },
    (request, reply) => {
      const { workspaceId } = access.readerOf(request);
      const { raw } = reply.hijack();
      // Hijacked: what hooks set on the reply (CORS, the request's ID) has to be carried over.
      const headers = Object.fromEntries(
        Object.entries(reply.getHeaders()).filter(
          (entry): entry is [string, string] => entry[1] !== undefined,
        ),
      );
      raw.writeHead(200, {
        ...headers,
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      raw.write(': connected\n\n');
      const keepAlive = setInterval(() => raw.write(': still here\n\n'), KEEP_ALIVE_MS);
      const unsubscribe = feed.subscribe(workspaceId, {
        onEvent: (event) => raw.write(`event: event\ndata: ${JSON.stringify(event)}\n\n`),
        onClose: () => raw.end(),
      });
      raw.on('close', () => {
        clearInterval(keepAlive);
        unsubscribe();
      });
    },
  );
};

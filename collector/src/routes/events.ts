import { inWorkspace } from '../db/connect';
import { readReceivedSince } from '../db/events';
import { createLiveFeed } from '../live-feed';
import type { AddRoutes } from './context';
import { beginEventStream } from './event-stream';

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
      const stream = beginEventStream(reply);
      const unsubscribe = feed.subscribe(workspaceId, {
        onEvent: (event) => stream.send({ event: 'event', data: event }),
        onClose: stream.end,
      });
      stream.onEnd(unsubscribe);
    },
  );
};

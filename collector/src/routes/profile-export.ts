import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { FastifyBaseLogger } from 'fastify';
import { inWorkspace } from '../db/connect';
import { type ExportedPiece, exportProfile } from '../db/profile-export';
import { ApiError, errorBody } from '../errors';
import { toApiError } from '../failure';
import type { AddRoutes } from './context';
import { ProfileParams, requireProfile } from './profile-reference';

/** Each export holds a connection for as long as its reader takes; the others are for everybody else. */
const MAX_EXPORTS = 2;
/** A reader who takes nothing for this long is gone. */
const EXPORT_STALL_MS = 60_000;

/** All that is kept of one person, as a file. */
export const addProfileExportRoutes: AddRoutes = (app, { db, access }) => {
  let running = 0;
  app.get(
    '/v1/profiles/:id/export',
    {
      // Answering HEAD would read everything and throw it away.
      exposeHeadRoute: false,
      schema: {
        tags: ['profiles'],
        summary: 'All that is kept of a profile, as NDJSON, streamed as one snapshot',
        description:
          'A line `{"profile"}`, a line `{"identifier"}` for each identifier, a line `{"event"}` for each event, oldest ' +
          'first, with its context. The last line is `{"done": true, "events"}`, or `{"error"}` where it broke off: a ' +
          'file without `done` is not whole.',
        params: ProfileParams,
        produces: ['application/x-ndjson'],
      },
    },
    async (request, reply) => {
      const { workspaceId } = access.readerOf(request);
      const profileId = await inWorkspace(db, workspaceId, (transaction) =>
        requireProfile(transaction, { workspaceId, reference: request.params.id }),
      );
      if (running >= MAX_EXPORTS) {
        throw new ApiError('unavailable', 'Too many exports are running; ask again when one has ended.');
      }
      running += 1;
      const file = Readable.from(linesOf(exportProfile(db, workspaceId, profileId), request.log));
      file.once('close', () => (running -= 1));
      reply.raw.setTimeout(EXPORT_STALL_MS, () => reply.raw.destroy());
      // Waits for the first lines: until then a database that is away can still be answered with a 503.
      await once(file, 'readable');
      return reply
        .header('content-type', 'application/x-ndjson; charset=utf-8')
        .header('content-disposition', `attachment; filename="profile-${profileId}.ndjson"`)
        .header('cache-control', 'no-store')
        .send(file);
    },
  );
};

/** Once lines are on their way, an error can only be the last of them. */
async function* linesOf(
  chunks: AsyncIterable<readonly ExportedPiece[]>,
  log: FastifyBaseLogger,
): AsyncGenerator<string, void, undefined> {
  let events = 0;
  let hasStarted = false;
  try {
    for await (const pieces of chunks) {
      events += pieces.filter((piece) => 'event' in piece).length;
      yield pieces.map((piece) => `${JSON.stringify(piece)}\n`).join('');
      hasStarted = true;
    }
  } catch (thrown) {
    if (!hasStarted) throw thrown;
    log.error({ err: thrown }, 'An export of a profile broke off');
    yield `${JSON.stringify(errorBody(toApiError(thrown)))}\n`;
    return;
  }
  yield `${JSON.stringify({ done: true, events })}\n`;
}

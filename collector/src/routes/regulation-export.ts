import { once } from 'node:events';
import { Readable } from 'node:stream';
import { inWorkspace } from '../db/connect';
import { exportHeld } from '../db/held-on-profile';
import { resolveProfile } from '../db/profiles';
import { readRegulationSubjects } from '../db/regulations';
import { ApiError } from '../errors';
import type { AddRoutes } from './context';
import { RegulationParams } from './regulations';

/** Each holds a connection for as long as its reader takes; the others are for everybody else. */
const MAX_EXPORTS = 2;
/** A reader who takes nothing for this long is gone. */
const STALL_MS = 60_000;

/** What is held on people, for themselves. */
export const addRegulationExport: AddRoutes = (app, { db, access }) => {
  let running = 0;
  app.get(
    '/v1/regulations/:id/export',
    {
      // Answering HEAD would read everything and throw it away.
      exposeHeadRoute: false,
      schema: {
        tags: ['privacy'],
        summary: 'Everything that is held on the ids of an export, as a file',
        description:
          'NDJSON, read as it is downloaded and stored nowhere: for each profile a line `profile`, then `identifier` ' +
          'with the time in which it was theirs, `trait` with its source, `membership`, and every `event`; at last `end`.',
        params: RegulationParams,
        produces: ['application/x-ndjson'],
      },
    },
    async (request, reply) => {
      const { workspaceId } = access.readerOf(request);
      const regulationId = request.params.id;
      const profileIds = await inWorkspace(db, workspaceId, async (transaction) => {
        const subjectIds = await readRegulationSubjects(transaction, {
          workspaceId,
          regulationId,
          type: 'export',
        });
        if (subjectIds === null) throw new ApiError('not_found');
        const found = [];
        for (const id of subjectIds) found.push(await resolveProfile(transaction, workspaceId, id));
        return [...new Set(found.filter((id) => id !== null))];
      });
      if (running >= MAX_EXPORTS)
        throw new ApiError('unavailable', 'Too many exports are running; ask again when one has ended.');
      running += 1;
      const file = Readable.from(linesOf(exportHeld(db, workspaceId, profileIds)));
      file.once('close', () => (running -= 1));
      reply.raw.setTimeout(STALL_MS, () => reply.raw.destroy());
      // Until then a database that is away can still be answered with a 503.
      await once(file, 'readable');
      return reply
        .header('content-type', 'application/x-ndjson')
        .header('content-disposition', `attachment; filename="regulation-${regulationId}.ndjson"`)
        .header('cache-control', 'no-store')
        .send(file);
    },
  );
};

async function* linesOf(chunks: AsyncIterable<readonly object[]>): AsyncGenerator<string, void, undefined> {
  for await (const lines of chunks) yield lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

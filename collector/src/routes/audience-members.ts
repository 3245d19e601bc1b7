import { once } from 'node:events';
import { Readable } from 'node:stream';
import { Type } from '@fastify/type-provider-typebox';
import { encodeCursor } from '../core/cursor';
import {
  EXPORT_FORMATS,
  EXPORT_WRITERS,
  type ExportedMember,
  type ExportFormat,
  exportFileName,
  type ExportWriter,
} from '../core/export-format';
import { exportMembers } from '../db/audience-export';
import { listMembers } from '../db/audiences';
import { inWorkspace } from '../db/connect';
import { ApiError } from '../errors';
import { InstantOut, Nullable, PageQuery, pageOf, StrictObject } from '../schema';
import { AudienceParams, requireAudience } from './audience-reference';
import { CauseSchema } from './audience-schema';
import type { AddRoutes } from './context';
import { pageFrom, readCursor } from './page';

const MemberSchema = Type.Object({
  profileId: Type.String(),
  userId: Nullable(Type.String()),
  email: Nullable(Type.String()),
  anonymousId: Nullable(Type.String()),
  enteredAt: InstantOut,
  cause: CauseSchema,
});

const tags = ['audiences'];

/** Who belongs to an audience: listed, and as a file. */
export const addAudienceMemberRoutes: AddRoutes = (app, context) => {
  addMembers(app, context);
  addExport(app, context);
};

const addMembers: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/audiences/:id/members',
    {
      schema: {
        tags,
        summary: 'List members, who entered last first',
        params: AudienceParams,
        querystring: StrictObject(PageQuery),
        response: { 200: pageOf(MemberSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor } = request.query;
      const after = readCursor(cursor);
      const members = await inWorkspace(db, workspaceId, async (transaction) => {
        const { id } = await requireAudience(transaction, { workspaceId, reference: request.params.id });
        return listMembers(transaction, workspaceId, { audienceId: id, limit: limit + 1, after });
      });
      return pageFrom(members, {
        limit,
        cursorOf: ({ enteredAt, profileId }) => encodeCursor({ at: enteredAt.getTime(), id: profileId }),
      });
    },
  );
};

/** Each export holds a connection for as long as its reader takes; the others are for everybody else. */
const MAX_EXPORTS = 4;
/** A reader who takes nothing for this long is gone. */
const EXPORT_STALL_MS = 60_000;

const addExport: AddRoutes = (app, { db, access }) => {
  let running = 0;
  app.get(
    '/v1/audiences/:id/export',
    {
      // Answering HEAD would read all members and throw them away.
      exposeHeadRoute: false,
      schema: {
        tags,
        summary: 'All members as a file, streamed as one snapshot',
        params: AudienceParams,
        querystring: StrictObject({
          format: Type.Unsafe<ExportFormat>({ type: 'string', enum: [...EXPORT_FORMATS], default: 'csv' }),
        }),
        produces: ['text/csv', 'application/x-ndjson'],
      },
    },
    async (request, reply) => {
      const { workspaceId } = access.readerOf(request);
      const { format } = request.query;
      const audience = await inWorkspace(db, workspaceId, (transaction) =>
        requireAudience(transaction, { workspaceId, reference: request.params.id }),
      );
      if (running >= MAX_EXPORTS) {
        throw new ApiError('unavailable', 'Too many exports are running; ask again when one has ended.');
      }
      running += 1;
      const writer = EXPORT_WRITERS[format];
      const file = Readable.from(linesOf(exportMembers(db, workspaceId, audience.id), writer));
      file.once('close', () => (running -= 1));
      reply.raw.setTimeout(EXPORT_STALL_MS, () => reply.raw.destroy());
      // Waits for the first lines: until then a database that is away can still be answered with a 503.
      await once(file, 'readable');
      return reply
        .header('content-type', writer.contentType)
        .header('content-disposition', `attachment; filename="${exportFileName(audience.key, format)}"`)
        .header('cache-control', 'no-store')
        .send(file);
    },
  );
};

async function* linesOf(
  chunks: AsyncIterable<readonly ExportedMember[]>,
  { head, line }: ExportWriter,
): AsyncGenerator<string, void, undefined> {
  let lines = head;
  for await (const members of chunks) {
    for (const member of members) lines += line(member);
    yield lines;
    lines = '';
  }
  if (lines !== '') yield lines;
}

import { once } from 'node:events';
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { type Static, Type } from '@fastify/type-provider-typebox';
import type { Row } from '../core/export-column';
import { CONTENT_TYPES, EXPORT_FORMATS, type ExportFormat, exportFileName } from '../core/export-format';
import {
  DEFAULT_MEMBER_COLUMNS,
  MEMBER_COLUMNS_EXPECTED,
  type MemberColumn,
  readMemberColumns,
} from '../core/member-column';
import { exportMembers } from '../db/audience-export';
import { inWorkspace } from '../db/connect';
import { ApiError } from '../errors';
import { createRowEncoder } from '../export/encode-rows';
import type { RowEncoder } from '../export/row-encoder';
import { StrictObject } from '../schema';
import { AudienceParams, requireAudience } from './audience-reference';
import type { AddRoutes, Request } from './context';

const ExportQuery = StrictObject({
  format: Type.Unsafe<ExportFormat>({ type: 'string', enum: [...EXPORT_FORMATS], default: 'csv' }),
  columns: Type.String({
    maxLength: 10_000,
    default: DEFAULT_MEMBER_COLUMNS,
    description:
      `Separated by commas: ${MEMBER_COLUMNS_EXPECTED}. emailSha256 is the SHA-256, in hex, of the email trimmed and ` +
      'in lower case, as ad platforms take it.',
  }),
  gzip: Type.Boolean({
    default: false,
    description:
      'The file is a gzip file. Without it, it is packed on its way only, for whoever accepts that.',
  }),
  bom: Type.Boolean({
    default: false,
    description: 'CSV begins with a byte order mark, by which Excel knows that it is UTF-8.',
  }),
  formulaSafe: Type.Boolean({
    default: true,
    description: 'In CSV, text that a spreadsheet would run as a formula begins with an apostrophe.',
  }),
});

/** Each export holds a connection for as long as its reader takes; the others are for everybody else. */
const MAX_EXPORTS = 4;
/** A reader who takes nothing for this long is gone. */
const EXPORT_STALL_MS = 60_000;
/** Level 6, the default, takes twice the time for files a tenth smaller. */
const GZIP = { level: 3 };

/** Who belongs to an audience, as a file. */
export const addAudienceExport: AddRoutes = (app, { db, access }) => {
  let running = 0;
  app.get(
    '/v1/audiences/:id/export',
    {
      // Answering HEAD would read all members and throw them away.
      exposeHeadRoute: false,
      schema: {
        tags: ['audiences'],
        summary: 'All members as a file, streamed as one snapshot',
        description:
          'Who entered last comes first. Where the export breaks off, so does the connection: a file that was received ' +
          'without an error is whole.',
        params: AudienceParams,
        querystring: ExportQuery,
        produces: Object.values(CONTENT_TYPES).map((type) => type.split(';')[0]!),
      },
    },
    async (request, reply) => {
      const { workspaceId } = access.readerOf(request);
      const columns = requireColumns(request.query);
      const { format, gzip: isGzip, formulaSafe: isFormulaSafe, bom: hasBom } = request.query;
      const audience = await inWorkspace(db, workspaceId, (transaction) =>
        requireAudience(transaction, { workspaceId, reference: request.params.id }),
      );
      if (running >= MAX_EXPORTS) {
        throw new ApiError('unavailable', 'Too many exports are running; ask again when one has ended.');
      }
      running += 1;
      const encoder = createRowEncoder(format, columns, { isFormulaSafe, hasBom });
      const members = exportMembers(db, workspaceId, { audienceId: audience.id, columns });
      const file = Readable.from(bytesOf(members, encoder), { objectMode: false });
      file.once('close', () => (running -= 1));
      reply.raw.setTimeout(EXPORT_STALL_MS, () => reply.raw.destroy());
      // Waits for the first bytes: until then a database that is away can still be answered with a 503.
      await once(file, 'readable');
      const isPackedOnItsWay = !isGzip && format !== 'parquet' && acceptsGzip(request);
      if (isPackedOnItsWay) void reply.header('content-encoding', 'gzip');
      return reply
        .header('content-type', isGzip ? 'application/gzip' : CONTENT_TYPES[format])
        .header(
          'content-disposition',
          `attachment; filename="${exportFileName(audience.key, { format, isGzip })}"`,
        )
        .header('cache-control', 'no-store')
        .header('vary', 'accept-encoding')
        .send(isGzip || isPackedOnItsWay ? packed(file) : file);
    },
  );
};

/** @throws ApiError invalid_request */
function requireColumns({
  columns: list,
  format,
  gzip,
}: Static<typeof ExportQuery>): readonly MemberColumn[] {
  if (gzip && format === 'parquet') {
    throw new ApiError('invalid_request', 'Parquet is packed already; leave gzip out.');
  }
  const read = readMemberColumns(list);
  if (read.ok) return read.columns;
  throw new ApiError('invalid_request', undefined, [
    {
      path: 'querystring.columns',
      message: `must be ${MEMBER_COLUMNS_EXPECTED}, not ${JSON.stringify(read.culprit)}`,
    },
  ]);
}

/** Whether the answer may be packed (RFC 9110, section 12.5.3). */
function acceptsGzip({ headers }: Request): boolean {
  const codings = String(headers['accept-encoding'] ?? '').split(',');
  return codings.some((coding) => /^\s*(gzip|x-gzip|\*)\s*(;\s*q=(1|0\.0*[1-9]).*)?$/i.test(coding));
}

/** An error, and whoever hangs up, ends both. */
function packed(file: Readable): Readable {
  return pipeline(file, createGzip(GZIP), () => undefined);
}

async function* bytesOf(
  chunks: AsyncIterable<readonly Row[]>,
  { add, end }: RowEncoder,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const rows of chunks) {
    const bytes = add(rows);
    if (bytes.length > 0) yield bytes;
  }
  const rest = end();
  if (rest.length > 0) yield rest;
}

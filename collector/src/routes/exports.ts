import { Type } from '@fastify/type-provider-typebox';
import { encodeCursor } from '../core/cursor';
import { EXPORT_FORMATS, type ExportFormat } from '../core/export-format';
import { WAREHOUSE_TABLES, type WarehouseTable } from '../core/warehouse-table';
import { insertAuditEntry } from '../db/audit';
import { changeWorkspace, inWorkspace } from '../db/connect';
import { querierIn } from '../db/querier';
import {
  cancelExport,
  EXPORT_STATUSES,
  type ExportStatus,
  findExport,
  insertExport,
  listExports,
  type WarehouseExport,
} from '../db/warehouse-exports';
import { ApiError } from '../errors';
import { PLACE_KINDS, type PlaceKind, placesSet } from '../export/export-places';
import { InstantOut, Nullable, PageQuery, pageOf, StrictObject } from '../schema';
import type { AddRoutes } from './context';
import { pageFrom, readCursor } from './page';

const ExportParams = StrictObject({ id: Type.String({ format: 'uuid' }) });
const FormatSchema = Type.Unsafe<ExportFormat>({ type: 'string', enum: [...EXPORT_FORMATS] });
const TableSchema = Type.Unsafe<WarehouseTable>({ type: 'string', enum: [...WAREHOUSE_TABLES] });
const PlaceSchema = Type.Unsafe<PlaceKind>({ type: 'string', enum: [...PLACE_KINDS] });

const NewExportBody = StrictObject({
  format: Type.Optional(Type.Unsafe<ExportFormat>({ ...FormatSchema, default: 'parquet' })),
  tables: Type.Optional(
    Type.Array(TableSchema, {
      minItems: 1,
      uniqueItems: true,
      description: 'All of them where it is left out.',
    }),
  ),
  target: Type.Optional(
    Type.Unsafe<PlaceKind>({
      ...PlaceSchema,
      description: 'Which of the two, where the settings have both; else the one that is set.',
    }),
  ),
});

const Count = Type.Optional(Type.Integer());
const ExportSchema = Type.Object({
  id: Type.String(),
  status: Type.Unsafe<ExportStatus>({
    type: 'string',
    enum: [...EXPORT_STATUSES],
    description: 'failed and cancelled: the next export goes on where this one was.',
  }),
  target: PlaceSchema,
  format: FormatSchema,
  tables: Type.Array(TableSchema),
  createdAt: InstantOut,
  startedAt: Nullable(InstantOut),
  finishedAt: Nullable(InstantOut),
  progress: Type.Object(
    {
      run: Count,
      isResumed: Type.Optional(
        Type.Boolean({
          description: 'It went on with a run that had broken off, in its format and with its tables.',
        }),
      ),
      step: Type.Optional(Type.String({ description: 'settling, then the table that is being written.' })),
      events: Type.Optional(
        Nullable(
          Type.Object(
            { from: Nullable(Type.String()), until: Type.String() },
            {
              description: 'Its events were received from, until before.',
            },
          ),
        ),
      ),
      rows: Count,
      rowsByTable: Type.Optional(Type.Record(Type.String(), Type.Integer())),
      files: Count,
      bytes: Count,
      manifest: Type.Optional(Type.String({ description: 'Path of what names its files, once it is done.' })),
    },
    { description: 'How far it is, or what it came to.' },
  ),
  error: Nullable(Type.String()),
});

const tags = ['exports'];

/** What is stored, for a warehouse: into the folder or the bucket of the settings, never elsewhere. */
export const addExportRoutes: AddRoutes = (app, context) => {
  addCreation(app, context);
  addReading(app, context);
  addCancelling(app, context);
};

const addCreation: AddRoutes = (app, { db, access, config, now, newId, wakeExports }) => {
  app.post(
    '/v1/exports',
    {
      schema: {
        tags,
        summary: 'Export events, profiles, audience members and identities for a warehouse',
        description:
          'A job: the worker writes files into the folder or the bucket that the settings name, events since the last ' +
          'export and all rows of the other tables, and a manifest last. One at a time.',
        body: NewExportBody,
        response: { 201: ExportSchema },
      },
    },
    async (request, reply) => {
      const { workspaceId, actor } = access.readerOf(request);
      const { format = 'parquet', tables = WAREHOUSE_TABLES, target = placesSet(config)[0] } = request.body;
      if (target === undefined) throw new ApiError('export_not_configured');
      if (!placesSet(config).includes(target)) {
        throw new ApiError('export_not_configured', `Nobody has set a ${target} that exports go to.`);
      }
      const at = now();
      const [id, entryId] = [newId(), newId()];
      const created = await changeWorkspace(db, workspaceId, async (transaction) => {
        const isNew = await insertExport(transaction, workspaceId, {
          id,
          target,
          format,
          tables,
          createdAt: at,
        });
        if (!isNew) throw new ApiError('export_running');
        const detail = { target, format, tables };
        await insertAuditEntry(querierIn(transaction), workspaceId, {
          ...{ entryId, at, actor, action: 'export.create', detail },
        });
        return (await findExport(transaction, workspaceId, id))!;
      });
      wakeExports();
      return reply.code(201).send(toShown(created));
    },
  );
};

const addReading: AddRoutes = (app, { db, access }) => {
  app.get(
    '/v1/exports',
    {
      schema: {
        tags,
        summary: 'List exports, newest first',
        querystring: StrictObject(PageQuery),
        response: { 200: pageOf(ExportSchema) },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const { limit, cursor } = request.query;
      const after = readCursor(cursor);
      const exports = await inWorkspace(db, workspaceId, (transaction) =>
        listExports(transaction, workspaceId, { limit: limit + 1, after }),
      );
      return pageFrom(exports.map(toShown), {
        limit,
        cursorOf: ({ createdAt, id }) => encodeCursor({ at: createdAt.getTime(), id }),
      });
    },
  );
  app.get(
    '/v1/exports/:id',
    {
      schema: {
        tags,
        summary: 'Read an export: how far it is, and what became of it',
        params: ExportParams,
        response: { 200: ExportSchema },
      },
    },
    async (request) => {
      const { workspaceId } = access.readerOf(request);
      const found = await inWorkspace(db, workspaceId, (transaction) =>
        findExport(transaction, workspaceId, request.params.id),
      );
      if (found === null) throw new ApiError('not_found');
      return toShown(found);
    },
  );
};

const toShown = (found: WarehouseExport) => ({ ...found, tables: [...found.tables] });

const addCancelling: AddRoutes = (app, { db, access, now, newId }) => {
  app.delete(
    '/v1/exports/:id',
    {
      schema: {
        tags,
        summary: 'Cancel an export',
        description:
          'What it has written stays, and the next export goes on there. Nothing happens to one that has ended.',
        params: ExportParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { workspaceId, actor } = access.readerOf(request);
      const { id } = request.params;
      const at = now();
      await changeWorkspace(db, workspaceId, async (transaction) => {
        if ((await findExport(transaction, workspaceId, id)) === null) throw new ApiError('not_found');
        if (!(await cancelExport(transaction, { workspaceId, id }, at))) return;
        await insertAuditEntry(querierIn(transaction), workspaceId, {
          ...{ entryId: newId(), at, actor, action: 'export.cancel', detail: {} },
        });
      });
      return reply.code(204).send(null);
    },
  );
};

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { Kysely } from 'kysely';
import type { AccessControl } from '../access';
import type { Config } from '../config';
import type { Decider } from '../decide';
import type { Database } from '../db/tables';
import type { Webhooks } from '../delivery/send-webhook';
import type { ExportPlaces } from '../export/export-places';
import type { Ingest } from '../ingest';
import type { IdentityChanges } from '../ingest/change-identity';
import type { Metrics } from '../metrics';

/** What routes work with; deps.ts makes it, tests may make their own. */
export interface RouteContext {
  readonly config: Pick<Config, 'environment' | 'corsOrigins' | 'trustedProxies' | 'metricsToken'> &
    ExportPlaces;
  readonly db: Kysely<Database>;
  /** To look keys up: not behind reads that wait for something, for that would keep events out too. */
  readonly accessDb: Kysely<Database>;
  readonly ingest: Ingest;
  readonly identity: IdentityChanges;
  readonly decider: Decider;
  readonly metrics: Metrics;
  /** To test a destination. */
  readonly webhooks: Webhooks;
  readonly now: () => Date;
  /** A new UUIDv7. */
  readonly newId: () => string;
  /** A new secret of at least 160 bits, as a URL-safe text. */
  readonly newToken: () => string;
  /** Says that there is an erasure to do, which need not wait for the clock. */
  readonly wakeWorker: () => void;
  /** Says that there is an export to do. */
  readonly wakeExports: () => void;
  /** Whether the process is shutting down: /ready says so, and balancers stop sending. */
  readonly isDraining: () => boolean;
  /** Folders of what is served as files, absolute. */
  readonly folders: { readonly sdk: string; readonly console: string; readonly shop: string };
}

/** The application as route files see it. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Adds routes to a scope of the application. */
export type AddRoutes = (app: App, context: RouteContext & { readonly access: AccessControl }) => void;

export type { FastifyReply as Reply, FastifyRequest as Request };

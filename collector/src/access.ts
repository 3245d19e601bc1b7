import { parseCookie } from 'cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Kysely } from 'kysely';
import type { KeyKind } from './core/key';
import { type Access, findAccess } from './db/keys';
import { findSession } from './db/sessions';
import type { Database } from './db/tables';
import { ApiError } from './errors';

export const SESSION_COOKIE = 'throughline_session';

/** What a reader or manager may see. */
export interface Reader {
  readonly workspaceId: string;
  /** Who it is, as the audit trail names them: `key:` and the key's ID, or `console`. */
  readonly actor: string;
}

export interface AccessControl {
  /** An onRequest hook for routes that read and manage: a secret key, or the console's session. Before the body. */
  readonly requireReader: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  /** Who reads, after the hook. */
  readonly readerOf: (request: FastifyRequest) => Reader;
  /**
   * What a key opens.
   *
   * @throws ApiError unauthorized: one message for unknown, revoked and wrong keys
   */
  readonly open: (token: string, kinds: readonly KeyKind[]) => Promise<Access>;
}

/** A key is looked up again after this long: a revoked one stops working within it. */
const CACHE_MS = 1_000;
const MAX_CACHED = 10_000;

export interface AccessOptions {
  readonly db: Kysely<Database>;
  readonly now: () => Date;
  /** Origins, besides our own, whose pages may use a secret key or a session. */
  readonly corsOrigins: readonly string[];
}

export function createAccess({ db, now, corsOrigins }: AccessOptions): AccessControl {
  const readers = new WeakMap<FastifyRequest, Reader>();
  const cache = new Map<string, { until: number; found: Promise<Access | null> }>();

  function find(token: string): Promise<Access | null> {
    const cached = cache.get(token);
    if (cached !== undefined && cached.until > now().getTime()) return cached.found;
    if (cache.size >= MAX_CACHED) cache.clear();
    const found = findAccess(db, token);
    cache.set(token, { until: now().getTime() + CACHE_MS, found });
    // What failed is asked again; the caller who waits sees the error.
    found.catch(() => cache.delete(token));
    return found;
  }

  async function open(token: string, kinds: readonly KeyKind[]): Promise<Access> {
    const access = await find(token);
    if (access === null || !kinds.includes(access.kind)) throw new ApiError('unauthorized');
    return access;
  }

  return {
    open,
    readerOf: (request) => readers.get(request)!,
    async requireReader(request) {
      const token = bearerOf(request);
      const session = token === null ? sessionOf(request) : null;
      if (token === null && session === null) throw new ApiError('unauthorized');
      if (!mayUse(request, corsOrigins)) throw new ApiError('forbidden_origin');
      if (token !== null) {
        const { workspaceId, keyId } = await open(token, ['secret']);
        readers.set(request, { workspaceId, actor: `key:${keyId}` });
        return;
      }
      const workspaceId = await findSession(db, { session: session!, now: now() });
      if (workspaceId === null) throw new ApiError('unauthorized');
      readers.set(request, { workspaceId, actor: 'console' });
    },
  };
}

/** The token of `Authorization: Bearer …` (RFC 6750), or null. */
function bearerOf(request: FastifyRequest): string | null {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null;
}

/** The console's session, or null. */
export function sessionOf(request: FastifyRequest): string | null {
  return parseCookie(request.headers.cookie ?? '')[SESSION_COOKIE] ?? null;
}

/** A browser says where a request comes from; another site's page must not borrow a key or a session. */
function mayUse(request: FastifyRequest, corsOrigins: readonly string[]): boolean {
  const { origin } = request.headers;
  if (origin === undefined || corsOrigins.includes(origin)) return true;
  // Hosts are compared, not schemes: behind a proxy that ends TLS the request itself is plain HTTP.
  return URL.canParse(origin) && new URL(origin).host === request.host;
}

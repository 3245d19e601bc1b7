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
  /** As {@link requireReader}; while the database does not answer, by what it said last (see {@link openLastKnown}). */
  readonly requireLastKnownReader: (request: FastifyRequest) => Promise<void>;
  /** Who reads, after the hook. */
  readonly readerOf: (request: FastifyRequest) => Reader;
  /**
   * What a key opens.
   *
   * @throws ApiError unauthorized: one message for unknown, revoked and wrong keys
   */
  readonly open: Open;
  /** As {@link open}; a key that opened lately opens while the database does not answer, for who may not wait for it. */
  readonly openLastKnown: Open;
}

type Open = (token: string, kinds: readonly KeyKind[]) => Promise<Access>;

/** A key is looked up again after this long: a revoked one stops working within it. */
const CACHE_MS = 1_000;
const MAX_CACHED = 10_000;
/** Who may not wait for the database does so this long, and then goes by what it said in the last minutes. */
const PATIENCE_MS = 50;
const LAST_KNOWN_MS = 10 * 60_000;

export interface AccessOptions {
  readonly db: Kysely<Database>;
  readonly now: () => Date;
  /** Origins, besides our own, whose pages may use a secret key or a session. */
  readonly corsOrigins: readonly string[];
}

export function createAccess({ db, now, corsOrigins }: AccessOptions): AccessControl {
  const readers = new WeakMap<FastifyRequest, Reader>();
  const cache = new Map<string, { until: number; found: Promise<Access | null> }>();

  const lastKnown = new Map<string, { until: number; access: Access }>();

  function keep(token: string, access: Access | null): void {
    if (access === null) lastKnown.delete(token);
    else lastKnown.set(token, { until: now().getTime() + LAST_KNOWN_MS, access });
  }

  function find(token: string): Promise<Access | null> {
    const cached = cache.get(token);
    if (cached !== undefined && cached.until > now().getTime()) return cached.found;
    if (cache.size >= MAX_CACHED) {
      cache.clear();
      lastKnown.clear();
    }
    const found = findAccess(db, token);
    cache.set(token, { until: now().getTime() + CACHE_MS, found });
    // What failed is asked again; the caller who waits sees the error.
    found.then(
      (access) => keep(token, access),
      () => cache.delete(token),
    );
    return found;
  }

  const openBy =
    (look: (token: string) => Promise<Access | null>): Open =>
    async (token, kinds) => {
      const access = await look(token);
      if (access === null || !kinds.includes(access.kind)) throw new ApiError('unauthorized');
      return access;
    };
  const open = openBy(find);
  const openLastKnown = openBy((token) => {
    const known = lastKnown.get(token);
    const found = find(token);
    if (known === undefined || known.until <= now().getTime()) return found;
    return firstOf(found, known.access);
  });

  const requireReader = (opening: Open) => async (request: FastifyRequest) => {
    const token = bearerOf(request);
    const session = token === null ? sessionOf(request) : null;
    if (token === null && session === null) throw new ApiError('unauthorized');
    if (!mayUse(request, corsOrigins)) throw new ApiError('forbidden_origin');
    if (token !== null) {
      const { workspaceId, keyId } = await opening(token, ['secret']);
      readers.set(request, { workspaceId, actor: `key:${keyId}` });
      return;
    }
    const workspaceId = await findSession(db, { session: session!, now: now() });
    if (workspaceId === null) throw new ApiError('unauthorized');
    readers.set(request, { workspaceId, actor: 'console' });
  };

  return {
    open,
    openLastKnown,
    readerOf: (request) => readers.get(request)!,
    requireReader: requireReader(open),
    requireLastKnownReader: requireReader(openLastKnown),
  };
}

/** What is found, unless that fails or takes too long. */
async function firstOf<T>(found: Promise<T>, known: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS, known)));
  try {
    return await Promise.race([found.catch(() => known), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The token of `Authorization: Bearer …` (RFC 6750), or null. */
export function bearerOf(request: FastifyRequest): string | null {
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

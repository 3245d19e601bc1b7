import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { ApiError } from '../errors';
import type { AddRoutes } from './context';

interface Script {
  readonly modifiedAt: number;
  readonly etag: string;
  /** By content coding (RFC 9110, section 8.4.1). */
  readonly bodies: Readonly<Record<'br' | 'gzip' | 'identity', Buffer>>;
}

/** The browser SDK for script tags, served by the collector itself: one origin less to trust. */
export const addSdkRoutes: AddRoutes = (app, { folders }) => {
  const file = join(folders.sdk, 'sdk.js');
  let script: Script | undefined;

  /** Compressed once; read again when it was built anew. */
  async function load(): Promise<Script> {
    const modifiedAt = (await stat(file)).mtimeMs;
    if (script?.modifiedAt !== modifiedAt) {
      const plain = await readFile(file);
      const etag = createHash('sha256').update(plain).digest('base64url').slice(0, 27);
      const bodies = { br: brotliCompressSync(plain), gzip: gzipSync(plain, { level: 9 }), identity: plain };
      script = { modifiedAt, etag, bodies };
    }
    return script;
  }

  app.get('/sdk.js', { schema: { hide: true } }, async (request, reply) => {
    const { etag, bodies } = await load().catch(() => {
      throw new ApiError('not_found', 'The SDK is not built: run npm run build.');
    });
    const coding = codingOf(request.headers['accept-encoding']);
    const tag = `"${etag}-${coding}"`;
    void reply.headers({
      'content-type': 'text/javascript; charset=utf-8',
      // Short, so that a fix reaches every page soon; the ETag makes asking again cheap.
      'cache-control': 'public, max-age=300, stale-while-revalidate=86400',
      'cross-origin-resource-policy': 'cross-origin',
      'access-control-allow-origin': '*',
      vary: 'Accept-Encoding',
      etag: tag,
    });
    if (request.headers['if-none-match'] === tag) return reply.code(304).send();
    if (coding !== 'identity') void reply.header('content-encoding', coding);
    return reply.send(bodies[coding]);
  });
};

/** The smallest coding that a browser takes. Quality values are not weighed: none refuses what it lists. */
function codingOf(accepted = ''): 'br' | 'gzip' | 'identity' {
  const codings = accepted.split(',').map((coding) => coding.split(';', 1)[0]!.trim());
  if (codings.includes('br')) return 'br';
  return codings.includes('gzip') ? 'gzip' : 'identity';
}

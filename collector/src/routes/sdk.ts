import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError } from '../errors';
import type { AddRoutes } from './context';

/** The browser SDK for script tags, served by the collector itself: one origin less to trust. */
export const addSdkRoutes: AddRoutes = (app, { folders }) => {
  const file = join(folders.sdk, 'sdk.js');

  app.get('/sdk.js', { schema: { hide: true } }, async (request, reply) => {
    const script = await readFile(file).catch(() => null);
    if (script === null) throw new ApiError('not_found', 'The SDK is not built: run npm run build.');
    const etag = `"${createHash('sha256').update(script).digest('base64url').slice(0, 27)}"`;
    void reply.headers({
      'content-type': 'text/javascript; charset=utf-8',
      // Short, so that a fix reaches every page soon; the ETag makes asking again cheap.
      'cache-control': 'public, max-age=300, stale-while-revalidate=86400',
      'cross-origin-resource-policy': 'cross-origin',
      'access-control-allow-origin': '*',
      etag,
    });
    return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.send(script);
  });
};

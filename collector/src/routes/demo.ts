import fastifyStatic from '@fastify/static';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readDemoWriteKey } from '../db/demo-key';
import { ApiError } from '../errors';
import type { AddRoutes } from './context';

/** As a careful customer's own site: no inline script, and calls to the collector only (here: this origin). */
const DEMO_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Where the page has a gap for the write key. */
const GAP = 'data-write-key=""';

/** The demo shop, in development only: static files, and its page for every other path, with the write key filled in. */
export const addDemoRoutes: AddRoutes = (app, { folders, db }) => {
  void app.register(
    async (scope) => {
      scope.addHook('onRequest', async (_request, reply) => {
        void reply.headers({
          'content-security-policy': DEMO_POLICY,
          'x-content-type-options': 'nosniff',
          'cache-control': 'no-cache',
        });
      });
      await scope.register(fastifyStatic, {
        root: folders.shop,
        prefix: '/',
        index: false,
        decorateReply: false,
        cacheControl: false,
        suppressWarning: true,
        // The page goes out filled in, never as the file that it is.
        allowedPath: (path) => !path.endsWith('/index.html'),
      });
      scope.setNotFoundHandler(async (request, reply) => {
        const [path = ''] = request.url.split('?');
        if (/\.\w+$/.test(path) || !['GET', 'HEAD'].includes(request.method)) throw new ApiError('not_found');
        const page = await readFile(join(folders.shop, 'index.html'), 'utf8');
        const writeKey = await readDemoWriteKey(db);
        return reply
          .type('text/html; charset=utf-8')
          .send(page.replace(GAP, () => `data-write-key="${writeKey ?? ''}"`));
      });
    },
    { prefix: '/demo' },
  );
};

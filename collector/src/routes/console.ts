import fastifyStatic from '@fastify/static';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError } from '../errors';
import type { AddRoutes } from './context';

/**
 * What the console's pages may do (CSP level 3): run and style with our own files only, talk to this origin only, be
 * framed by nobody; and no string ever becomes markup or script, whatever an event's properties hold.
 */
const CONSOLE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': CONSOLE_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/** The built assets carry a hash of their content in their names: what a name stands for never changes. */
const ASSET = /[\\/]assets[\\/][^\\/]+$/;

/** A missing file must not answer with a page: a script tag would try to run it. Deeper paths are the page's own. */
const MISSING_FILE = /^\/console\/(assets\/.*|[^/?]+\.\w+)(\?|$)/;

/** The web console: files, and its page for every path that is not one, because the page itself routes. */
export const addConsoleRoutes: AddRoutes = (app, { folders }) => {
  void app.register(
    async (scope) => {
      scope.addHook('onRequest', async (_request, reply) => {
        void reply.headers(HEADERS);
      });
      await scope.register(fastifyStatic, {
        root: folders.console,
        prefix: '/',
        index: false,
        decorateReply: false,
        preCompressed: true,
        cacheControl: false,
        // Before the first build there is no folder; it may appear while the process runs.
        suppressWarning: true,
        setHeaders: (reply, path) => {
          void reply.header(
            'cache-control',
            ASSET.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
          );
        },
      });
      scope.setNotFoundHandler(async (request, reply) => {
        if (MISSING_FILE.test(request.url) || !['GET', 'HEAD'].includes(request.method))
          throw new ApiError('not_found');
        const page = await readFile(join(folders.console, 'index.html')).catch(() => null);
        if (page === null) throw new ApiError('not_found', 'The console is not built: run npm run build.');
        return reply
          .headers({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' })
          .send(page);
      });
    },
    { prefix: '/console' },
  );
};

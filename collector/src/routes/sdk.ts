import { Type } from '@fastify/type-provider-typebox';
import { ApiError } from '../errors';
import { scriptsIn, type Script, SCRIPT_NAMES } from '../scripts';
import type { AddRoutes, Reply, Request } from './context';

/** Short, so that a fix reaches every page soon; the ETag makes asking again cheap. */
const CACHE_SHORT = 'public, max-age=300, stale-while-revalidate=86400';
/** The address names the bytes. */
const CACHE_FOR_EVER = 'public, max-age=31536000, immutable';
const FREQUENT = { isFrequent: true } as const;

/**
 * The browser SDK for script tags, served by the collector itself: one origin less to trust. Each script has two
 * addresses: `/sdk.js` is whatever this collector was built with, `/sdk/<version>/sdk.js` those bytes and no others.
 */
export const addSdkRoutes: AddRoutes = (app, { folders }) => {
  const find = scriptsIn(folders.sdk);

  for (const name of SCRIPT_NAMES) {
    app.get(`/${name}`, { schema: { hide: true }, config: FREQUENT }, async (request, reply) => {
      const script = await find(name);
      if (script === null) throw new ApiError('not_found', `${name} is not built: run npm run build.`);
      return sendScript(request, { reply, script, caching: CACHE_SHORT });
    });

    app.get(`/sdk/:version/${name}`, { schema: { hide: true }, config: FREQUENT }, async (request, reply) => {
      const script = await find(name);
      const { version } = request.params as { version: string };
      if (script?.version === version) {
        return sendScript(request, { reply, script, caching: CACHE_FOR_EVER });
      }
      // Another release's, before or after this one: a page without `integrity` goes on with what is here, and one
      // that has it is refused by the browser, as it asked for. Relative, for there may be a path before ours.
      void reply.headers({ ...OPEN, 'cache-control': 'no-cache' });
      return reply.redirect(`../../${name}`, 302);
    });
  }

  app.get('/sdk.json', { schema: listSchema }, async (_request, reply) => {
    const scripts = await Promise.all(SCRIPT_NAMES.map(find));
    void reply.headers({ ...OPEN, 'cache-control': 'no-cache' });
    return { data: scripts.filter((script) => script !== null).map(describeScript) };
  });
};

/** Pages of any origin load them, also those that isolate themselves (Cross-Origin-Embedder-Policy) or use SRI. */
const OPEN = { 'cross-origin-resource-policy': 'cross-origin', 'access-control-allow-origin': '*' };

interface Sending {
  readonly reply: Reply;
  readonly script: Script;
  readonly caching: string;
}

function sendScript(request: Request, { reply, script, caching }: Sending): Reply {
  const coding = codingOf(request.headers['accept-encoding']);
  const tag = `"${script.version}-${coding}"`;
  void reply.headers({
    ...OPEN,
    'content-type': 'text/javascript; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'cache-control': caching,
    vary: 'Accept-Encoding',
    etag: tag,
  });
  if (request.headers['if-none-match'] === tag) return reply.code(304).send();
  if (coding !== 'identity') void reply.header('content-encoding', coding);
  return reply.send(script.bodies[coding]);
}

/** The smallest coding that a browser takes. Quality values are not weighed: none refuses what it lists. */
function codingOf(accepted = ''): 'br' | 'gzip' | 'identity' {
  const codings = accepted.split(',').map((coding) => coding.split(';', 1)[0]!.trim());
  if (codings.includes('br')) return 'br';
  return codings.includes('gzip') ? 'gzip' : 'identity';
}

function describeScript({ name, version, integrity, bodies }: Script) {
  return { name, path: `/sdk/${version}/${name}`, integrity, bytes: bodies.br.length };
}

const noSecurity: { [name: string]: string[] }[] = [];

const listSchema = {
  tags: ['ingest'],
  security: noSecurity,
  summary: 'The scripts of the SDK with the addresses under which they never change',
  response: {
    200: Type.Object({
      data: Type.Array(
        Type.Object({
          name: Type.String(),
          path: Type.String({ description: 'On this collector; these bytes and no others, for ever.' }),
          integrity: Type.String({ description: 'For the tag’s integrity attribute (SHA-384).' }),
          bytes: Type.Integer({ description: 'As it is sent, brotli.' }),
        }),
      ),
    }),
  },
};

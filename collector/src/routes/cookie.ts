import { isIP } from 'node:net';
import { Type } from '@fastify/type-provider-typebox';
import { stringifySetCookie } from 'cookie';
import { ApiError } from '../errors';
import { StrictObject } from '../schema';
import type { AddRoutes, Request } from './context';
import { keyOf, openFor } from './receive';

/** As long as browsers keep any cookie (RFC 6265bis, section 5.5, and Chromium): 400 days. */
const MAX_AGE_SECONDS = 400 * 86_400;
const MAX_BODY_BYTES = 2_000;

/**
 * Sets the SDK's cookie by HTTP, because Safari deletes a script's after seven days. It does nothing that the page
 * could not do itself: only a page of this collector's own site is served, for a domain that both lie in, with a name
 * that only the SDK uses and an ID as the SDK makes them. Scripts may read it (it is not HttpOnly): the SDK needs the ID
 * at once, on pages that may be offline, and has to delete it when consent is withdrawn; and it opens nothing.
 */
export const addCookieRoute: AddRoutes = (app, { access }) => {
  app.removeAllContentTypeParsers();
  // Pages send text/plain, which needs no preflight.
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, JSON.parse(body as string));
    } catch {
      done(new ApiError('invalid_json'));
    }
  });

  app.post('/v1/cookie', { schema, bodyLimit: MAX_BODY_BYTES }, async (request, reply) => {
    const { name, value, domain } = request.body;
    const origin = sameSiteOriginOf(request, domain);
    await openFor(request, { access, token: keyOf(request), kinds: ['write'] });
    const isShared = isIP(domain) === 0 && domain.includes('.');
    const cookie = {
      ...{ name, value, path: '/', maxAge: MAX_AGE_SECONDS, sameSite: 'lax' as const },
      // The page's scheme, not the request's: a proxy in front of us may have ended TLS.
      secure: origin.startsWith('https:'),
      ...(isShared ? { domain } : {}),
    };
    return reply
      .code(204)
      .headers({
        'set-cookie': stringifySetCookie(cookie),
        'cache-control': 'no-store',
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        vary: 'Origin',
      })
      .send(null);
  });
};

/**
 * The origin of the page that asks. Where the browser says how the two sites are related, it knows which domains
 * are sites; where it does not, it still refuses a cookie for the domain of a registry.
 *
 * @throws ApiError forbidden_origin unless page and collector are hosts of this domain
 */
function sameSiteOriginOf({ headers, hostname }: Request, domain: string): string {
  const { origin = '', 'sec-fetch-site': site = 'same-site' } = headers;
  const hosts = [URL.canParse(origin) ? new URL(origin).hostname : '', hostname];
  const areOfDomain = hosts.every((host) => `.${host}`.endsWith(`.${domain}`));
  if (!areOfDomain || !['same-site', 'same-origin'].includes(String(site))) {
    throw new ApiError(
      'forbidden_origin',
      'Only pages of the collector’s own site have it set their cookie.',
    );
  }
  return origin;
}

const schema = {
  tags: ['ingest'],
  summary: 'Set the anonymous ID’s cookie for a page of the same site',
  description:
    'For Safari, which deletes the cookies of scripts after seven days. The page’s host and this collector’s must ' +
    'both lie in `domain`. The cookie lives for 400 days and may be read by scripts; credentials must be included.',
  security: [{ writeKeyQuery: [] }],
  consumes: ['text/plain', 'application/json'],
  querystring: StrictObject({ writeKey: Type.Optional(Type.String({ maxLength: 300 })) }),
  body: StrictObject({
    name: Type.String({ pattern: '^[A-Za-z0-9][\\w-]{0,60}_id$', description: 'The namespace, and `_id`.' }),
    value: Type.String({
      pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
      description: 'The anonymous ID, a UUID.',
    }),
    domain: Type.String({
      pattern: '^[a-z0-9-]+(\\.[a-z0-9-]+)*$',
      maxLength: 253,
      description: 'Its hosts share the cookie: `example.com`.',
    }),
  }),
  response: { 204: Type.Null() },
};

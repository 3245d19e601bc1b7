/** The cookie that the collector sets for pages of its own site, over HTTP with the headers that browsers send. */
import { request } from 'node:http';
import { sql } from 'kysely';
import { parseSetCookie } from 'cookie';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { changeWorkspace } from '../../src/db/connect';
import { type Api, openApi } from '../support/api';
import type { OpenApiDocument } from '../support/documented-routes';

const ID = '0190a8b0-1111-7222-8333-444455556666';
const COOKIE = { name: 'throughline_id', value: ID, domain: 'example.test' };

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

interface Asked {
  readonly host?: string;
  readonly origin?: string | undefined;
  readonly site?: string | undefined;
  readonly key?: string;
  readonly body?: object;
  readonly contentType?: string;
}

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly cookie: ReturnType<typeof parseSetCookie>;
}

/** By the means of Node, since fetch does not let the Host header be said. */
function ask({
  host = 'collect.example.test',
  origin = 'https://www.example.test',
  site,
  key = api.writeKey,
  body = COOKIE,
  contentType = 'text/plain;charset=UTF-8',
}: Asked): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = {
      host,
      'content-type': contentType,
      ...(origin === '' ? {} : { origin }),
      ...(site === undefined ? {} : { 'sec-fetch-site': site }),
    };
    request(`${api.url}/v1/cookie?writeKey=${key}`, { method: 'POST', headers }, (response) => {
      response.resume();
      const [line = ''] = response.headers['set-cookie'] ?? [];
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, cookie: parseSetCookie(line) }),
      );
    })
      .on('error', reject)
      .end(JSON.stringify(body));
  });
}

it('is set for 400 days, for all hosts of the site, where scripts can read it', async () => {
  const { status, headers, cookie } = await ask({ site: 'same-site' });
  expect(status).toBe(204);
  expect(headers).toMatchObject({
    'access-control-allow-origin': 'https://www.example.test',
    'access-control-allow-credentials': 'true',
    vary: expect.stringContaining('Origin'),
    'cache-control': 'no-store',
  });
  expect(cookie).toEqual({
    name: 'throughline_id',
    value: ID,
    domain: 'example.test',
    path: '/',
    maxAge: 34_560_000,
    sameSite: 'lax',
    secure: true,
  });
});

it('is as secure as the page, and belongs to the host alone where there is no domain', async () => {
  const local = await ask({
    host: 'localhost:3000',
    origin: 'http://localhost:5173',
    body: { ...COOKIE, domain: 'localhost' },
  });
  expect(local.status).toBe(204);
  expect(local.cookie?.secure).toBeUndefined();
  expect(local.cookie?.domain).toBeUndefined();
  const address = {
    host: '127.0.0.1',
    origin: 'http://127.0.0.1:8080',
    body: { ...COOKIE, domain: '127.0.0.1' },
  };
  expect((await ask(address)).cookie?.domain).toBeUndefined();
});

it.each<[string, Asked]>([
  ['a page of another site', { origin: 'https://evil.test' }],
  [
    'a page of another site that names its own domain',
    { origin: 'https://evil.test', body: { ...COOKIE, domain: 'evil.test' } },
  ],
  ['a page whose host only ends alike', { origin: 'https://evilexample.test' }],
  [
    'a page below a registry that both share, as its browser says',
    { origin: 'https://a.example.test', site: 'cross-site' },
  ],
  ['a collector of another site', { host: 'collect.other.test' }],
  ['a domain below which the page does not lie', { body: { ...COOKIE, domain: 'shop.example.test' } }],
  ['whoever does not say where they are', { origin: '' }],
  ['a page without an origin', { origin: 'null' }],
])('is not set for %s', async (_, asked) => {
  const { status, headers, cookie } = await ask(asked);
  expect([status, headers['set-cookie']]).toEqual([403, undefined]);
  expect(cookie?.value).toBeFalsy();
  expect(headers['access-control-allow-credentials']).toBeUndefined();
});

it.each<[string, object]>([
  ['another name', { ...COOKIE, name: 'throughline_session' }],
  ['a name that means something to browsers', { ...COOKIE, name: '__Host-x_id' }],
  ['an ID that is none of the SDK’s', { ...COOKIE, value: 'a;domain=other.test' }],
  ['a domain that is more than that', { ...COOKIE, domain: 'example.test; httponly' }],
  ['an empty domain', { ...COOKIE, domain: '' }],
  ['more than is asked for', { ...COOKIE, path: '/x' }],
  ['nothing', {}],
])('is not set with %s', async (_, body) => {
  const { status, headers } = await ask({ body });
  expect([status, headers['set-cookie']]).toEqual([400, undefined]);
});

it('needs a write key, of a source that the page may send to', async () => {
  expect((await ask({ key: 'pk_wrong' })).status).toBe(401);
  expect((await ask({ key: '' })).status).toBe(401);
  expect((await ask({ key: api.secretKey })).status).toBe(401);
  await changeWorkspace(api.db, api.workspaceId, (db) =>
    sql`update source set allowed_origins = array['https://shop.example.test']`.execute(db),
  );
  // A key is looked up again after a second of the collector's clock.
  api.clock.now = new Date(api.clock.now.getTime() + 2_000);
  expect((await ask({})).status).toBe(403);
  expect((await ask({ origin: 'https://shop.example.test' })).status).toBe(204);
});

it('is documented', async () => {
  const { paths } = (await api.get('/openapi.json')).body as OpenApiDocument;
  expect(paths['/v1/cookie']?.['post']).toMatchObject({ responses: { 204: {} } });
});

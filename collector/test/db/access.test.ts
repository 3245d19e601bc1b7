import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashToken } from '../../src/core/key';
import { subjectIdOf } from '../../src/core/identifier';
import { changeWorkspace } from '../../src/db/connect';
import { createConsoleTicket, TICKET_LIFETIME_MS } from '../../src/db/sessions';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

/** Every documented route that is neither open to all nor for write keys. */
async function documentedRoutes(): Promise<{ method: string; path: string }[]> {
  const { paths } = (await api.get('/openapi.json')).body as OpenApiDocument;
  const open = ['/health', '/ready', '/console/enter'];
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, route]) => !open.includes(path) && !JSON.stringify(route).includes('"ingest"'))
      .map(([method]) => ({ method: method.toUpperCase(), path })),
  );
}

/** The same with IDs that stand for nothing. */
async function guardedRoutes(): Promise<{ method: string; path: string }[]> {
  const routes = await documentedRoutes();
  return routes.map(({ method, path }) => ({ method, path: path.replaceAll(/\{\w+\}/g, randomUUID()) }));
}

/** A workspace beside ours; asks with its secret key. */
async function openOther() {
  const [theirs, key] = [randomUUID(), `sk_${randomBytes(20).toString('hex')}`];
  await changeWorkspace(api.db, theirs, async (transaction) => {
    await transaction.insertInto('workspace').values({ workspace_id: theirs, name: 'Other' }).execute();
    await transaction
      .insertInto('access_key')
      .values({ workspace_id: theirs, key_id: randomUUID(), kind: 'secret', hash: hashToken(key) })
      .execute();
  });
  return (method: string, path: string, body?: object) =>
    api.call(method, path, {
      headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body }),
    });
}

const idOf = (kind: 'user' | 'anonymous', value: string) => subjectIdOf(api.workspaceId, { kind, value });

/** One of everything that there is in our workspace; by which names and IDs it is known. */
async function fillOurs() {
  await api.batch([
    { type: 'identify', messageId: 'm1', userId: 'ours', anonymousId: 'device', traits: { name: 'Ours' } },
    { type: 'identify', userId: 'joined', anonymousId: 'other device' },
    { type: 'nonsense', userId: 'ours' },
  ]);
  const post = async (path: string, body: object) => {
    const { status, body: answer } = await api.call('POST', path, { body });
    expect([path, [200, 201].includes(status)]).toEqual([path, true]);
    return answer;
  };
  const audience = await post('/v1/audiences', {
    name: `Everybody ${randomUUID()}`,
    rule: { trait: '$events', gte: 1 },
  });
  await post('/v1/claims/void', { weaker: 'anonymous:other device', stronger: 'user:joined' });
  await post('/v1/profiles/link', { source: 'user:joined', target: 'user:ours' });
  const regulation = await post('/v1/regulations', { type: 'export', ids: ['user:ours'] });
  return {
    'profiles/{id}': [idOf('user', 'ours'), idOf('anonymous', 'device'), 'user:ours', 'anonymous:device'],
    'audiences/{id}': [audience.id as string],
    'regulations/{id}': [regulation.id as string],
  };
}

async function enter(now = api.clock.now): Promise<string> {
  const ticket = randomBytes(24).toString('base64url');
  await createConsoleTicket(api.db, { workspaceId: api.workspaceId, ticket, now });
  return `/console/enter?ticket=${ticket}`;
}

const cookieOf = (answer: { headers: Headers }) => answer.headers.get('set-cookie')?.split(';', 1)[0] ?? '';

describe('every route that reads or manages', () => {
  it('is refused without a key, with a wrong one, and with a write key, before anything else', async () => {
    const routes = await guardedRoutes();
    expect(routes.length).toBeGreaterThan(10);
    for (const { method, path } of routes) {
      for (const key of [undefined, 'sk_wrong', api.writeKey]) {
        const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
        const answer = await api.call(method, path, { headers });
        expect([method, path, answer.status]).toEqual([method, path, 401]);
        expect(answer.body.error.message).toBe('A valid key is required.');
      }
    }
  });
});

describe('a workspace', () => {
  it('never sees another’s profiles, events, audiences, regulations, or what was changed by hand', async () => {
    const asked = await openOther();
    const ours = await fillOurs();
    const lists = [
      'profiles',
      'audiences',
      'claims/voids',
      'profiles/links',
      'regulations',
      'audit',
      'rejected',
    ];
    for (const list of lists) {
      expect([list, (await api.get(`/v1/${list}`)).body.data.length > 0]).toEqual([list, true]);
      expect([list, (await asked('GET', `/v1/${list}`)).body.data]).toEqual([list, []]);
    }
    const foreign = [
      ...['', '/timeline', '/sessions', '/export', '/why/m1'].map((more) => ['GET', 'profiles/{id}', more]),
      ...['', '/members', '/export?format=csv'].map((more) => ['GET', 'audiences/{id}', more]),
      ['POST', 'audiences/{id}', '/rebuild'],
      ['DELETE', 'audiences/{id}', ''],
      ...['', '/export'].map((more) => ['GET', 'regulations/{id}', more]),
    ] as [string, keyof typeof ours, string][];
    for (const [method, place, more] of foreign) {
      for (const id of ours[place]) {
        const path = `/v1/${place.replace('{id}', id)}${more}`;
        expect([method, path, (await asked(method, path)).status]).toEqual([method, path, 404]);
      }
    }
    const documented = (await documentedRoutes()).filter(
      ({ path }) => path.includes('{') && !path.includes('{writeKey}'),
    );
    expect(
      new Set(foreign.map(([method, place, more]) => `${method} /v1/${place}${more.split('?', 1)[0]!}`)),
    ).toEqual(
      new Set(documented.map(({ method, path }) => `${method} ${path.replace('{messageId}', 'm1')}`)),
    );
  });

  it('cannot change another’s: their IDs and names stand for nobody there', async () => {
    const asked = await openOther();
    const { 'profiles/{id}': profile } = await fillOurs();
    const pairs = [
      { weaker: 'anonymous:device', stronger: 'user:ours' },
      { weaker: idOf('anonymous', 'device'), stronger: idOf('user', 'ours') },
    ];
    const links = [
      { source: 'user:joined', target: 'user:ours' },
      { source: idOf('user', 'joined'), target: idOf('user', 'ours') },
    ];
    for (const [path, body] of [
      ...pairs.map((pair) => ['/v1/claims/void', pair] as const),
      ...links.map((link) => ['/v1/profiles/link', link] as const),
    ]) {
      expect([path, (await asked('POST', path, body)).status]).toEqual([path, 404]);
      const query = new URLSearchParams(body).toString();
      expect([path, (await asked('DELETE', `${path}?${query}`)).status]).toEqual([path, 404]);
    }
    for (const type of ['delete', 'unsuppress', 'export']) {
      const { status, body } = await asked('POST', '/v1/regulations', { type, ids: profile });
      expect([type, status]).toEqual([type, 201]);
      for (const subject of body.subjects) expect([type, subject.status]).toEqual([type, 'unknown']);
    }
    await asked('POST', '/v1/regulations', { type: 'suppress', ids: profile });
    await api.worker.tick();
    const sent = await api.batch([{ type: 'page', userId: 'ours' }]);
    expect(sent.body).toMatchObject({ accepted: 1 });
    expect((await api.get('/v1/profiles/user:ours')).body.events).toBeGreaterThan(1);
    expect((await api.get('/v1/claims/voids')).body.data).toHaveLength(1);
    expect((await api.get('/v1/profiles/links')).body.data).toHaveLength(1);
  });

  it('is not readable at all without being named: row-level security binds the tables’ owner too', async () => {
    await api.batch([{ type: 'page', userId: 'ours' }]);
    const { rows: tables } = await sql<{ name: string }>`
      select c.relname as name
      from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id')
        and c.relname <> 'workspace'`.execute(api.db);
    expect(tables.length).toBeGreaterThan(20);
    for (const { name } of tables) {
      const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(name)}`.execute(
        api.db,
      );
      expect([name, rows[0]!.count]).toEqual([name, 0]);
    }
  });
});

describe('the console', () => {
  it('is entered once by the link, by a cookie that scripts cannot read and other sites cannot use', async () => {
    const link = await enter();
    const entered = await api.call('GET', link, { headers: {} });
    expect(entered.status).toBe(303);
    expect(entered.headers.get('location')).toBe('/console/');
    expect(entered.headers.get('set-cookie')).toMatch(
      /^throughline_session=[\w-]{32};.*HttpOnly.*SameSite=Strict/,
    );
    const cookie = cookieOf(entered);
    const session = await api.call('GET', '/v1/session', { headers: { cookie } });
    expect(session.body.workspace).toMatchObject({ id: api.workspaceId, currency: 'USD', timezone: 'UTC' });
    expect((await api.call('GET', '/v1/profiles', { headers: { cookie } })).status).toBe(200);

    const again = await api.call('GET', link, { headers: {} });
    expect(again.headers.get('set-cookie')).toBeNull();
  });

  it('is not entered by a link that is too old', async () => {
    const link = await enter(new Date(api.clock.now.getTime() - TICKET_LIFETIME_MS));
    expect(cookieOf(await api.call('GET', link, { headers: {} }))).toBe('');
  });

  it('is left: the cookie is worth nothing then', async () => {
    const cookie = cookieOf(await api.call('GET', await enter(), { headers: {} }));
    expect((await api.call('DELETE', '/v1/session', { headers: { cookie } })).status).toBe(204);
    expect((await api.call('GET', '/v1/session', { headers: { cookie } })).status).toBe(401);
  });

  it('cannot be used by a page of another site, even with the cookie', async () => {
    const cookie = cookieOf(await api.call('GET', await enter(), { headers: {} }));
    const answer = await api.call('DELETE', '/v1/session', {
      headers: { cookie, origin: 'https://evil.example' },
    });
    expect(answer.status).toBe(403);
  });
});

describe('the process', () => {
  it('sends whoever opens its address to the console', async () => {
    const answer = await api.call('GET', '/', { headers: {} });
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/console/']);
  });

  it('says how it does', async () => {
    const { status, body } = await api.call('GET', '/health', { headers: {} });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'ok',
      database: 'connected',
      uptime: expect.any(Number),
      memory: { rss: expect.any(Number), heapTotal: expect.any(Number), heapUsed: expect.any(Number) },
      queue: { waitingEvents: 0, bytesInFlight: 0 },
    });
  });

  it('is ready, until it shuts down', async () => {
    expect((await api.call('GET', '/ready', { headers: {} })).body).toEqual({ ready: true });
    api.draining.isDraining = true;
    expect((await api.call('GET', '/ready', { headers: {} })).status).toBe(503);
    api.draining.isDraining = false;
  });

  it('describes its API, with every route listed', async () => {
    const document = (await api.get('/openapi.json')).body as OpenApiDocument;
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        '/v1/batch',
        '/v1/track',
        '/v1/profiles/{id}/timeline',
        '/v1/audiences/{id}/export',
      ]),
    );
    expect((await api.call('GET', '/docs/', { headers: {} })).body).toContain('swagger');
  });
});

describe('the live feed', () => {
  it('shows an event when it is stored, with its profile', async () => {
    // The feed tells of what arrives from now on.
    api.clock.now = new Date(api.clock.now.getTime() + 10_000);
    const cancel = new AbortController();
    const response = await fetch(`${api.url}/v1/events/live`, {
      headers: { authorization: `Bearer ${api.secretKey}` },
      signal: cancel.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const readUntil = async (wanted: string) => {
      while (!text.includes(wanted)) text += (await reader.read()).value ?? '';
    };
    await readUntil('connected');
    await api.batch([{ type: 'track', event: 'Seen live', userId: 'live', messageId: 'live-1' }]);
    await readUntil('\n\nevent: event\ndata: ');
    await readUntil('}\n\n');
    const data = JSON.parse(/data: (.*)\n/.exec(text)![1]!) as Record<string, unknown>;
    const { body: profile } = await api.get('/v1/profiles/user:live');
    expect(data).toMatchObject({ messageId: 'live-1', event: 'Seen live', profileId: profile.id });
    cancel.abort();
  });
});

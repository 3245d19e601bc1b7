import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createConsoleTicket, TICKET_LIFETIME_MS } from '../../src/db/sessions';
import { type Api, openApi } from '../support/api';
import { documentedRoutes, type OpenApiDocument } from '../support/documented-routes';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

/** The same with IDs that stand for nothing. */
async function guardedRoutes(): Promise<{ method: string; path: string }[]> {
  const routes = await documentedRoutes(api);
  return routes.map(({ method, path }) => ({ method, path: path.replaceAll(/\{\w+\}/g, randomUUID()) }));
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

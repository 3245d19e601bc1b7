import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashToken } from '../../src/core/key';
import { subjectIdOf } from '../../src/core/identifier';
import { changeWorkspace } from '../../src/db/connect';
import { type Api, openApi } from '../support/api';
import { documentedRoutes } from '../support/documented-routes';

let api: Api;
beforeAll(async () => {
  // Asked for, and never done.
  api = await openApi({ exportPlaces: { exportDir: 'exports' } });
});
afterAll(() => api.close());

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

/** Nothing has it. */
const NO_ID = '00000000-0000-4000-8000-000000000000';

const idOf = (kind: 'user' | 'anonymous', value: string) => subjectIdOf(api.workspaceId, { kind, value });

let exportId: string | null = null;
/** There is one at a time. */
async function exportOnce(post: (path: string, body: object) => Promise<{ id: string }>): Promise<string> {
  exportId ??= (await post('/v1/exports', {})).id;
  return exportId;
}

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
  const decision = await post('/v1/decisions', {
    name: `Ours ${randomUUID()}`,
    cases: [{ when: { audience: audience.key }, then: 'secret' }, { then: null }],
  });
  const destination = await post('/v1/destinations', {
    name: `Elsewhere ${randomUUID()}`,
    url: 'https://hooks.example.com/',
    audiences: [audience.id],
    state: 'paused',
  });
  await post('/v1/claims/void', { weaker: 'anonymous:other device', stronger: 'user:joined' });
  await post('/v1/profiles/link', { source: 'user:joined', target: 'user:ours' });
  const regulation = await post('/v1/regulations', { type: 'export', ids: ['user:ours'] });
  const exported = await exportOnce(post);
  return {
    'profiles/{id}': [idOf('user', 'ours'), idOf('anonymous', 'device'), 'user:ours', 'anonymous:device'],
    'audiences/{id}': [audience.id as string],
    'decisions/{id}': [decision.id as string, decision.key as string],
    'destinations/{id}': [destination.id as string, destination.key as string],
    'regulations/{id}': [regulation.id as string],
    'exports/{id}': [exported],
  };
}

describe('a workspace', () => {
  it('never sees another’s profiles, events, audiences, regulations, or what was changed by hand', async () => {
    const asked = await openOther();
    const ours = await fillOurs();
    const lists = [
      'profiles',
      'audiences',
      'decisions',
      'destinations',
      'claims/voids',
      'profiles/links',
      'regulations',
      'exports',
      'audit',
      'rejected',
    ];
    for (const list of lists) {
      expect([list, (await api.get(`/v1/${list}`)).body.data.length > 0]).toEqual([list, true]);
      expect([list, (await asked('GET', `/v1/${list}`)).body.data]).toEqual([list, []]);
    }
    const foreign = [
      ...['', '/timeline', '/sessions', '/export', '/why/m1'].map((more) => ['GET', 'profiles/{id}', more]),
      ...['', '/members', '/export?format=csv', '/changes', '/changes/live', '/history'].map((more) => [
        ...['GET', 'audiences/{id}', more],
      ]),
      ['POST', 'audiences/{id}', '/rebuild'],
      ...['', '/rebuild', '/members/user:ours'].map((more) => ['DELETE', 'audiences/{id}', more]),
      ['PUT', 'audiences/{id}', '/members/user:ours'],
      ['PATCH', 'audiences/{id}', '', { name: 'Theirs' }],
      ['PUT', 'audiences/{id}', '/members', { ids: [] }],
      ['POST', 'audiences/{id}', '/members', { ids: [] }],
      ...['', '/deliveries', `/deliveries/${NO_ID}/attempts`].map((more) => [
        'GET',
        'destinations/{id}',
        more,
      ]),
      ...['/secrets', '/test', '/replay', `/deliveries/${NO_ID}/replay`].map((more) => [
        ...['POST', 'destinations/{id}', more],
      ]),
      ...['', `/secrets/${NO_ID}`].map((more) => ['DELETE', 'destinations/{id}', more]),
      ['PATCH', 'destinations/{id}', '', { name: 'Theirs' }],
      ...['', '/export'].map((more) => ['GET', 'regulations/{id}', more]),
      ...['GET', 'DELETE'].map((method) => [method, 'exports/{id}', '']),
      ...['', '/versions', '/versions/1'].map((more) => ['GET', 'decisions/{id}', more]),
      ['PUT', 'decisions/{id}', '', { cases: [{ then: 'theirs' }] }],
      ['POST', 'decisions/{id}', '/activate', { version: 1 }],
      ['DELETE', 'decisions/{id}', ''],
    ] as [string, keyof typeof ours, string, object?][];
    for (const [method, place, more, sent] of foreign) {
      for (const id of ours[place]) {
        const path = `/v1/${place.replace('{id}', id)}${more}`;
        expect([method, path, (await asked(method, path, sent)).status]).toEqual([method, path, 404]);
      }
    }
    const documented = (await documentedRoutes(api)).filter(
      ({ path }) => path.includes('{') && !path.includes('{writeKey}'),
    );
    expect(
      new Set(foreign.map(([method, place, more]) => `${method} /v1/${place}${more.split('?', 1)[0]!}`)),
    ).toEqual(
      new Set(
        documented.map(
          ({ method, path }) =>
            `${method} ${path
              .replace('{messageId}', 'm1')
              .replace('{profile}', 'user:ours')
              .replace('{version}', '1')
              .replace(/\{(deliveryId|secretId)\}/, NO_ID)}`,
        ),
      ),
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
    const { 'decisions/{id}': decisions } = await fillOurs();
    for (const decision of decisions)
      expect((await asked('POST', '/v1/decide', { decision, userId: 'ours' })).status).toBe(404);
    await asked('POST', '/v1/regulations', { type: 'suppress', ids: profile });
    await api.worker.tick();
    const sent = await api.batch([{ type: 'page', userId: 'ours' }]);
    expect(sent.body).toMatchObject({ accepted: 1 });
    expect((await api.get('/v1/profiles/user:ours')).body.events).toBeGreaterThan(1);
    expect((await api.get('/v1/claims/voids')).body.data).toHaveLength(1);
    expect((await api.get('/v1/profiles/links')).body.data).toHaveLength(1);
  });
});

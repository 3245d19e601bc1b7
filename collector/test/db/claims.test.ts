import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inWorkspace } from '../../src/db/connect';
import { type Api, openApi } from '../support/api';
import { bought, looked, signedIn } from '../support/calls';
import { readProfiles } from '../support/shown-profiles';
import { addWorkspace, type TestWorkspace } from '../support/workspaces';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

/** A browser on which Ada signs in, and then Bob, who buys something. */
const SHARED = [
  looked('before', 0, { anonymousId: 'browser' }),
  signedIn('ada', 10, { anonymousId: 'browser', userId: 'ada', traits: { city: 'Bern' } }),
  looked('hers', 11, { anonymousId: 'browser' }),
  signedIn('bob', 20, { anonymousId: 'browser', userId: 'bob' }),
  looked('his', 21, { anonymousId: 'browser' }),
  bought('order', 22, { anonymousId: 'browser', revenue: 12.5 }),
];
const PAIR = { weaker: 'anonymous:browser', stronger: 'user:ada' };
const inQuery = (values: Record<string, string>) => new URLSearchParams(values).toString();

/** Requests with the workspace's secret key. */
function manage({ secretKey }: TestWorkspace) {
  const headers = { authorization: `Bearer ${secretKey}`, 'content-type': 'application/json' };
  return {
    post: (path: string, body: object) => api.call('POST', path, { headers, body }),
    delete: (path: string) => api.call('DELETE', path, { headers: { authorization: headers.authorization } }),
    get: (path: string) => api.call('GET', path, { headers: { authorization: headers.authorization } }),
  };
}

async function openShared() {
  const workspace = await addWorkspace(api);
  await workspace.send(SHARED);
  return { workspace, asked: manage(workspace) };
}

const named = (kind: string, value: string) => ({ id: expect.any(String), kind, value });

describe('claims that are voided', () => {
  it('hand an early owner’s stretch, and what came before, to the next one, and say so', async () => {
    const { workspace, asked } = await openShared();
    const answer = await asked.post('/v1/claims/void', PAIR);
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.any(String),
      weaker: named('anonymous', 'browser'),
      stronger: named('user', 'ada'),
      voidedAt: api.clock.now.toISOString(),
      voidedBy: expect.stringMatching(/^key:[\w-]{36}$/),
      moves: [
        { from: named('user', 'ada'), to: named('user', 'bob'), events: 2, pages: 2, orders: 0, revenue: {} },
      ],
    });
    const profiles = await readProfiles(workspace);
    expect(profiles['user:ada']!.timeline).toEqual(['ada']);
    expect(profiles['user:bob']!.timeline).toEqual(['before', 'hers', 'bob', 'his', 'order']);
  });

  it('leave what would be had nobody ever signed in, when they are all there were', async () => {
    const workspace = await addWorkspace(api);
    await workspace.send(SHARED);
    for (const userId of ['ada', 'bob']) {
      const pair = { weaker: 'anonymous:browser', stronger: `user:${userId}` };
      expect((await manage(workspace).post('/v1/claims/void', pair)).status).toBe(201);
    }
    const { timeline, revenue } = (await readProfiles(workspace))['anonymous:browser']!;
    expect(timeline).toEqual(['before', 'hers', 'his', 'order']);
    expect(revenue).toEqual({ USD: '12.5' });
  });

  it('stay void when the same is claimed again', async () => {
    const { workspace, asked } = await openShared();
    await asked.post('/v1/claims/void', PAIR);
    await workspace.send([
      signedIn('again', 30, { anonymousId: 'browser', userId: 'ada' }),
      looked('later', 31, { anonymousId: 'browser' }),
    ]);
    expect((await readProfiles(workspace))['user:bob']!.timeline).toContain('later');
  });

  it('are as they were once that is taken back, with what arrived meanwhile', async () => {
    const { workspace, asked } = await openShared();
    const before = await readProfiles(workspace);
    await asked.post('/v1/claims/void', PAIR);
    const late = looked('late', 12, { anonymousId: 'browser' });
    await workspace.send([late]);
    expect((await asked.delete(`/v1/claims/void?${inQuery(PAIR)}`)).status).toBe(204);
    const after = await readProfiles(workspace);
    expect(after['user:bob']).toEqual(before['user:bob']);
    expect(after['user:ada']!.timeline).toEqual(['before', 'ada', 'hers', 'late']);
  });

  it('can be looked at before, in both directions, without moving anything', async () => {
    const { workspace, asked } = await openShared();
    const before = await readProfiles(workspace);
    const preview = await asked.post('/v1/claims/void?preview=true', {
      ...PAIR,
      stronger: 'user:bob',
    });
    expect([preview.status, preview.body]).toEqual([
      200,
      {
        moves: [
          {
            from: named('user', 'bob'),
            to: named('user', 'ada'),
            events: 2,
            pages: 1,
            orders: 1,
            revenue: { USD: '12.5' },
          },
        ],
      },
    ]);
    expect(await readProfiles(workspace)).toEqual(before);
    expect((await asked.get('/v1/claims/voids')).body.data).toEqual([]);

    await asked.post('/v1/claims/void', PAIR);
    const undo = await asked.delete(`/v1/claims/void?${inQuery({ ...PAIR, preview: 'true' })}`);
    expect(undo.body.moves).toMatchObject([{ from: { value: 'bob' }, to: { value: 'ada' }, events: 2 }]);
    expect((await readProfiles(workspace))['user:ada']!.timeline).toEqual(['ada']);
  });

  it('are voided once, and counted again once, however often that is asked', async () => {
    const { asked } = await openShared();
    const first = await asked.post('/v1/claims/void', PAIR);
    const second = await asked.post('/v1/claims/void', PAIR);
    expect([second.status, second.body]).toEqual([200, { ...first.body, moves: [] }]);
    for (let time = 0; time < 2; time += 1) {
      expect((await asked.delete(`/v1/claims/void?${inQuery(PAIR)}`)).status).toBe(204);
    }
  });

  it('are listed, newest first, in pages', async () => {
    const { asked } = await openShared();
    await asked.post('/v1/claims/void', PAIR);
    api.clock.now = new Date(api.clock.now.getTime() + 1_000);
    await asked.post('/v1/claims/void', { ...PAIR, stronger: 'user:bob' });
    const { body: first } = await asked.get('/v1/claims/voids?limit=1');
    const { body: second } = await asked.get(`/v1/claims/voids?limit=1&cursor=${first.nextCursor}`);
    expect([...first.data, ...second.data].map(({ stronger }) => stronger.value)).toEqual(['bob', 'ada']);
    expect(second.nextCursor).toBeNull();
  });

  it('are not found where nobody claims it, in this direction, in this workspace', async () => {
    const { workspace, asked } = await openShared();
    const { body: ada } = await asked.get('/v1/profiles/user:ada');
    const pairs = [
      { weaker: 'anonymous:browser', stronger: 'user:eve' },
      { weaker: 'user:ada', stronger: 'anonymous:browser' },
      { weaker: 'anonymous:browser', stronger: 'not-an-id' },
    ];
    for (const pair of pairs) {
      expect((await asked.post('/v1/claims/void', pair)).status).toBe(404);
      expect((await asked.delete(`/v1/claims/void?${inQuery(pair)}`)).status).toBe(404);
    }
    const foreign = { ...PAIR, stronger: ada.id };
    expect((await manage(await addWorkspace(api)).post('/v1/claims/void', foreign)).status).toBe(404);
    expect((await asked.post('/v1/claims/void', foreign)).status).toBe(201);
    expect((await readProfiles(workspace))['user:ada']!.timeline).toEqual(['ada']);
  });

  it('are remembered with who did it and when, and how many events moved, never whose', async () => {
    const { workspace, asked } = await openShared();
    await asked.post('/v1/claims/void', PAIR);
    await asked.delete(`/v1/claims/void?${inQuery(PAIR)}`);
    const entries = await inWorkspace(api.db, workspace.workspaceId, (transaction) =>
      transaction.selectFrom('audit_entry').selectAll().orderBy('entry_id').execute(),
    );
    expect(entries.map(({ action }) => action).sort()).toEqual(['claim.unvoid', 'claim.void']);
    for (const { actor, at: moment, detail } of entries) {
      expect(actor).toMatch(/^key:/);
      expect(moment).toEqual(api.clock.now);
      expect(detail).toEqual({ events: 2 });
    }
  });
});

describe('two users who are linked', () => {
  const LINK = { source: 'user:ada', target: 'user:bob' };

  it('are one profile, with all that belonged to the source, and what comes later', async () => {
    const { workspace, asked } = await openShared();
    const answer = await asked.post('/v1/profiles/link', LINK);
    expect([answer.status, answer.body]).toEqual([
      201,
      {
        id: expect.any(String),
        source: named('user', 'ada'),
        target: named('user', 'bob'),
        linkedAt: api.clock.now.toISOString(),
        linkedBy: expect.stringMatching(/^key:/),
        moves: [
          {
            from: named('user', 'ada'),
            to: named('user', 'bob'),
            events: 3,
            pages: 2,
            orders: 0,
            revenue: {},
          },
        ],
      },
    ]);
    await workspace.send([
      looked('next', 40, { userId: 'ada' }),
      signedIn('phone', 41, { anonymousId: 'phone', userId: 'ada', traits: { email: 'ada@x.test' } }),
      looked('on phone', 42, { anonymousId: 'phone' }),
    ]);
    const profiles = await readProfiles(workspace);
    expect(Object.keys(profiles)).toEqual(['user:bob']);
    const { timeline, identifiers, traits } = profiles['user:bob']!;
    expect(timeline).toHaveLength(9);
    expect(identifiers).toEqual([
      'anonymous:browser',
      'anonymous:phone',
      'email:ada@x.test',
      'user:ada',
      'user:bob',
    ]);
    expect(traits).toMatchObject({ city: 'Bern' });
    expect((await asked.get('/v1/profiles/user:ada')).body).toMatchObject({
      userId: 'bob',
      email: 'ada@x.test',
      anonymousId: expect.any(String),
    });
  });

  it('are two again, exactly, once that is taken back', async () => {
    const { workspace, asked } = await openShared();
    const before = await readProfiles(workspace);
    await asked.post('/v1/profiles/link', LINK);
    expect((await asked.delete(`/v1/profiles/link?${inQuery(LINK)}`)).status).toBe(204);
    expect(await readProfiles(workspace)).toEqual(before);
    expect((await asked.delete(`/v1/profiles/link?${inQuery(LINK)}`)).status).toBe(204);
  });

  it('can be looked at before, without moving anything', async () => {
    const { workspace, asked } = await openShared();
    const before = await readProfiles(workspace);
    const { status, body } = await asked.post('/v1/profiles/link?preview=true', LINK);
    expect([status, body.moves]).toMatchObject([200, [{ events: 3 }]]);
    expect(await readProfiles(workspace)).toEqual(before);
    expect((await asked.get('/v1/profiles/links')).body).toEqual({ data: [], nextCursor: null });
  });

  it('are one hop apart: a target is no source, and a source has one target', async () => {
    const { workspace, asked } = await openShared();
    await workspace.send([looked('carol', 50, { userId: 'carol' }), looked('dan', 51, { userId: 'dan' })]);
    const linked = async (source: string, target: string) => {
      const answer = await asked.post('/v1/profiles/link', {
        source: `user:${source}`,
        target: `user:${target}`,
      });
      return [answer.status, answer.body.error?.code];
    };
    expect(await linked('ada', 'bob')).toEqual([201, undefined]);
    expect(await linked('ada', 'bob')).toEqual([200, undefined]);
    expect(await linked('carol', 'bob')).toEqual([201, undefined]);
    expect(await linked('ada', 'dan')).toEqual([409, 'link_conflict']);
    expect(await linked('bob', 'dan')).toEqual([409, 'link_conflict']);
    expect(await linked('dan', 'ada')).toEqual([409, 'link_conflict']);
    expect(await linked('bob', 'ada')).toEqual([409, 'link_conflict']);
    const { body } = await asked.get('/v1/profiles/links');
    expect(body.data.map(({ source }: { source: { value: string } }) => source.value)).toHaveLength(2);
  });

  it('must be two, known, and users', async () => {
    const { asked } = await openShared();
    const answerTo = async (source: string, target: string) =>
      (await asked.post('/v1/profiles/link', { source, target })).status;
    expect(await answerTo('user:ada', 'user:nobody')).toBe(404);
    expect(await answerTo(randomUUID(), 'user:ada')).toBe(404);
    expect(await answerTo('anonymous:browser', 'user:ada')).toBe(400);
    expect(await answerTo('user:ada', 'user:ada')).toBe(400);
  });
});

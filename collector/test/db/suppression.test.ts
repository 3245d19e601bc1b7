import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, METRICS_TOKEN, openApi } from '../support/api';
import { everythingOf } from '../support/everything';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const regulate = async (type: string, ...ids: string[]) => {
  // Lists are in the order of time.
  api.clock.now = new Date(api.clock.now.getTime() + 1_000);
  const answer = await api.call('POST', '/v1/regulations', { body: { type, ids } });
  expect(answer.status).toBe(201);
  return answer.body;
};
const page = (more: object) => ({ type: 'page', messageId: randomUUID(), ...more });
const timelineOf = async (reference: string): Promise<string[]> => {
  const { body } = await api.get(`/v1/profiles/${reference}/timeline`);
  return ((body.data ?? []) as { messageId: string }[]).map(({ messageId }) => messageId);
};

const everything = (): Promise<string> => everythingOf(api.db, api.workspaceId);

describe('calls that carry a suppressed identifier', () => {
  it('are dropped from then on, whichever of the identifiers it is, and the sender is told nothing of it', async () => {
    await regulate('suppress', 'user:left-alone', 'email:Left@Alone.test', 'anonymous:left-alone-device');
    const items = [
      page({ userId: 'left-alone' }),
      page({ userId: 'LEFT-alone', context: { traits: { email: 'left@alone.test' } } }),
      { ...page({ userId: 'somebody', anonymousId: 'left-alone-device' }), type: 'identify' },
      { ...page({ userId: 'somebody', previousId: 'left-alone-device' }), type: 'alias' },
      page({ userId: 'somebody' }),
    ];
    expect((await api.batch(items)).body).toEqual({ accepted: 5, duplicates: 0, rejected: [] });
    expect((await api.get('/v1/profiles/user:left-alone')).status).toBe(404);
    expect((await api.get('/v1/profiles/user:LEFT-alone')).status).toBe(404);
    expect(await timelineOf('user:somebody')).toEqual([items[4]!.messageId]);
    expect((await api.get('/v1/profiles/anonymous:left-alone-device')).status).toBe(404);
  });

  it('are told to a secret key, and counted on the regulation and in the metrics', async () => {
    const { id } = await regulate('suppress', 'user:counted');
    const one = await api.call('POST', '/v1/track', {
      body: { event: 'Seen', userId: 'counted', messageId: 'counted-1' },
    });
    expect(one.body).toMatchObject({ status: 'suppressed', messageId: 'counted-1' });
    const many = await api.call('POST', '/v1/batch', {
      body: { batch: [page({ userId: 'counted' }), page({ userId: 'another' })] },
    });
    expect(many.body).toEqual({ accepted: 1, suppressed: 1, duplicates: 0, rejected: [] });
    const imported = await api.call('POST', '/v1/import', {
      body: JSON.stringify(page({ userId: 'counted' })),
    });
    expect(JSON.parse(imported.body)).toMatchObject({ done: true, accepted: 0, suppressed: 1 });
    expect((await api.get(`/v1/regulations/${id}`)).body).toMatchObject({ status: 'done', dropped: 3 });
    const metrics = await api.call('GET', '/metrics', {
      headers: { authorization: `Bearer ${METRICS_TOKEN}` },
    });
    expect(metrics.body).toMatch(/throughline_events_total\{[^}]*verdict="suppressed"\} [1-9]/);
  });

  it('leave nothing behind but their key: no identifier, no claim, no bad row', async () => {
    await regulate('suppress', 'user:no-trace', 'email:no-trace@x.test');
    await api.batch([
      { ...page({ userId: 'no-trace', anonymousId: 'no-trace-device' }), type: 'identify' },
      { ...page({ userId: 'trace', traits: { email: 'no-trace@x.test' } }), type: 'identify' },
      { type: 'nonsense', userId: 'no-trace', note: 'no-trace' },
      { type: 'track', traits: { email: ' No-Trace@x.test' }, note: 'no-trace' },
    ]);
    await api.call('POST', '/v1/import', { body: '{"type": "page", "userId": "no-trace", ' });
    expect(await everything()).not.toMatch(/no-trace/i);
  });

  it('are taken again after the end of it, but not those that were dropped', async () => {
    await regulate('suppress', 'user:back');
    const [early, late] = [page({ userId: 'back' }), page({ userId: 'back' })];
    await api.batch([early]);
    expect((await api.batch([early])).body).toMatchObject({ accepted: 0, duplicates: 1 });
    expect((await regulate('unsuppress', 'user:back')).subjects).toMatchObject([{ status: 'done' }]);
    expect((await api.batch([early, late])).body).toMatchObject({ accepted: 1, duplicates: 1 });
    expect(await timelineOf('user:back')).toEqual([late.messageId]);
  });
});

describe('a profile that is suppressed by its ID', () => {
  it('is so under its user ID and its emails; its device stays free', async () => {
    await api.batch([
      {
        ...page({ userId: 'whole', anonymousId: 'whole-device', traits: { email: 'whole@x.test' } }),
        type: 'identify',
      },
    ]);
    const { body: profile } = await api.get('/v1/profiles/user:whole');
    await regulate('suppress', profile.id);
    await api.batch([
      page({ userId: 'whole' }),
      page({ context: { traits: { email: 'whole@x.test' } } }),
      page({ anonymousId: 'whole-device' }),
    ]);
    expect((await api.get('/v1/profiles/user:whole')).body.events).toBe(2);
    await regulate('unsuppress', profile.id);
    await api.batch([page({ userId: 'whole' }), page({ context: { traits: { email: 'whole@x.test' } } })]);
    expect((await api.get('/v1/profiles/user:whole')).body.events).toBe(4);
  });
});

describe('a regulation', () => {
  it('says of each ID what became of it, and keeps none of them', async () => {
    const unknown = randomUUID();
    const created = await regulate('suppress', 'user:kept-secret', unknown, 'nonsense');
    expect(created).toMatchObject({ type: 'suppress', status: 'done', dropped: 0 });
    expect(created.subjects.map(({ status }: { status: string }) => status)).toEqual([
      'done',
      'unknown',
      'unknown',
    ]);
    expect((await api.get(`/v1/regulations/${created.id}`)).body).toEqual(created);
    const { body: list } = await api.get('/v1/regulations?limit=1');
    expect(list.data).toEqual([created]);
    expect((await api.get(`/v1/regulations?limit=1&cursor=${list.nextCursor}`)).body.data[0].id).not.toBe(
      created.id,
    );
    expect(await everything()).not.toContain('kept-secret');
    expect((await api.get(`/v1/regulations/${randomUUID()}`)).status).toBe(404);
  });

  it.each([
    [{ type: 'forget', ids: ['user:a'] }],
    [{ type: 'delete', ids: [] }],
    [{ type: 'delete', ids: Array.from({ length: 101 }, (_, index) => `user:${index}`) }],
    [{ type: 'delete', ids: ['user:a', 'user:a'] }],
    [{ type: 'delete', ids: ['user:a'], more: true }],
  ])('is refused: %j', async (body) => {
    expect((await api.call('POST', '/v1/regulations', { body })).status).toBe(400);
  });

  it('is in the audit log: who, when, what and how many, never whom', async () => {
    await regulate('suppress', 'user:audited', 'user:audited-too');
    const { body } = await api.get('/v1/audit?limit=1');
    expect(body.data).toEqual([
      {
        id: expect.any(String),
        at: api.clock.now.toISOString(),
        actor: expect.stringMatching(/^key:[0-9a-f-]{36}$/),
        action: 'regulation.suppress',
        detail: { ids: 2 },
      },
    ]);
    expect((await api.get(`/v1/audit?cursor=${body.nextCursor}`)).body.data.length).toBeGreaterThan(0);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
  // Not what it is unless somebody says so.
  await api.pool.query(`update workspace set currency = 'EUR'`);
  for (const [key, rule] of Object.entries({
    busy: { event: '*', gte: 2 },
    seen: { trait: '$last_seen', after: '10m' },
    counted: { trait: '$events', gte: 2 },
    decided: { event: '$decision', where: [{ prop: 'case', eq: 'default' }] },
  }))
    await api.call('POST', '/v1/audiences', { body: { name: key, key, rule } });
  const cases = [{ key: 'large', when: { trait: '$context.total', gte: 5 }, then: 1 }, { then: 0 }];
  await api.call('POST', '/v1/decisions', { body: { name: 'Offer', cases } });
});
afterAll(() => api.close());

const decide = async (body: object) =>
  (await api.call('POST', '/v1/decide', { body: { decision: 'offer', timeLimitMs: 5_000, ...body } })).body;
const timelineOf = async (id: string) => {
  const { status, body } = await api.get(`/v1/profiles/${id}/timeline`);
  expect([status, body.error]).toEqual([200, undefined]);
  return body.data as { messageId: string; event: string; properties: object }[];
};
const profileOf = async (id: string) => (await api.get(`/v1/profiles/${id}`)).body;
const keysOf = async (id: string) =>
  ((await profileOf(id)).audiences as { key: string }[]).map(({ key }) => key).sort();

const pass = (minutes: number) => {
  api.clock.now = new Date(api.clock.now.getTime() + minutes * 60_000);
};

const queueHas = (queue: object) =>
  expect
    .poll(async () => (await api.get('/health')).body.queue as object, { timeout: 30_000 })
    .toMatchObject(queue);

describe('a decision that is recorded', () => {
  it('is on the timeline with its version and case, once, however often it is asked for', async () => {
    await api.batch([{ type: 'page', userId: 'ada', messageId: 'first' }]);
    const asked = { userId: 'ada', record: true, messageId: 'decided-1', context: { total: 9 } };
    for (let time = 0; time < 3; time += 1)
      expect((await decide(asked)).recorded).toEqual({ messageId: 'decided-1', isStored: true });
    const recorded = (await timelineOf('user:ada')).filter(({ event }) => event === '$decision');
    expect(recorded).toMatchObject([
      {
        messageId: 'decided-1',
        properties: {
          ...{ decision: 'offer', version: 1, case: 'large', isDefault: false, defaultReason: null },
        },
      },
    ]);
  });

  it('leaves the profile as seen, and as busy, as it was: it enters no audience but those that ask for it', async () => {
    await api.batch([{ type: 'page', userId: 'dormant' }]);
    await api.worker.tick();
    expect(await keysOf('user:dormant')).toEqual(['seen']);
    pass(60);
    await api.worker.tick();
    const before = await profileOf('user:dormant');
    expect(before.audiences).toEqual([]);
    expect((await decide({ userId: 'dormant', record: true })).recorded.isStored).toBe(true);
    await api.worker.tick();
    const { audiences, ...after } = await profileOf('user:dormant');
    expect({ ...after, audiences: [] }).toEqual(before);
    expect(audiences).toMatchObject([{ key: 'decided' }]);
  });

  it('moves with the history that it is part of, and is still counted in nothing', async () => {
    await api.batch([{ type: 'page', anonymousId: 'visitor', context: { campaign: { name: 'spring' } } }]);
    await decide({ anonymousId: 'visitor', record: true });
    pass(5);
    await api.batch([{ type: 'identify', userId: 'bea', anonymousId: 'visitor' }]);
    await decide({ anonymousId: 'visitor', record: true, messageId: 'after' });
    const profile = await profileOf('user:bea');
    expect([profile.events, profile.pages]).toEqual([2, 1]);
    const hers = (await timelineOf('user:bea')).map(({ event }) => event);
    expect(hers.filter((name) => name === '$decision')).toHaveLength(2);
    await api.call('POST', '/v1/claims/void', {
      body: { weaker: 'anonymous:visitor', stronger: 'user:bea' },
    });
    const visitor = await profileOf('anonymous:visitor');
    expect([visitor.events, visitor.pages]).toEqual([1, 1]);
    const names = (await timelineOf('anonymous:visitor')).map(({ event }) => event);
    expect(names.filter((name) => name === '$decision')).toHaveLength(2);
    expect((await profileOf('user:bea')).events).toBe(1);
  });

  it('makes nobody: of whom nothing was seen nothing is recorded', async () => {
    const answer = await decide({ userId: 'never seen', record: true });
    expect(answer.recorded).toMatchObject({ isStored: false });
    expect((await api.call('GET', '/v1/profiles/user:never seen')).status).toBe(404);
  });

  it('may be the definition’s wish, which one request may do without', async () => {
    await api.call('POST', '/v1/decisions', { body: { name: 'Kept', record: true, cases: [{ then: 1 }] } });
    await api.batch([{ type: 'page', userId: 'kept' }]);
    expect((await decide({ decision: 'kept', userId: 'kept' })).recorded.isStored).toBe(true);
    expect((await decide({ decision: 'kept', userId: 'kept', record: false })).recorded).toBeUndefined();
    const names = (await timelineOf('user:kept')).map(({ event }) => event);
    expect(names.filter((name) => name === '$decision')).toHaveLength(1);
  });

  it('leaves an order beside which it is written in the currency of the workspace', async () => {
    await api.batch([{ type: 'page', userId: 'buyer' }]);
    const blocker = await api.pool.connect();
    await blocker.query('begin; lock table event_key in access exclusive mode');
    // All writers wait, so that what comes next is written together.
    const first = api.batch([{ type: 'page', userId: 'first' }]);
    await queueHas({ writing: 1 });
    const second = api.batch([{ type: 'page', userId: 'second' }]);
    await queueHas({ writing: 2 });
    const recorded = decide({ userId: 'buyer', record: true });
    await queueHas({ waitingJobs: 1 });
    const bought = api.batch([
      { type: 'track', event: 'Order Completed', userId: 'buyer', properties: { order_id: 'o', revenue: 5 } },
    ]);
    await queueHas({ waitingJobs: 2 });
    await blocker.query('commit');
    blocker.release();
    await Promise.all([first, second, bought, recorded]);
    expect((await profileOf('user:buyer')).revenue).toEqual({ EUR: '5' });
  });

  it('goes with the profile when it is erased', async () => {
    await api.batch([{ type: 'page', userId: 'erased' }]);
    await decide({ userId: 'erased', record: true });
    const { body } = await api.call('POST', '/v1/regulations', {
      body: { type: 'delete', ids: ['user:erased'] },
    });
    await api.worker.tick();
    const { body: done } = await api.get(`/v1/regulations/${body.id}`);
    expect(done.subjects[0]).toMatchObject({ status: 'done', deleted: { events: 2 }, left: { events: 0 } });
    expect((await decide({ userId: 'erased', record: true })).recorded.isStored).toBe(false);
  });
});

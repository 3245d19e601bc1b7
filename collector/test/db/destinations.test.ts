import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { changeWorkspace } from '../../src/db/connect';
import { type Answer, type Api, METRICS_TOKEN, openApi } from '../support/api';
import { answer, expectSignedBy, membersBy, openReceiver, type Receiver } from '../support/receiver';

const NOW = new Date('2026-06-15T12:00:00.000Z');
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

let api: Api;
let receiver: Receiver;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  api.clock.now = NOW;
  receiver = await openReceiver();
});
afterEach(async () => {
  await changeWorkspace(api.db, api.workspaceId, (transaction) =>
    transaction.deleteFrom('destination').execute(),
  );
  await receiver.close();
});

const pass = (ms: number) => (api.clock.now = new Date(api.clock.now.getTime() + ms));

/** Tried at both ends of a day. */
async function giveUp(): Promise<void> {
  await api.worker.tick();
  pass(24 * HOUR_MS);
  await api.worker.tick();
}

async function post(path: string, body?: object, status = 201): Promise<Answer['body']> {
  const answered = await api.call('POST', path, body && { body });
  expect([path, answered.status, answered.body.error?.code]).toEqual([path, status, undefined]);
  return answered.body;
}

/** An audience of those whom the test lists. */
async function listed(...names: readonly string[]): Promise<{ key: string; put: typeof put }> {
  const key = `list-${randomUUID().slice(0, 8)}`;
  await post('/v1/audiences', { name: key, key, ids: [] });
  const put = async (...users: readonly string[]): Promise<void> => {
    if (users.length > 0) await api.batch(users.map((userId) => ({ type: 'identify', userId })));
    const body = { ids: users.map((userId) => `user:${userId}`) };
    const { status } = await api.call('PUT', `/v1/audiences/${key}/members`, { body });
    expect(status).toBe(200);
  };
  if (names.length > 0) await put(...names);
  return { key, put };
}

async function connect(audiences: readonly string[], more: object = {}): Promise<Answer['body']> {
  return post('/v1/destinations', { name: `To ${randomUUID()}`, url: receiver.url, audiences, ...more });
}

const users = (...names: readonly string[]) => {
  const suffix = randomUUID().slice(0, 8);
  return names.map((name) => `${name}-${suffix}`);
};
const told = () =>
  receiver.received.map(({ changes }) => changes.map(({ change, userId }) => `${userId} ${change}`));
const show = async (id: string) => (await api.get(`/v1/destinations/${id}`)).body;
const logOf = async (id: string, query = '') =>
  (await api.get(`/v1/destinations/${id}/deliveries${query}`)).body.data;

describe('a change of members', () => {
  it('reaches a destination signed, with who it is and what led to it', async () => {
    const [ann] = users('ann') as [string];
    const { key, put } = await listed();
    const { secret, id, key: destination } = await connect([key]);
    await put(ann);
    await api.worker.tick();
    expect(receiver.received).toHaveLength(1);
    const [seen] = receiver.received as [(typeof receiver.received)[0]];
    expectSignedBy(seen, [secret]);
    expect(JSON.parse(seen.text)).toEqual({
      type: 'audience.changed',
      timestamp: NOW.toISOString(),
      data: {
        destination,
        isTest: false,
        changes: [
          {
            ...{ id: '1', audience: key, change: 'entered', at: NOW.toISOString(), cause: 'list' },
            ...{
              isBackfill: false,
              profileId: expect.any(String),
              userId: ann,
              email: null,
              anonymousId: null,
            },
          },
        ],
      },
    });
    await put();
    await api.worker.tick();
    expect(told()).toEqual([[`${ann} entered`], [`${ann} exited`]]);
    await api.worker.tick();
    expect(receiver.received).toHaveLength(2);
    expect(await show(id)).toMatchObject({ waiting: 0, dead: 0, lastAttempt: { status: 204, error: null } });
  });

  it('is sent with others, or alone where that is wanted', async () => {
    const names = users('a', 'b', 'c');
    const { key, put } = await listed();
    await connect([key], { batchSize: 2 });
    await connect([key], { batchSize: 1 });
    await put(...names);
    await api.worker.tick();
    const sizes = receiver.received.map(({ changes }) => changes.length).sort();
    expect(sizes).toEqual([1, 1, 1, 1, 2]);
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(5);
  });

  it('of several audiences comes in one request, of which each has its turn to be first', async () => {
    const [one, other] = [await listed(), await listed()];
    await connect([one.key, other.key], { batchSize: 3, backfill: false });
    await one.put(...users('a', 'b', 'c', 'd', 'e'));
    await other.put(...users('f', 'g'));
    await api.worker.tick();
    const keys = receiver.received.map(({ changes }) => [
      ...new Set(changes.map(({ audience }) => audience)),
    ]);
    expect(receiver.received.map(({ changes }) => changes.length)).toEqual([3, 3, 1]);
    // Neither waited for the end of the other.
    expect(keys.slice(0, 2).flat()).toEqual(expect.arrayContaining([one.key, other.key]));
  });

  it('of 10,000 at once all come, each once', async () => {
    const { key } = await listed();
    await connect([key]);
    await changeWorkspace(api.db, api.workspaceId, async (transaction) => {
      const { audience_id: audienceId } = await transaction
        .selectFrom('audience')
        .select('audience_id')
        .where('key', '=', key)
        .executeTakeFirstOrThrow();
      for (let first = 1; first <= 10_000; first += 1000) {
        await transaction
          .insertInto('audience_change')
          .values(
            Array.from({ length: 1000 }, (_, index) => ({
              ...{ workspace_id: api.workspaceId, audience_id: audienceId, change_no: first + index },
              ...{ profile_id: randomUUID(), change: 'entered' as const, at: NOW, cause: 'list' },
            })),
          )
          .execute();
      }
      await transaction
        .updateTable('audience')
        .set({ last_change: 10_000 })
        .where('audience_id', '=', audienceId)
        .execute();
    });
    await api.worker.tick();
    const ids = receiver.received.flatMap(({ changes }) => changes.map(({ id }) => Number(id)));
    expect(receiver.received).toHaveLength(20);
    expect(ids).toEqual(Array.from({ length: 10_000 }, (_, index) => index + 1));
  });
});

describe('connecting', () => {
  it('sends those who are members by then, flagged, and from that moment on what changes', async () => {
    const [ann, bob, eve] = users('ann', 'bob', 'eve') as [string, string, string];
    const { key, put } = await listed(ann, bob);
    const { id } = await connect([key], { batchSize: 1 });
    expect((await show(id)).audiences).toMatchObject([{ key, isBackfilling: true, behind: 0 }]);
    // Before any of it is sent: one leaves, one comes.
    await put(bob, eve);
    await api.worker.tick();
    const sent = receiver.received.flatMap(({ changes }) =>
      changes.map(({ change, userId, isBackfill }) => `${userId} ${change}${isBackfill ? ' before' : ''}`),
    );
    expect(sent.slice(0, 2).sort()).toEqual([`${ann} entered before`, `${bob} entered before`]);
    expect(sent.slice(2).sort()).toEqual([`${ann} exited`, `${eve} entered`]);
    expect((await show(id)).audiences).toMatchObject([{ isBackfilling: false, behind: 0 }]);
  });

  it('while members come and go at the same moment misses none of it, and ends with the members', async () => {
    const names = users('a', 'b', 'c', 'd', 'e');
    const { key, put } = await listed(...names.slice(0, 2));
    await api.batch(names.map((userId) => ({ type: 'identify', userId })));
    const goOn = async () => {
      for (let round = 0; round < 6; round += 1)
        await put(...names.filter((_, index) => (index + round) % 3 > 0));
    };
    const connectAgain = async () => {
      for (let round = 0; round < 3; round += 1) {
        await connect([key], { batchSize: 2, key: `during-${round}-${key}` });
        await api.worker.tick();
      }
    };
    await Promise.all([goOn(), connectAgain()]);
    await api.worker.tick();
    const { body } = await api.get(`/v1/audiences/${key}/members`);
    const expected = body.data.map(({ profileId }: { profileId: string }) => `${key} ${profileId}`).sort();
    expect(expected).toHaveLength(3);
    for (const destination of [0, 1, 2].map((round) => `during-${round}-${key}`)) {
      const received = receiver.received.filter(({ text }) =>
        text.includes(`"destination":"${destination}"`),
      );
      expect(received.length).toBeGreaterThan(0);
      expect(membersBy(received)).toEqual(expected);
    }
  });

  it('without back-fill sends only what is to come', async () => {
    const [ann, bob] = users('ann', 'bob') as [string, string];
    const { key, put } = await listed(ann);
    await connect([key], { backfill: false });
    await put(ann, bob);
    await api.worker.tick();
    expect(told()).toEqual([[`${bob} entered`]]);
  });

  it('to one more audience sends its members; of one that is taken away nothing more', async () => {
    const [ann, bob] = users('ann', 'bob') as [string, string];
    const [first, second] = [await listed(ann), await listed(bob)];
    const { id } = await connect([first.key], { backfill: false });
    await api.call('PATCH', `/v1/destinations/${id}`, { body: { audiences: [second.key] } });
    await first.put();
    await api.worker.tick();
    expect(told()).toEqual([[`${bob} entered`]]);
  });
});

describe('a receiver that fails', () => {
  it('is what the next attempt waits for, not one that is answering its first', async () => {
    const { key } = await listed(...users('ann'));
    const { id } = await connect([key]);
    const seen: unknown[] = [];
    receiver.react = (_received, response) =>
      void (async () => {
        seen.push((await show(id)).waiting);
        response.writeHead(500).end();
      })();
    await api.worker.tick();
    seen.push((await show(id)).waiting);
    expect(seen).toEqual([0, 1]);
  });

  it('is sent the same again, with the same ID, and nothing before that', async () => {
    const [ann, bob] = users('ann', 'bob') as [string, string];
    const { key, put } = await listed();
    const { id } = await connect([key]);
    receiver.react = answer(500, {}, 'out of order');
    await put(ann);
    await api.worker.tick();
    await put(ann, bob);
    await api.worker.tick();
    expect(told()).toEqual([[`${ann} entered`]]);
    expect(await show(id)).toMatchObject({ waiting: 1, lastAttempt: { status: 500 } });
    const [waiting] = await logOf(id, '?state=waiting');
    expect(waiting).toMatchObject({ attempts: 1, lastAttempt: { excerpt: 'out of order' } });
    expect(Date.parse(waiting.nextAttemptAt)).toBeGreaterThan(NOW.getTime());
    receiver.react = answer(200);
    pass(MINUTE_MS);
    await api.worker.tick();
    expect(told()).toEqual([[`${ann} entered`], [`${ann} entered`], [`${bob} entered`]]);
    const [one, again, next] = receiver.received.map((seen) => seen.id);
    expect([again === one, next === one]).toEqual([true, false]);
    const { body } = await api.get(`/v1/destinations/${id}/deliveries/${one}/attempts`);
    expect(body.data.map(({ status }: { status: number }) => status)).toEqual([500, 200]);
  });

  it('for an hour is tried a few times, and then gets all of it in order', async () => {
    const { key, put } = await listed();
    await connect([key], { batchSize: 1 });
    receiver.react = answer(503);
    const names = users('a', 'b', 'c');
    for (const [index] of names.entries()) await put(...names.slice(0, index + 1));
    for (let minutes = 0; minutes < 60; minutes += 5) {
      await api.worker.tick();
      pass(5 * MINUTE_MS);
    }
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1);
    expect(receiver.received.length).toBeGreaterThan(4);
    expect(receiver.received.length).toBeLessThan(12);
    receiver.received.length = 0;
    receiver.react = answer(200);
    pass(HOUR_MS);
    await api.worker.tick();
    expect(told().flat()).toEqual(names.map((name) => `${name} entered`));
  });

  it('for a day has a dead letter, and goes on with the next; the letter is sent again when somebody says so', async () => {
    const [ann, bob] = users('ann', 'bob') as [string, string];
    const { key, put } = await listed();
    const { id } = await connect([key], { batchSize: 1 });
    await put(ann);
    receiver.react = answer(404);
    await giveUp();
    expect(await show(id)).toMatchObject({ waiting: 0, dead: 1 });
    const [dead] = await logOf(id, '?state=dead');
    expect(dead.attempts).toBe(2);
    receiver.received.length = 0;
    receiver.react = answer(204);
    await put(ann, bob);
    await api.worker.tick();
    expect(told()).toEqual([[`${bob} entered`]]);
    expect(await post(`/v1/destinations/${id}/replay`, undefined, 200)).toEqual({ replayed: 1 });
    await api.worker.tick();
    expect(told()).toEqual([[`${bob} entered`], [`${ann} entered`]]);
    expect(receiver.received[1]!.id).toBe(dead.id);
    expect(await show(id)).toMatchObject({ waiting: 0, dead: 0 });
    const again = await api.call('POST', `/v1/destinations/${id}/deliveries/${dead.id}/replay`);
    expect(again.status).toBe(404);
  });

  it('is not told again what is older than what it knows by then', async () => {
    const [ann, bob] = users('ann', 'bob') as [string, string];
    const { key, put } = await listed();
    const { id } = await connect([key]);
    await put(ann, bob);
    receiver.react = answer(404);
    await giveUp();
    receiver.react = answer(204);
    receiver.received.length = 0;
    await put(bob);
    await api.worker.tick();
    const [dead] = await logOf(id, '?state=dead');
    await post(`/v1/destinations/${id}/deliveries/${dead.id}/replay`, undefined, 200);
    await api.worker.tick();
    expect(told()).toEqual([[`${ann} exited`], [`${bob} entered`]]);
  });

  it('says how long to wait, and is left alone for so long, within bounds', async () => {
    const { key, put } = await listed(...users('ann'));
    const { id } = await connect([key]);
    receiver.react = answer(429, { 'retry-after': '1800' });
    await api.worker.tick();
    expect((await logOf(id))[0].nextAttemptAt).toBe(new Date(NOW.getTime() + 30 * MINUTE_MS).toISOString());
    pass(30 * MINUTE_MS);
    receiver.react = answer(503, { 'retry-after': '99999999' });
    await api.worker.tick();
    expect((await logOf(id))[0].nextAttemptAt).toBe(
      new Date(NOW.getTime() + 30 * MINUTE_MS + 6 * HOUR_MS).toISOString(),
    );
    await put();
  });

  it('says that it is gone, and is sent nothing until somebody makes it active', async () => {
    const [ann] = users('ann') as [string];
    const { key } = await listed(ann);
    const { id } = await connect([key]);
    receiver.react = answer(410);
    await api.worker.tick();
    pass(HOUR_MS);
    await api.worker.tick();
    expect(receiver.received).toHaveLength(1);
    expect((await show(id)).state).toBe('gone');
    receiver.react = answer(200);
    await api.call('PATCH', `/v1/destinations/${id}`, { body: { state: 'active' } });
    await api.worker.tick();
    expect(told()).toEqual([[`${ann} entered`], [`${ann} entered`]]);
  });

  it('redirects, or answers without end: the one is a failure, the other what its status says', async () => {
    const { key, put } = await listed(...users('ann'));
    const { id } = await connect([key]);
    receiver.react = answer(302, { location: receiver.url.replace('/hook', '/elsewhere') });
    await api.worker.tick();
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hook']);
    expect((await show(id)).lastAttempt).toMatchObject({ status: 302, error: 'Redirects are not followed.' });
    receiver.react = (_seen, response) => {
      response.writeHead(200);
      const pour = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', pour);
      pour();
    };
    pass(HOUR_MS);
    await api.worker.tick();
    expect((await show(id)).lastAttempt).toMatchObject({ status: 200 });
    expect((await logOf(id))[0].lastAttempt.excerpt).toBe('x'.repeat(1000));
    await put();
  });

  it('hangs up before its answer', async () => {
    const { key } = await listed(...users('ann'));
    const { id } = await connect([key]);
    receiver.react = (_seen, response) => response.destroy();
    await api.worker.tick();
    expect((await show(id)).lastAttempt).toMatchObject({
      ...{ status: null, error: 'The request failed (ECONNRESET).' },
    });
  });
});

describe('a destination', () => {
  it('is paused without losing anything, and goes on where it was', async () => {
    const [ann, bob] = users('ann', 'bob') as [string, string];
    const { key, put } = await listed();
    const { id } = await connect([key]);
    await api.call('PATCH', `/v1/destinations/${id}`, { body: { state: 'paused' } });
    await put(ann);
    await put(ann, bob);
    await api.worker.tick();
    expect(receiver.received).toEqual([]);
    expect((await show(id)).audiences[0].behind).toBe(2);
    await api.call('PATCH', `/v1/destinations/${id}`, { body: { state: 'active' } });
    await api.worker.tick();
    expect(told().flat()).toEqual([`${ann} entered`, `${bob} entered`]);
  });

  it('has two secrets while one is changed, and each request a signature of both', async () => {
    const { key, put } = await listed(...users('ann'));
    const { id, secret, secrets } = await connect([key]);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const added = await post(`/v1/destinations/${id}/secrets`);
    const third = await api.call('POST', `/v1/destinations/${id}/secrets`);
    expect([third.status, third.body.error.code]).toEqual([409, 'secrets_full']);
    await api.worker.tick();
    expectSignedBy(receiver.received[0]!, [secret, added.secret]);
    await api.call('DELETE', `/v1/destinations/${id}/secrets/${secrets[0].id}`);
    await put();
    await api.worker.tick();
    expectSignedBy(receiver.received[1]!, [added.secret]);
    const last = await api.call('DELETE', `/v1/destinations/${id}/secrets/${added.id}`);
    expect([last.status, last.body.error.code]).toEqual([409, 'last_secret']);
    expect(JSON.stringify(await show(id))).not.toContain('whsec_');
  });

  it('is tested at once: the answer says what the receiver said', async () => {
    const { key } = await listed();
    const { id, secret } = await connect([key], { state: 'paused' });
    receiver.react = answer(200, {}, 'thank you');
    expect(await post(`/v1/destinations/${id}/test`, undefined, 200)).toMatchObject({
      ...{ isDelivered: true, status: 200, excerpt: 'thank you', error: null },
    });
    expectSignedBy(receiver.received[0]!, [secret]);
    expect(receiver.received[0]!.isTest).toBe(true);
    receiver.react = answer(401);
    expect(await post(`/v1/destinations/${id}/test`, undefined, 200)).toMatchObject({
      ...{ isDelivered: false, status: 401 },
    });
    expect(await logOf(id)).toEqual([]);
  });

  it('is deleted while it is sent to, and nothing comes after that', async () => {
    const { key, put } = await listed(...users('ann'));
    const { id } = await connect([key]);
    receiver.react = (_seen, response) => {
      void api.call('DELETE', `/v1/destinations/${id}`).then(() => response.writeHead(500).end());
    };
    await api.worker.tick();
    await put();
    pass(HOUR_MS);
    await api.worker.tick();
    expect(receiver.received).toHaveLength(1);
    expect((await api.get(`/v1/destinations/${id}`)).status).toBe(404);
    // Its log goes with the next tidying up.
    pass(3 * 24 * HOUR_MS);
    await api.worker.tick();
    const left = await changeWorkspace(api.db, api.workspaceId, (transaction) =>
      transaction.selectFrom('delivery').selectAll().where('destination_id', '=', id).execute(),
    );
    expect(left).toEqual([]);
  });

  it('goes on with its other audiences when one is deleted, and sends nothing more of that', async () => {
    const [ann, bob] = users('ann', 'bob') as [string, string];
    const [kept, lost] = [await listed(ann), await listed(bob)];
    const { id } = await connect([kept.key, lost.key]);
    receiver.react = answer(500);
    await api.worker.tick();
    await api.call('DELETE', `/v1/audiences/${lost.key}`);
    receiver.react = answer(200);
    pass(HOUR_MS);
    await api.worker.tick();
    expect(told().map((each) => each.sort())).toEqual([
      [`${ann} entered`, `${bob} entered`],
      [`${ann} entered`],
    ]);
    expect((await show(id)).audiences).toMatchObject([{ key: kept.key }]);
    expect((await show(id)).waiting).toBe(0);
  });

  it('is refused with a key that is taken, an audience that is not there, or an address that is not allowed', async () => {
    const { key } = await listed();
    const { key: taken } = await connect([key]);
    const refused = async (body: object) => {
      const { status, body: said } = await api.call('POST', '/v1/destinations', {
        body: { name: 'X', url: receiver.url, audiences: [key], ...body },
      });
      return [status, said.error.code];
    };
    expect(await refused({ key: taken })).toEqual([409, 'key_taken']);
    expect(await refused({ audiences: ['nowhere'] })).toEqual([404, 'not_found']);
    expect(await refused({ audiences: [] })).toEqual([400, 'invalid_request']);
    expect(await refused({ batchSize: 501 })).toEqual([400, 'invalid_request']);
    for (const url of ['http://example.com', 'https://10.0.0.1/', 'https://user:pw@example.com', 'nonsense'])
      expect([url, ...(await refused({ url }))]).toEqual([url, 400, 'invalid_request']);
  });

  it('keeps its log for 30 days', async () => {
    const { key, put } = await listed(...users('ann'));
    const { id } = await connect([key]);
    await api.worker.tick();
    await put();
    pass(20 * 24 * HOUR_MS);
    await api.worker.tick();
    expect(await logOf(id)).toHaveLength(2);
    pass(11 * 24 * HOUR_MS);
    await api.worker.tick();
    expect(await logOf(id)).toHaveLength(1);
  });
});

describe('the metrics', () => {
  it('say what was delivered, and for how long something waits', async () => {
    const { key } = await listed(...users('ann'));
    const { id } = await connect([key]);
    const read = async () => {
      const headers = { authorization: `Bearer ${METRICS_TOKEN}` };
      const text = (await api.call('GET', '/metrics', { headers })).body as string;
      const valueOf = (name: string) =>
        Number(new RegExp(`^throughline_deliveries_${name} (.*)$`, 'm').exec(text)?.[1]);
      return {
        delivered: valueOf('delivered'),
        failed: valueOf('failed'),
        oldest: valueOf('oldest_waiting_seconds'),
      };
    };
    const before = await read();
    receiver.react = answer(500);
    await api.worker.tick();
    // Its delivery was made at NOW, and is not tried again so soon.
    pass(1000);
    await api.worker.tick();
    expect(await read()).toEqual({ delivered: before.delivered, failed: before.failed + 1, oldest: 1 });
    await api.call('PATCH', `/v1/destinations/${id}`, { body: { state: 'paused' } });
    await api.worker.tick();
    expect((await read()).oldest).toBe(0);
    await api.call('PATCH', `/v1/destinations/${id}`, { body: { state: 'active' } });
    receiver.react = answer(200);
    pass(MINUTE_MS);
    await api.worker.tick();
    expect(await read()).toEqual({ delivered: before.delivered + 1, failed: before.failed + 1, oldest: 0 });
  });

  it('and /health say what waits, since when, and what was given up within a day, to whoever asks', async () => {
    const deliveries = async () => {
      const { status, body } = await api.call('GET', '/health', { headers: {} });
      expect(status).toBe(200);
      return body.deliveries;
    };
    const { key } = await listed(...users('ann'));
    const { id } = await connect([key]);
    receiver.react = answer(500);
    await api.worker.tick();
    pass(1000);
    await api.worker.tick();
    const late = await deliveries();
    expect(late).toEqual({
      ...{ waiting: 1, oldestAgeMs: 1000, deadOfLastDay: 0 },
      ...{ delivered: expect.any(Number), failed: expect.any(Number) },
      lookedAt: api.clock.now.toISOString(),
    });
    await giveUp();
    expect(await deliveries()).toMatchObject({ waiting: 0, oldestAgeMs: null, deadOfLastDay: 1 });
    const metrics = await api.call('GET', '/metrics', {
      headers: { authorization: `Bearer ${METRICS_TOKEN}` },
    });
    expect(metrics.body).toMatch(/^throughline_deliveries_dead_of_last_day 1$/m);
    pass(24 * HOUR_MS);
    await api.worker.tick();
    expect(await deliveries()).toMatchObject({ deadOfLastDay: 0 });
    expect(await show(id)).toMatchObject({ dead: 1 });
  });
});

describe('what came', () => {
  it('comes to the members', async () => {
    const [ann, bob, eve] = users('ann', 'bob', 'eve') as [string, string, string];
    const { key, put } = await listed(ann, bob);
    await connect([key], { batchSize: 1 });
    await put(bob, eve);
    await api.worker.tick();
    await put(ann, eve);
    await api.worker.tick();
    const { body } = await api.get(`/v1/audiences/${key}/members`);
    expect(membersBy(receiver.received)).toEqual(
      body.data.map(({ profileId }: { profileId: string }) => `${key} ${profileId}`).sort(),
    );
  });
});

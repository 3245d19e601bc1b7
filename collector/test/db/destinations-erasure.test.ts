import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../src/logger';
import { createWorker } from '../../src/worker';
import { type Api, openApi } from '../support/api';
import { everythingOf } from '../support/everything';
import { answer, openReceiver, type Receiver } from '../support/receiver';

const HOUR_MS = 3_600_000;

let api: Api;
let receiver: Receiver;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  receiver = await openReceiver();
});
afterEach(() => receiver.close());

const later = (hours = 1) => (api.clock.now = new Date(api.clock.now.getTime() + hours * HOUR_MS));

async function call(method: string, path: string, body?: object) {
  const answered = await api.call(method, path, body && { body });
  expect([method, path, answered.status < 300]).toEqual([method, path, true]);
  return answered.body;
}

/** Somebody with an email who is a member, and a destination that follows. */
async function member(more: object = {}) {
  const user = `user-${randomUUID()}`;
  const email = `${user}@example.com`;
  await api.batch([{ type: 'identify', userId: user, traits: { email } }]);
  const { key } = await call('POST', '/v1/audiences', {
    name: `List ${randomUUID()}`,
    ids: [`user:${user}`],
  });
  const { id } = await call('POST', '/v1/destinations', {
    ...{ name: `To ${randomUUID()}`, url: receiver.url, audiences: [key], ...more },
  });
  const erase = () => call('POST', '/v1/regulations', { type: 'delete', ids: [`user:${user}`] });
  return { user, email, key: key as string, id: id as string, erase };
}

describe('somebody who is erased', () => {
  it('is not in what was waiting, and exits by their ID alone', async () => {
    const { user, email, erase, key } = await member();
    receiver.react = answer(500);
    await api.worker.tick();
    expect(receiver.received.at(-1)!.text).toContain(email);
    const { profileId } = receiver.received.at(-1)!.changes[0]!;
    await erase();
    await api.worker.tick();
    receiver.received.length = 0;
    receiver.react = answer(204);
    later();
    await api.worker.tick();
    expect(receiver.received.flatMap(({ changes }) => changes)).toEqual([
      {
        ...{ id: expect.any(String), audience: key, change: 'exited', at: expect.any(String) },
        ...{ cause: expect.any(String), isBackfill: false, profileId },
        ...{ userId: null, email: null, anonymousId: null },
      },
    ]);
    expect(receiver.received.map(({ text }) => text).join()).not.toContain(user);
  });

  it('exits by their ID alone also where the same device is known again', async () => {
    const device = `device-${randomUUID()}`;
    await api.batch([{ type: 'page', anonymousId: device }]);
    const { key } = await call('POST', '/v1/audiences', {
      ...{ name: `List ${device}`, ids: [`anonymous:${device}`] },
    });
    await call('POST', '/v1/destinations', {
      ...{ name: `To ${device}`, url: receiver.url, audiences: [key], state: 'paused' },
    });
    await call('POST', '/v1/regulations', { type: 'delete', ids: [`anonymous:${device}`] });
    await api.worker.tick();
    later();
    await api.batch([{ type: 'page', anonymousId: device }]);
    expect((await api.get(`/v1/profiles/anonymous:${device}`)).status).toBe(200);
    const { data } = await call('GET', '/v1/destinations?limit=1');
    await call('PATCH', `/v1/destinations/${data[0].id}`, { state: 'active' });
    await api.worker.tick();
    expect(receiver.received.flatMap(({ changes }) => changes)).toMatchObject([
      ...[{ change: 'exited', cause: 'erasure', userId: null, email: null, anonymousId: null }],
    ]);
  });

  it('is in no dead letter that is sent again', async () => {
    const { email, id, erase } = await member();
    receiver.react = answer(404);
    await api.worker.tick();
    later(24);
    await api.worker.tick();
    expect((await call('GET', `/v1/destinations/${id}`)).dead).toBe(1);
    await erase();
    await api.worker.tick();
    receiver.received.length = 0;
    receiver.react = answer(204);
    await call('POST', `/v1/destinations/${id}/replay`);
    later();
    await api.worker.tick();
    expect(receiver.received.map(({ text }) => text).join()).not.toContain(email);
    expect(await call('GET', `/v1/destinations/${id}`)).toMatchObject({ waiting: 0, dead: 0 });
  });

  it('stands in no answer that is kept, though a receiver repeats what it was sent', async () => {
    const { user, id, erase } = await member();
    receiver.react = ({ text }, response) => void response.writeHead(200).end(text);
    await api.worker.tick();
    const { data } = await call('GET', `/v1/destinations/${id}/deliveries`);
    expect(data[0].lastAttempt.excerpt).toContain(user);
    await erase();
    await api.worker.tick();
    expect(await everythingOf(api.db, api.workspaceId)).not.toContain(user);
    const { data: after } = await call('GET', `/v1/destinations/${id}/deliveries`);
    const sent = after.find((delivery: { id: string }) => delivery.id === data[0].id);
    expect(sent.lastAttempt).toMatchObject({ status: 200, excerpt: null });
  });

  it('while a request is under way stands in no answer either', async () => {
    const { user, id, erase } = await member();
    receiver.react = ({ text }, response) => {
      // The erasure is done before the answer comes.
      void erase()
        .then(() => other.tick())
        .then(() => response.writeHead(200).end(text));
    };
    const other = createWorker({ db: api.db, now: () => api.clock.now, log: createLogger('silent') });
    await api.worker.tick();
    await other.close();
    const { data } = await call('GET', `/v1/destinations/${id}/deliveries`);
    const sent = data.find((delivery: { id: string }) => delivery.id === receiver.received[0]!.id);
    expect(sent).toMatchObject({ state: 'delivered', lastAttempt: { status: 200, excerpt: null } });
    expect(receiver.received[0]!.text).toContain(user);
    expect(await everythingOf(api.db, api.workspaceId)).not.toContain(user);
  });
});

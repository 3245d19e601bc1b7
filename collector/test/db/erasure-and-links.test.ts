import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeEach(async () => {
  api = await openApi();
});
afterEach(() => api.close());

const said = (type: string, more: object) => ({ type, messageId: randomUUID(), ...more });

/** Each a minute after the other. */
async function send(...items: object[]): Promise<void> {
  for (const item of items) {
    api.clock.now = new Date(api.clock.now.getTime() + 60_000);
    expect((await api.batch([item])).body).toMatchObject({ accepted: 1, rejected: [] });
  }
}

async function post(path: string, body: object) {
  const answer = await api.call('POST', path, { body });
  expect(answer.status).toBe(201);
  return answer.body;
}

async function erase(id: string): Promise<void> {
  const { id: job } = await post('/v1/regulations', { type: 'delete', ids: [id] });
  for (let status = 'pending'; status !== 'done';) {
    await api.worker.tick();
    status = (await api.get(`/v1/regulations/${job}`)).body.status;
  }
}

async function eventsOf(reference: string): Promise<number | null> {
  const { status, body } = await api.get(`/v1/profiles/${reference}`);
  return status === 404 ? null : body.events;
}

describe('an email that was erased, taken in again, and claimed by somebody else', () => {
  const traits = { email: 'desk@x.test' };
  const read = said('page', { anonymousId: 'phone' });
  beforeEach(async () => {
    await send(said('identify', { userId: 'gone', traits }));
    await erase('user:gone');
    await post('/v1/regulations', { type: 'unsuppress', ids: ['email:desk@x.test'] });
    await send(
      said('identify', { userId: 'other', traits }),
      said('identify', { anonymousId: 'phone', traits }),
      read,
      said('page', { userId: 'third' }),
    );
  });

  it('goes with them, and with its devices, where they are linked, and comes back', async () => {
    expect(await eventsOf('user:other')).toBe(3);
    await post('/v1/profiles/link', { source: 'user:other', target: 'user:third' });
    expect([await eventsOf('user:third'), await eventsOf('user:other')]).toEqual([4, 4]);
    const { status } = await api.call('DELETE', '/v1/profiles/link?source=user:other&target=user:third');
    expect(status).toBe(204);
    expect([await eventsOf('user:third'), await eventsOf('user:other')]).toEqual([1, 3]);
  });

  it('is theirs by their claim, which is told', async () => {
    const { body } = await api.get(`/v1/profiles/user:other/why/${read.messageId}`);
    expect(body.steps).toMatchObject([
      { rule: 'latest_claim', to: { value: 'desk@x.test' } },
      { rule: 'first_user', to: { value: 'other' }, claim: { userId: 'other' } },
    ]);
  });
});

describe('a device that had too many owners', () => {
  it('stays one when two of them, who were linked, are erased together; and that is told', async () => {
    const users = ['one', 'two', ...Array.from({ length: 49 }, (_, index) => `user-${index}`)];
    await send(...users.map((userId) => said('identify', { userId, anonymousId: 'kiosk' })));
    await post('/v1/profiles/link', { source: 'user:one', target: 'user:two' });
    await erase('user:two');
    expect([await eventsOf('user:one'), await eventsOf('user:two')]).toEqual([null, null]);
    const stranger = said('page', { anonymousId: 'kiosk' });
    await send(stranger, said('identify', { userId: 'user-48', anonymousId: 'kiosk' }));
    await send(said('page', { anonymousId: 'kiosk' }));
    expect([await eventsOf('anonymous:kiosk'), await eventsOf('user:user-48')]).toEqual([2, 2]);
    const { body } = await api.get(`/v1/profiles/anonymous:kiosk/why/${stranger.messageId}`);
    expect(body.steps).toMatchObject([{ rule: 'kiosk', claim: { userId: 'user-48' } }]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const at = (minute: number) =>
  new Date(Date.parse('2026-06-15T10:00:00.000Z') + minute * 60_000).toISOString();
const identify = (minute: number, traits: object, more: object = {}) => ({
  ...{ type: 'identify', timestamp: at(minute), traits, ...more },
});
const traits = async (reference: string) => (await api.get(`/v1/profiles/${reference}`)).body.traits;

describe('a trait that is said once only', () => {
  it('stays as it was first said, whichever arrives first', async () => {
    const early = identify(1, { $once: { found: 'ad' } }, { userId: 'ann' });
    const late = identify(2, { $once: { found: 'friend', size: { eu: 38 } } }, { userId: 'ann' });
    await api.batch([late]);
    await api.batch([early]);
    await api.batch([early, late]);
    expect(await traits('user:ann')).toEqual({ found: 'ad', size: { eu: 38 } });
  });

  it('of equal times is that of the lesser message ID', async () => {
    const said = (last: string, found: string) =>
      identify(
        1,
        { $once: { found } },
        { userId: 'eve', messageId: `00000000-0000-4000-8000-00000000000${last}` },
      );
    await api.batch([said('2', 'second')]);
    await api.batch([said('1', 'first')]);
    await api.batch([said('3', 'third')]);
    expect(await traits('user:eve')).toEqual({ found: 'first' });
  });

  it('gives way to one that is said otherwise, also to its removal', async () => {
    const once = identify(5, { $once: { plan: 'trial', city: 'Bern', found: 'ad' } }, { userId: 'bob' });
    await api.batch([identify(1, { plan: 'pro' }, { userId: 'bob' }), once]);
    await api.batch([identify(2, { city: null }, { userId: 'bob' })]);
    expect(await traits('user:bob')).toEqual({ plan: 'pro', found: 'ad' });
  });

  it('is not said by null, nor by what is no object, which is flagged', async () => {
    await api.batch([
      identify(1, { $once: { found: null } }, { userId: 'cat' }),
      identify(2, { $once: 'ad', '$once.found': 'forged' }, { userId: 'cat' }),
      identify(3, { $once: { found: 'friend' } }, { userId: 'cat' }),
    ]);
    expect(await traits('user:cat')).toEqual({ found: 'friend' });
  });

  it('goes with the history that it was said in', async () => {
    const device = { anonymousId: 'shared' };
    await api.batch([
      identify(1, { $once: { found: 'ad' } }, device),
      identify(2, {}, { ...device, userId: 'dan' }),
      identify(9, { $once: { found: 'friend', gift: true } }, device),
    ]);
    expect(await traits('user:dan')).toEqual({ found: 'ad', gift: true });
    await api.batch([identify(5, {}, { ...device, userId: 'fay' })]);
    expect(await traits('user:dan')).toEqual({ found: 'ad' });
    expect(await traits('user:fay')).toEqual({ found: 'friend', gift: true });
  });
});

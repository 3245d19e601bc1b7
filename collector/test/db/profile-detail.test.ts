import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeWorkspace } from '../../src/db/connect';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const at = (minute: number) =>
  new Date(Date.parse('2026-06-15T10:00:00.000Z') + minute * 60_000).toISOString();
const profile = async (reference: string) => (await api.get(`/v1/profiles/${reference}`)).body;
const identify = (minute: number, more: object) => ({ type: 'identify', timestamp: at(minute), ...more });

describe('an identifier', () => {
  beforeAll(async () => {
    await api.batch([
      { type: 'page', anonymousId: 'tablet', timestamp: at(0) },
      identify(1, { userId: 'ann', anonymousId: 'tablet', traits: { email: 'ann@example.com' } }),
      identify(10, { userId: 'bob', anonymousId: 'tablet' }),
      identify(20, { userId: 'ann', anonymousId: 'tablet' }),
      identify(21, { userId: 'ann', anonymousId: 'phone' }),
    ]);
  });

  it('is listed with the times at which it was theirs', async () => {
    const { identifiers, identifierCount } = await profile('user:ann');
    expect(identifierCount).toBe(4);
    expect(identifiers).toEqual([
      { kind: 'user', value: 'ann', intervals: [{ from: null, to: null }] },
      { kind: 'email', value: 'ann@example.com', intervals: [{ from: null, to: null }] },
      { kind: 'anonymous', value: 'phone', intervals: [{ from: null, to: null }] },
      {
        ...{ kind: 'anonymous', value: 'tablet' },
        intervals: [
          { from: null, to: at(10) },
          { from: at(20), to: null },
        ],
      },
    ]);
    expect((await profile('user:bob')).identifiers).toContainEqual({
      ...{ kind: 'anonymous', value: 'tablet' },
      intervals: [{ from: at(10), to: at(20) }],
    });
  });

  it('that belongs to somebody now answers with their profile, and says so', async () => {
    const ann = await profile('user:ann');
    expect(ann).toMatchObject({ requestedId: ann.id, redirected: false });
    for (const reference of ['anonymous:tablet', 'email:ann@example.com']) {
      const found = await profile(reference);
      expect(found).toMatchObject({ id: ann.id, redirected: true });
      expect(found.requestedId).not.toBe(ann.id);
      expect(await profile(found.requestedId)).toEqual(found);
    }
  });

  it('of several people is a warning on each of them', async () => {
    for (const userId of ['ann', 'bob']) {
      expect((await profile(`user:${userId}`)).warnings).toEqual([
        { code: 'shared_identifier', identifier: { kind: 'anonymous', value: 'tablet' }, profiles: 2 },
      ]);
    }
  });

  it('of a crowd is called a kiosk, on its own profile and on those who used it', async () => {
    await api.batch(
      Array.from({ length: 51 }, (_, index) =>
        identify(index, { userId: `guest-${index}`, anonymousId: 'lobby' }),
      ),
    );
    await api.batch([{ type: 'page', anonymousId: 'lobby', timestamp: at(59) }]);
    const warning = {
      code: 'kiosk_identifier',
      identifier: { kind: 'anonymous', value: 'lobby' },
      profiles: 51,
    };
    const kiosk = await profile('anonymous:lobby');
    expect(kiosk).toMatchObject({ userId: null, redirected: false, warnings: [warning] });
    expect(kiosk.identifiers).toEqual([
      { kind: 'anonymous', value: 'lobby', intervals: [{ from: at(50), to: null }] },
    ]);
    expect((await profile('user:guest-3')).warnings).toEqual([warning]);
  });
});

describe('what was mended in their events', () => {
  it('is told of a profile: how often, and when last, also of history that came with a sign-in', async () => {
    const sale = (minute: number, properties: object) => ({
      ...{ type: 'track', event: 'Order Completed', anonymousId: 'cart', timestamp: at(minute), properties },
    });
    await api.batch([
      sale(1, { revenue: -1 }),
      sale(2, { revenue: 'free' }),
      sale(3, {}),
      { type: 'page', userId: 'null', anonymousId: 'cart', timestamp: at(4) },
      identify(5, { userId: 'cat', anonymousId: 'cart' }),
    ]);
    await api.batch([{ type: 'page', anonymousId: 'cart', timestamp: '2020-01-01T00:00:00.000Z' }]);
    const { warnings, orders, revenue } = await profile('user:cat');
    expect({ orders, revenue }).toEqual({ orders: 3, revenue: {} });
    expect(warnings).toEqual([
      { code: 'invalid_amount', events: 2, lastAt: at(2) },
      { code: 'junk_userId', events: 1, lastAt: at(4) },
      { code: 'missing_amount', events: 1, lastAt: at(3) },
      { code: 'timestamp_clamped', events: 1, lastAt: expect.any(String) },
    ]);
  });
});

describe('asked for verbosely', () => {
  it('each trait says what was said, when, and by which event of which source', async () => {
    const device = { anonymousId: 'laptop' };
    await api.batch([
      identify(1, { ...device, messageId: 'before', traits: { plan: 'free', city: 'Bern' } }),
      identify(2, {
        ...device,
        messageId: 'sign-in',
        userId: 'dan',
        traits: { $once: { plan: 'trial', found: 'ad' } },
      }),
      identify(3, { userId: 'dan', messageId: 'moved', traits: { city: null } }),
    ]);
    const source = { id: expect.any(String), name: 'Website' };
    const { traits, traitDetails } = await profile('user:dan?verbose=true');
    expect(traits).toEqual({ plan: 'free', found: 'ad' });
    expect(traitDetails).toEqual([
      { trait: 'city', value: null, isOnce: false, isShown: false, at: at(3), messageId: 'moved', source },
      { trait: 'found', value: 'ad', isOnce: true, isShown: true, at: at(2), messageId: 'sign-in', source },
      { trait: 'plan', value: 'free', isOnce: false, isShown: true, at: at(1), messageId: 'before', source },
      {
        trait: 'plan',
        value: 'trial',
        isOnce: true,
        isShown: false,
        at: at(2),
        messageId: 'sign-in',
        source,
      },
    ]);
    expect(await profile('user:dan')).not.toHaveProperty('traitDetails');
    expect((await api.get('/v1/profiles/user:dan?verbose=perhaps')).status).toBe(400);
  });

  it('one whose event is gone has no source any more', async () => {
    await api.batch([identify(1, { userId: 'eve', traits: { plan: 'pro' } })]);
    await changeWorkspace(api.db, api.workspaceId, (transaction) =>
      sql`delete from event where workspace_id = ${api.workspaceId} and user_id = 'eve'`.execute(transaction),
    );
    expect((await profile('user:eve?verbose=true')).traitDetails).toMatchObject([
      { trait: 'plan', value: 'pro', at: at(1), source: null },
    ]);
  });
});

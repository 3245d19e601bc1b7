/** Who one browser's events belong to, as somebody sees it who asks over HTTP. Each case is a workspace of its own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';
import { at, bought, looked, signedIn } from '../support/calls';
import { afterAnyArrival, readProfiles } from '../support/shown-profiles';
import { addWorkspace } from '../support/workspaces';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const sofa = { anonymousId: 'sofa' };
const kim = { userId: 'kim', ...sofa };
const lee = { userId: 'lee', ...sofa };

describe('a visitor who signs in', () => {
  it('has what was done before, whether the identify arrives before, after or between its events, or with them in one batch', async () => {
    const profiles = await afterAnyArrival(api, [
      looked('before', 0, sofa),
      bought('bought before', 5, { ...sofa, revenue: 20.1 }),
      signedIn('signed in', 10, kim),
      looked('after', 15, sofa),
      bought('bought after', 20, { ...kim, revenue: 0.2 }),
    ]);
    expect(profiles).toEqual({
      'user:kim': {
        identifiers: ['anonymous:sofa', 'user:kim'],
        traits: {},
        pages: 2,
        orders: 2,
        revenue: { USD: '20.3' },
        timeline: ['before', 'bought before', 'signed in', 'after', 'bought after'],
      },
    });
  });

  it('on two browsers is one profile with the history of both', async () => {
    const phone = { anonymousId: 'phone' };
    const profiles = await afterAnyArrival(api, [
      looked('on the sofa', 0, sofa),
      looked('on the phone', 1, phone),
      signedIn('signed in on the sofa', 10, kim),
      signedIn('signed in on the phone', 11, { userId: 'kim', ...phone }),
    ]);
    expect(Object.keys(profiles)).toEqual(['user:kim']);
    expect(profiles['user:kim']!.timeline.slice(0, 2)).toEqual(['on the sofa', 'on the phone']);
  });

  it('twice at once by the same call counts once, by two equal calls twice; it is one profile either way', async () => {
    const workspace = await addWorkspace(api);
    await workspace.send([looked('before', 0, sofa)]);
    const once = signedIn('once', 10, kim);
    const answers = await Promise.all([
      ...Array.from({ length: 10 }, () => workspace.send([once])),
      workspace.send([{ ...once, messageId: 'and again' }]),
    ]);
    expect(answers.map(({ accepted }) => accepted).sort()).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    const profiles = await readProfiles(workspace);
    expect(Object.keys(profiles)).toEqual(['user:kim']);
    expect([...profiles['user:kim']!.timeline].sort()).toEqual(['and again', 'before', 'once']);
  });

  it('is answered for by the ID that the visitor had', async () => {
    const workspace = await addWorkspace(api);
    await workspace.send([looked('before', 0, sofa)]);
    const { id: before } = await workspace.get('/v1/profiles/anonymous:sofa');
    await workspace.send([signedIn('signed in', 10, kim)]);
    const { id: now } = await workspace.get('/v1/profiles/user:kim');
    expect(now).not.toBe(before);
    expect((await workspace.get(`/v1/profiles/${before}`)).id).toBe(now);
  });
});

describe('two users of one browser', () => {
  it('who never reset it: what is done after a sign-out is of who was there, until the next one signs in', async () => {
    const profiles = await afterAnyArrival(api, [
      looked('nobody yet', 0, sofa),
      signedIn('kim signed in', 10, kim),
      bought('kim bought', 15, { ...sofa, revenue: 5 }),
      looked('signed out', 18, sofa),
      signedIn('lee signed in', 20, lee),
      bought('lee bought', 25, { ...sofa, revenue: 7 }),
    ]);
    expect(profiles).toEqual({
      'user:kim': {
        identifiers: ['anonymous:sofa', 'user:kim'],
        traits: {},
        pages: 2,
        orders: 1,
        revenue: { USD: '5' },
        timeline: ['nobody yet', 'kim signed in', 'kim bought', 'signed out'],
      },
      'user:lee': {
        identifiers: ['anonymous:sofa', 'user:lee'],
        traits: {},
        pages: 0,
        orders: 1,
        revenue: { USD: '7' },
        timeline: ['lee signed in', 'lee bought'],
      },
    });
  });

  it('stay two, though traits were set before either signed in: those are of who was first', async () => {
    const profiles = await afterAnyArrival(api, [
      signedIn('chose a theme', 0, { ...sofa, traits: { theme: 'dark', size: 'm' } }),
      signedIn('kim signed in', 10, kim),
      signedIn('lee signed in', 20, lee),
      signedIn('chose another size', 25, { ...sofa, traits: { size: 's' } }),
    ]);
    expect(profiles['user:kim']!.traits).toEqual({ theme: 'dark', size: 'm' });
    expect(profiles['user:lee']!.traits).toEqual({ size: 's' });
  });

  it('one of whom comes back: each stretch is of who signed in last before it', async () => {
    const profiles = await afterAnyArrival(api, [
      signedIn('kim signed in', 10, kim),
      signedIn('lee signed in', 20, lee),
      looked('lee looked', 25, sofa),
      signedIn('kim came back', 30, kim),
      looked('kim looked', 35, sofa),
    ]);
    expect(profiles['user:kim']!.timeline).toEqual(['kim signed in', 'kim came back', 'kim looked']);
    expect(profiles['user:lee']!.timeline).toEqual(['lee signed in', 'lee looked']);
  });

  it('in the same millisecond: the lesser message ID has what was before, the greater what is from then on', async () => {
    const [lesser, greater] = [
      '00000000-0000-4000-8000-000000000001',
      '00000000-0000-4000-8000-000000000002',
    ];
    const profiles = await afterAnyArrival(api, [
      looked('before', 9, sofa),
      signedIn(lesser, 10, { ...lee, traits: { plan: 'free' } }),
      signedIn(greater, 10, { ...kim, traits: { plan: 'pro' } }),
      looked('at once', 10, sofa),
      looked('after', 11, sofa),
    ]);
    expect(profiles['user:lee']!.timeline).toEqual(['before', lesser]);
    expect([...profiles['user:kim']!.timeline].sort()).toEqual([greater, 'after', 'at once'].sort());
  });

  it('who did reset it: the new anonymous ID is of nobody before it is signed in on', async () => {
    const workspace = await addWorkspace(api);
    const anew = { anonymousId: 'after the reset' };
    await workspace.send([signedIn('kim signed in', 10, kim), looked('somebody looked', 15, anew)]);
    expect(Object.keys(await readProfiles(workspace)).sort()).toEqual([
      'anonymous:after the reset',
      'user:kim',
    ]);
    await workspace.send([signedIn('lee signed in', 20, { userId: 'lee', ...anew })]);
    const profiles = await readProfiles(workspace);
    expect(profiles['user:lee']!.timeline).toEqual(['somebody looked', 'lee signed in']);
    expect(profiles['user:kim']!.timeline).toEqual(['kim signed in']);
  });
});

describe('a user who was never seen before', () => {
  it('and is claimed from a browser that is somebody else’s, gets nothing of theirs, and does not become them', async () => {
    const profiles = await afterAnyArrival(api, [
      looked('kim before', 0, sofa),
      signedIn('kim signed in', 10, { ...kim, traits: { plan: 'pro' } }),
      looked('kim looked', 15, sofa),
      signedIn('new signed in', 20, { userId: 'new', ...sofa }),
      looked('new looked', 25, sofa),
    ]);
    expect(profiles['user:kim']).toMatchObject({
      timeline: ['kim before', 'kim signed in', 'kim looked'],
      traits: { plan: 'pro' },
      identifiers: ['anonymous:sofa', 'user:kim'],
    });
    expect(profiles['user:new']).toMatchObject({
      timeline: ['new signed in', 'new looked'],
      traits: {},
      identifiers: ['anonymous:sofa', 'user:new'],
    });
  });
});

describe('traits', () => {
  it('said in the same millisecond are those of the greater message ID, whichever arrives last', async () => {
    const ids = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'] as const;
    const profiles = await afterAnyArrival(api, [
      signedIn(ids[0], 10, { ...kim, traits: { plan: 'free', city: 'Bern' } }),
      signedIn(ids[1], 10, { ...sofa, traits: { plan: 'pro', city: null } }),
    ]);
    expect(profiles['user:kim']!.traits).toEqual({ plan: 'pro' });
  });
});

describe('an order', () => {
  it('that is told twice counts once, for whom its earliest telling belongs to', async () => {
    const order = { type: 'track', event: 'Order Completed', properties: { order_id: '1001', revenue: 12 } };
    const profiles = await afterAnyArrival(api, [
      { ...order, messageId: 'by the page', ...sofa, timestamp: at(5) },
      { ...order, messageId: 'by the server', userId: 'shop', timestamp: at(6) },
      signedIn('kim signed in', 10, kim),
    ]);
    expect(profiles['user:kim']).toMatchObject({ orders: 1, revenue: { USD: '12' } });
    expect(profiles['user:shop']).toMatchObject({ orders: 0, revenue: {}, timeline: ['by the server'] });
  });
});

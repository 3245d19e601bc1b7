/** Anonymous IDs that are of many, or of nobody: kiosks, placeholders, and the same one in two workspaces. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_OWNERS } from '../../src/core/identity';
import { type Api, openApi } from '../support/api';
import { looked, signedIn } from '../support/calls';
import { afterAnyArrival, readProfiles } from '../support/shown-profiles';
import { addWorkspace } from '../support/workspaces';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const kiosk = { anonymousId: 'kiosk' };

/** So many users who sign in on one browser, one a minute, and look around. */
function guests(count: number): object[] {
  return Array.from({ length: count }, (_, index) => [
    signedIn(`sign-in ${index + 1}`, index, { userId: `guest ${index + 1}`, ...kiosk }),
    looked(`look ${index + 1}`, index + 0.5, kiosk),
  ]).flat();
}

describe('an anonymous ID that many share', () => {
  it('is divided between its first 50 owners, each of whom has their own', async () => {
    const workspace = await addWorkspace(api);
    await workspace.send([looked('first of all', -5, kiosk), ...guests(MAX_OWNERS)]);
    const profiles = await readProfiles(workspace);
    expect(Object.keys(profiles)).toHaveLength(MAX_OWNERS);
    expect(profiles['user:guest 1']!.timeline).toEqual(['first of all', 'sign-in 1', 'look 1']);
    expect(profiles['user:guest 50']!.timeline).toEqual(['sign-in 50', 'look 50']);
  });

  it.each([
    ['forwards', (items: object[]) => items],
    ['backwards', (items: object[]) => [...items].reverse()],
  ])('belongs to itself from its 51st owner on, arriving %s', async (_how, arrange) => {
    const workspace = await addWorkspace(api);
    const items = arrange(guests(MAX_OWNERS + 1));
    for (let from = 0; from < items.length; from += 17) await workspace.send(items.slice(from, from + 17));
    const profiles = await readProfiles(workspace);
    expect(profiles['user:guest 50']!.timeline).toEqual(['sign-in 50', 'look 50']);
    expect(profiles['user:guest 51']).toMatchObject({
      identifiers: ['user:guest 51'],
      timeline: ['sign-in 51'],
    });
    expect(profiles['anonymous:kiosk']!.timeline).toEqual(['look 51']);
  });

  it('which 60 users do, gives nobody what a stranger did there', async () => {
    const workspace = await addWorkspace(api);
    const items = guests(60);
    await Promise.all(
      [0, 1, 2, 3].map((stream) => workspace.send(items.filter((_, index) => index % 4 === stream))),
    );
    const profiles = await readProfiles(workspace);
    for (let guest = 1; guest <= 60; guest += 1) {
      const own = guest <= MAX_OWNERS ? [`sign-in ${guest}`, `look ${guest}`] : [`sign-in ${guest}`];
      expect(profiles[`user:guest ${guest}`]!.timeline).toEqual(own);
    }
    const strangers = Array.from({ length: 60 - MAX_OWNERS }, (_, index) => `look ${index + MAX_OWNERS + 1}`);
    expect(profiles['anonymous:kiosk']!.timeline).toEqual(strangers);
  });

  it('turns out to be shared by a sign-in that is heard of late: what came after the 51st goes back to it', async () => {
    const workspace = await addWorkspace(api);
    const [late, ...others] = guests(MAX_OWNERS + 1).filter((item) => 'userId' in item);
    await workspace.send([...others, looked('look at last', 100, kiosk)]);
    expect((await readProfiles(workspace))['user:guest 51']!.timeline).toContain('look at last');
    await workspace.send([late!]);
    const profiles = await readProfiles(workspace);
    expect(profiles['user:guest 51']!.timeline).toEqual(['sign-in 51']);
    expect(profiles['anonymous:kiosk']!.timeline).toEqual(['look at last']);
  });
});

describe('an ID that is a placeholder', () => {
  const PLACEHOLDERS = [
    ...['null', 'undefined', 'NaN', 'none', '0', '-1', 'anonymous', 'Guest', ' unknown ', 'true', 'FALSE'],
    ...['[object Object]', '00000000-0000-0000-0000-000000000000', '000', '---', '   ', 'x'.repeat(201)],
  ];

  it.each(PLACEHOLDERS)('%j joins nobody and is nobody', async (anonymousId) => {
    const workspace = await addWorkspace(api);
    const sent = await workspace.send([
      signedIn('kim signed in', 0, { userId: 'kim', anonymousId }),
      looked('looked as nobody', 5, { anonymousId }),
      signedIn('lee signed in', 10, { userId: 'lee', anonymousId }),
      looked('looked on the sofa', 12, { anonymousId: 'sofa', userId: anonymousId }),
    ]);
    expect(sent).toMatchObject({ accepted: 3, rejected: [{ index: 1, code: 'no_identity' }] });
    const profiles = await readProfiles(workspace);
    expect(profiles).toMatchObject({
      'user:kim': { identifiers: ['user:kim'], timeline: ['kim signed in'] },
      'user:lee': { identifiers: ['user:lee'], timeline: ['lee signed in'] },
      'anonymous:sofa': { timeline: ['looked on the sofa'] },
    });
    expect(Object.keys(profiles)).toHaveLength(3);
  });

  it('as an email, without an @, leaves a visitor anonymous', async () => {
    const profiles = await afterAnyArrival(api, [
      signedIn('one', 0, { anonymousId: 'sofa', traits: { email: 'none' } }),
      signedIn('other', 1, { anonymousId: 'phone', traits: { email: 'none' } }),
    ]);
    expect(Object.keys(profiles).sort()).toEqual(['anonymous:phone', 'anonymous:sofa']);
  });
});

describe('the same anonymous ID in two workspaces', () => {
  it('is two visitors: what one workspace learns changes nothing in the other', async () => {
    const [ours, theirs] = [await addWorkspace(api), await addWorkspace(api)];
    const before = looked('before', 0, { anonymousId: 'sofa' });
    await Promise.all([ours.send([before]), theirs.send([before])]);
    const untouched = await readProfiles(theirs);
    await ours.send([signedIn('signed in', 10, { userId: 'kim', anonymousId: 'sofa' })]);
    expect(Object.keys(await readProfiles(ours))).toEqual(['user:kim']);
    expect(await readProfiles(theirs)).toEqual(untouched);
    expect(Object.keys(untouched)).toEqual(['anonymous:sofa']);

    await theirs.send([signedIn('signed in', 10, { userId: 'lee', anonymousId: 'sofa' })]);
    const [{ id: our }, { id: their }] = await Promise.all(
      [ours, theirs].map(({ get }) => get('/v1/profiles/anonymous:sofa')),
    );
    expect(our).not.toBe(their);
    expect(Object.keys(await readProfiles(theirs))).toEqual(['user:lee']);
    await expect(theirs.get(`/v1/profiles/${our}`)).rejects.toThrow('404');
  });
});

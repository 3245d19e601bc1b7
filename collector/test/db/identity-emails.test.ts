/** Who an email's events belong to, and a browser's that was tied to the email. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';
import { bought, looked, signedIn } from '../support/calls';
import { afterAnyArrival, readProfiles } from '../support/shown-profiles';
import { addWorkspace } from '../support/workspaces';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const sofa = { anonymousId: 'sofa' };
const email = { traits: { email: 'kim@example.com' } };

describe('somebody known only by an email', () => {
  it('is a profile, with the browser on which the email was given', async () => {
    const profiles = await afterAnyArrival(api, [
      looked('before', 0, sofa),
      signedIn('subscribed', 10, { ...sofa, traits: { email: ' Kim@Example.com ' } }),
      looked('opened a mail', 15, email),
      looked('after', 20, sofa),
    ]);
    expect(profiles).toMatchObject({
      'email:kim@example.com': {
        identifiers: ['anonymous:sofa', 'email:kim@example.com'],
        timeline: ['before', 'subscribed', 'opened a mail', 'after'],
      },
    });
    expect(Object.keys(profiles)).toHaveLength(1);
  });

  it('who gets a user ID later has all of it, and the email’s profile answers as the user’s', async () => {
    const items = [
      looked('before', 0, sofa),
      signedIn('subscribed', 10, { ...sofa, ...email }),
      bought('ordered by mail', 15, { userId: 'kim', revenue: 9.5 }),
      looked('opened a mail', 16, email),
      signedIn('registered', 20, { userId: 'kim', ...email }),
      looked('after', 25, sofa),
    ];
    const profiles = await afterAnyArrival(api, items);
    expect(profiles).toEqual({
      'user:kim': {
        identifiers: ['anonymous:sofa', 'email:kim@example.com', 'user:kim'],
        traits: { email: 'kim@example.com' },
        pages: 3,
        orders: 1,
        revenue: { USD: '9.5' },
        timeline: ['before', 'subscribed', 'ordered by mail', 'opened a mail', 'registered', 'after'],
      },
    });
    const workspace = await addWorkspace(api);
    await workspace.send(items.slice(0, 2));
    const { id: asEmail } = await workspace.get('/v1/profiles/email:kim@example.com');
    await workspace.send(items.slice(2));
    const { id } = await workspace.get('/v1/profiles/user:kim');
    expect((await workspace.get(`/v1/profiles/${asEmail}`)).id).toBe(id);
    expect((await workspace.get('/v1/profiles/anonymous:sofa')).id).toBe(id);
  });
});

describe('two users with one email', () => {
  it('stay two: the email is, whole, of who had it first', async () => {
    const profiles = await afterAnyArrival(api, [
      looked('opened a mail', 0, email),
      signedIn('kim registered', 10, { userId: 'kim', ...email }),
      looked('opened another', 15, email),
      signedIn('lee registered', 20, { userId: 'lee', ...email }),
      looked('opened a third', 25, email),
    ]);
    expect(profiles['user:kim']).toMatchObject({
      identifiers: ['email:kim@example.com', 'user:kim'],
      timeline: ['opened a mail', 'kim registered', 'opened another', 'opened a third'],
    });
    expect(profiles['user:lee']).toMatchObject({
      identifiers: ['user:lee'],
      traits: { email: 'kim@example.com' },
      timeline: ['lee registered'],
    });
  });

  it('the second of whom claims it after a browser was tied to it: the browser stays with the first', async () => {
    const profiles = await afterAnyArrival(api, [
      looked('before', 0, sofa),
      signedIn('subscribed', 5, { ...sofa, ...email }),
      signedIn('kim registered', 10, { userId: 'kim', ...email }),
      signedIn('lee registered', 20, { userId: 'lee', ...email }),
      bought('bought', 25, { ...sofa, revenue: 3 }),
    ]);
    expect(profiles['user:kim']).toMatchObject({
      timeline: ['before', 'subscribed', 'kim registered', 'bought'],
      revenue: { USD: '3' },
    });
    expect(profiles['user:lee']).toMatchObject({ identifiers: ['user:lee'], timeline: ['lee registered'] });
  });

  it('the first of whom is heard of last: the email and its browser move, and what was bought there', async () => {
    const workspace = await addWorkspace(api);
    await workspace.send([
      signedIn('subscribed', 5, { ...sofa, ...email }),
      bought('bought', 6, { ...sofa, revenue: 3 }),
      signedIn('lee registered', 20, { userId: 'lee', ...email }),
    ]);
    expect((await readProfiles(workspace))['user:lee']).toMatchObject({ orders: 1, revenue: { USD: '3' } });
    await workspace.send([signedIn('kim registered', 10, { userId: 'kim', ...email })]);
    const profiles = await readProfiles(workspace);
    expect(profiles['user:kim']).toMatchObject({
      timeline: ['subscribed', 'bought', 'kim registered'],
      orders: 1,
      revenue: { USD: '3' },
    });
    expect(profiles['user:lee']).toMatchObject({
      timeline: ['lee registered'],
      orders: 0,
      revenue: {},
    });
  });

  it('on one browser, which is divided between them as between any two', async () => {
    const profiles = await afterAnyArrival(api, [
      signedIn('kim signed in', 10, { userId: 'kim', ...sofa, ...email }),
      looked('kim looked', 15, sofa),
      signedIn('lee signed in', 20, { userId: 'lee', ...sofa, ...email }),
      looked('lee looked', 25, sofa),
      looked('opened a mail', 30, email),
    ]);
    expect(profiles['user:kim']!.timeline).toEqual(['kim signed in', 'kim looked', 'opened a mail']);
    expect(profiles['user:lee']!.timeline).toEqual(['lee signed in', 'lee looked']);
  });
});

/** What an alias joins, and what it does not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';
import { aliased, looked, signedIn } from '../support/calls';
import { afterAnyArrival } from '../support/shown-profiles';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const sofa = { anonymousId: 'sofa' };
const phone = { anonymousId: 'phone' };

describe('an alias', () => {
  it('from an anonymous ID to a user gives the user that past', async () => {
    const profiles = await afterAnyArrival(api, [
      looked('before', 0, sofa),
      aliased('aliased', 10, { userId: 'kim', previousId: 'sofa' }),
      looked('after', 15, sofa),
    ]);
    expect(Object.keys(profiles)).toEqual(['user:kim']);
    expect(profiles['user:kim']!.timeline).toEqual(['before', 'aliased', 'after']);
  });

  it('that names a known user’s anonymous past leaves it where it is: only what comes after is the other’s', async () => {
    const profiles = await afterAnyArrival(api, [
      looked('kim before', 0, sofa),
      signedIn('kim signed in', 10, { userId: 'kim', ...sofa }),
      looked('kim looked', 15, sofa),
      aliased('lee aliased', 20, { userId: 'lee', previousId: 'sofa' }),
      looked('lee looked', 25, sofa),
    ]);
    expect(profiles['user:kim']!.timeline).toEqual(['kim before', 'kim signed in', 'kim looked']);
    expect(profiles['user:lee']!.timeline).toEqual(['lee aliased', 'lee looked']);
  });

  it('between two anonymous IDs joins nothing, as neither is anybody', async () => {
    const profiles = await afterAnyArrival(api, [
      looked('on the sofa', 0, sofa),
      looked('on the phone', 1, phone),
      aliased('aliased', 10, { ...phone, previousId: 'sofa' }),
    ]);
    expect(profiles['anonymous:sofa']!.timeline).toEqual(['on the sofa']);
    expect(profiles['anonymous:phone']!.timeline).toEqual(['on the phone', 'aliased']);
  });

  it('that names another user joins nothing: its previous ID is read as an anonymous one', async () => {
    const profiles = await afterAnyArrival(api, [
      signedIn('kim signed in', 0, { userId: 'kim', ...sofa, traits: { plan: 'pro' } }),
      looked('kim looked', 5, sofa),
      aliased('lee aliased', 10, { userId: 'lee', previousId: 'kim' }),
    ]);
    expect(profiles['user:kim']).toMatchObject({
      identifiers: ['anonymous:sofa', 'user:kim'],
      timeline: ['kim signed in', 'kim looked'],
    });
    expect(profiles['user:lee']).toMatchObject({ traits: {}, timeline: ['lee aliased'] });
  });
});

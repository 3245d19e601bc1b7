import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';
import { aliased, at, looked, signedIn } from '../support/calls';
import { addWorkspace } from '../support/workspaces';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

async function openWith(items: readonly object[]) {
  const workspace = await addWorkspace(api);
  await workspace.send(items);
  const authorization = `Bearer ${workspace.secretKey}`;
  const ask = (method: string, path: string, body?: object) =>
    api.call(method, path, {
      headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body }),
    });
  const why = async (profile: string, messageId: string) =>
    (await ask('GET', `/v1/profiles/${profile}/why/${encodeURIComponent(messageId)}`)).body;
  return { ask, why };
}

const LIFE = [
  looked('before', 0, { anonymousId: 'sofa' }),
  signedIn('sign-in', 10, { anonymousId: 'sofa', userId: 'ada', traits: { email: 'ada@x.test' } }),
  looked('after', 20, { anonymousId: 'sofa' }),
  signedIn('letter', 30, { anonymousId: 'phone', traits: { email: 'ada@x.test' } }),
  looked('on phone', 40, { anonymousId: 'phone' }),
  looked('own', 50, { userId: 'ada' }),
];

describe('why an event is on a profile', () => {
  it('names the claim by which it is hers, and who is identified by it', async () => {
    const { why } = await openWith(LIFE);
    expect(await why('user:ada', 'after')).toEqual({
      profileId: expect.any(String),
      event: { messageId: 'after', type: 'page', event: null, occurredAt: at(20) },
      subject: { id: expect.any(String), kind: 'anonymous', value: 'sofa' },
      steps: [
        {
          rule: 'latest_claim',
          from: { id: expect.any(String), kind: 'anonymous', value: 'sofa' },
          to: { id: expect.any(String), kind: 'user', value: 'ada' },
          claim: {
            messageId: 'sign-in',
            type: 'identify',
            at: at(10),
            userId: 'ada',
            email: 'ada@x.test',
            anonymousId: 'sofa',
            previousId: null,
          },
          link: null,
        },
      ],
      sentence: `It was sent under anonymous:sofa: the last to sign in on anonymous:sofa by then was user:ada, at ${at(10)}.`,
    });
  });

  it('tells what came before the sign-in from what came after it', async () => {
    const { why } = await openWith(LIFE);
    const { steps, sentence } = await why('user:ada', 'before');
    expect(steps).toMatchObject([{ rule: 'first_claim', claim: { messageId: 'sign-in' } }]);
    expect(sentence).toContain('before anybody signed in');
  });

  it('follows an email to its user, by both claims', async () => {
    const { why } = await openWith(LIFE);
    const { steps } = await why('email:ada@x.test', 'on phone');
    expect(steps).toMatchObject([
      { rule: 'latest_claim', to: { value: 'ada@x.test' }, claim: { messageId: 'letter' } },
      { rule: 'first_user', to: { value: 'ada' }, claim: { messageId: 'sign-in' } },
    ]);
  });

  it('needs no claim for what was sent under the profile’s own identifier', async () => {
    const { why } = await openWith(LIFE);
    expect(await why('user:ada', 'own')).toMatchObject({
      steps: [],
      sentence: 'It was sent under user:ada, which belongs to nobody else.',
    });
  });

  it('names an alias as the claim that it is', async () => {
    const { why } = await openWith([
      looked('old', 0, { anonymousId: 'old phone' }),
      aliased('alias', 10, { userId: 'ada', previousId: 'old phone' }),
    ]);
    expect((await why('user:ada', 'old')).steps).toMatchObject([
      { rule: 'first_claim', claim: { messageId: 'alias', type: 'alias', previousId: 'old phone' } },
    ]);
  });

  it('says who linked two users', async () => {
    const { ask, why } = await openWith([...LIFE, looked('his', 60, { userId: 'bob' })]);
    await ask('POST', '/v1/profiles/link', { source: 'user:ada', target: 'user:bob' });
    const { steps } = await why('user:bob', 'after');
    expect(steps).toMatchObject([
      { rule: 'latest_claim', to: { value: 'ada' } },
      {
        rule: 'link',
        from: { value: 'ada' },
        to: { value: 'bob' },
        claim: null,
        link: { linkedAt: api.clock.now.toISOString(), linkedBy: expect.stringMatching(/^key:/) },
      },
    ]);
  });

  it('leaves out what is void', async () => {
    const { ask, why } = await openWith([
      ...LIFE,
      signedIn('wrong', 15, { anonymousId: 'sofa', userId: 'bob' }),
    ]);
    expect((await why('user:bob', 'after')).steps).toMatchObject([{ claim: { messageId: 'wrong' } }]);
    await ask('POST', '/v1/claims/void', { weaker: 'anonymous:sofa', stronger: 'user:bob' });
    expect((await why('user:ada', 'after')).steps).toMatchObject([{ claim: { messageId: 'sign-in' } }]);
  });

  it('says that a browser had too many owners to be anybody’s', async () => {
    const many = Array.from({ length: 51 }, (_, index) =>
      signedIn(`in ${index}`, index, { anonymousId: 'kiosk', userId: `u${index}` }),
    );
    const { why } = await openWith([...many, looked('stranger', 55, { anonymousId: 'kiosk' })]);
    const { steps, sentence } = await why('anonymous:kiosk', 'stranger');
    expect(steps).toMatchObject([
      { rule: 'kiosk', to: { value: 'kiosk' }, claim: { messageId: 'in 50', userId: 'u50' } },
    ]);
    expect(sentence).toContain('too many owners');
  });

  it('is not told of an event that is somebody else’s, of none, or of another workspace’s', async () => {
    const { ask } = await openWith([...LIFE, looked('his', 60, { userId: 'bob' })]);
    const other = await openWith([looked('theirs', 0, { userId: 'ada' })]);
    const status = async (messageId: string) =>
      (await ask('GET', `/v1/profiles/user:ada/why/${messageId}`)).status;
    expect(await status('own')).toBe(200);
    for (const messageId of ['his', 'nothing', 'theirs']) expect(await status(messageId)).toBe(404);
    expect((await other.ask('GET', '/v1/profiles/user:ada/why/theirs')).status).toBe(200);
    expect((await ask('GET', '/v1/profiles/user:nobody/why/own')).status).toBe(404);
  });
});

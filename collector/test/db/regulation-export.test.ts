import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const at = (minute: number): string =>
  new Date(api.clock.now.getTime() - 86_400_000 + minute * 60_000).toISOString();

async function exported(...ids: string[]) {
  const { body } = await api.call('POST', '/v1/regulations', { body: { type: 'export', ids } });
  expect(body.status).toBe('done');
  const answer = await api.get(`/v1/regulations/${body.id}/export`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
  const lines = (answer.body as string).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as { kind: string } & Record<string, unknown>);
}

describe('an export', () => {
  it('holds everything of the profile, with where it comes from, and nothing of anybody else', async () => {
    const past = randomUUID();
    await api.batch([
      { type: 'page', anonymousId: 'device', messageId: past, timestamp: at(0), properties: { path: '/' } },
      {
        type: 'identify',
        userId: 'ada',
        anonymousId: 'device',
        messageId: 'sign-in',
        timestamp: at(1),
        traits: { plan: 'pro' },
      },
      { type: 'identify', userId: 'bob', anonymousId: 'device', messageId: 'other', timestamp: at(2) },
      { type: 'page', anonymousId: 'device', messageId: 'other-page', timestamp: at(3) },
    ]);
    const lines = await exported('user:ada', 'user:nobody');
    const of = (kind: string) => lines.filter((line) => line.kind === kind);
    expect(of('profile')).toMatchObject([{ userId: 'ada', events: 2 }]);
    expect(of('identifier')).toMatchObject([
      { type: 'user', value: 'ada', from: null, to: null },
      { type: 'anonymous', value: 'device', from: null, to: at(2) },
    ]);
    expect(of('trait')).toMatchObject([
      { trait: 'plan', value: 'pro', at: at(1), messageId: expect.any(String) },
    ]);
    expect(
      of('event')
        .map(({ messageId }) => messageId)
        .sort(),
    ).toEqual([past, 'sign-in'].sort());
    expect(of('event').find(({ messageId }) => messageId === past)).toMatchObject({
      properties: { path: '/' },
    });
    expect(lines.at(-1)).toEqual({ kind: 'end', profiles: 1 });
  });

  it('is complete, however many events there are', async () => {
    const items = Array.from({ length: 1_200 }, () => ({
      type: 'page',
      userId: 'busy',
      messageId: randomUUID(),
    }));
    await api.batch(items);
    expect((await exported('user:busy')).filter(({ kind }) => kind === 'event')).toHaveLength(1_200);
  });

  it('is not to be had of another kind of regulation, nor of one that does not exist', async () => {
    const { body } = await api.call('POST', '/v1/regulations', {
      body: { type: 'suppress', ids: ['user:x'] },
    });
    for (const id of [body.id, randomUUID()])
      expect((await api.get(`/v1/regulations/${id}/export`)).status).toBe(404);
  });
});

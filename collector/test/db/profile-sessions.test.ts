import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const at = (minute: number) =>
  new Date(Date.parse('2026-06-15T01:00:00.000Z') + minute * 60_000).toISOString();

interface Session {
  readonly sessionId: string | null;
  readonly events: number;
  readonly timeline: string;
}

async function readAll(reference: string, limit: number): Promise<Session[]> {
  const found: Session[] = [];
  let cursor = '';
  for (;;) {
    const { status, body } = await api.get(`/v1/profiles/${reference}/sessions?limit=${limit}${cursor}`);
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body.data.length).toBeLessThanOrEqual(limit);
    found.push(...body.data);
    if (body.nextCursor === null) return found;
    cursor = `&cursor=${body.nextCursor}`;
  }
}

describe('the sessions of a profile', () => {
  beforeAll(async () => {
    const visit = (sessionId: unknown, minute: number, more: object = {}) => ({
      ...{ type: 'track', event: 'Clicked', userId: 'ada', timestamp: at(minute) },
      context: { sessionId },
      ...more,
    });
    await api.batch([
      // Begun before signing in, with a campaign; an hour without an event is still the same session.
      {
        type: 'identify',
        userId: 'ada',
        anonymousId: 'tab',
        timestamp: at(20),
        context: { sessionId: 's1' },
      },
      visit('s1', 80),
      {
        ...{ type: 'page', name: 'Landing', anonymousId: 'tab', timestamp: at(10) },
        properties: { path: '/landing', url: 'https://shop.test/landing', title: 'Hello' },
        context: { sessionId: 's1', campaign: { name: 'spring', source: 'mail' } },
      },
      // At the same time on another device, whose client numbers its sessions.
      visit(1718400000, 15, { type: 'page', name: 'App' }),
      visit(1718400000, 85),
      // From a server, without a session: two within half an hour, one later.
      ...[100, 129, 159].map((minute) => ({
        type: 'track',
        event: 'Billed',
        userId: 'ada',
        timestamp: at(minute),
      })),
    ]);
  });

  it('are what their events name, and else what follows each other within 30 minutes', async () => {
    const { body } = await api.get('/v1/profiles/user:ada/sessions');
    expect(body).toMatchObject({
      nextCursor: null,
      data: [
        {
          sessionId: null,
          startedAt: at(159),
          endedAt: at(159),
          durationSeconds: 0,
          events: 1,
          firstPage: null,
        },
        { sessionId: null, startedAt: at(100), endedAt: at(129), events: 2, campaign: null },
        { sessionId: '1718400000', startedAt: at(15), events: 2, firstPage: { name: 'App', path: null } },
        {
          ...{
            sessionId: 's1',
            startedAt: at(10),
            endedAt: at(80),
            durationSeconds: 4200,
            events: 3,
            isWhole: true,
          },
          firstPage: { name: 'Landing', path: '/landing', url: 'https://shop.test/landing', title: 'Hello' },
          campaign: { name: 'spring', source: 'mail' },
        },
      ],
    });
  });

  it('are the same in pages of any length, and each leads to its events', async () => {
    const whole = await readAll('user:ada', 100);
    expect(whole).toHaveLength(4);
    for (const limit of [1, 2, 3]) expect(await readAll('user:ada', limit)).toEqual(whole);
    for (const { timeline, events } of whole) {
      expect((await api.get(timeline)).body.data).toHaveLength(events);
    }
  });

  it('go on by a cursor of their own', async () => {
    const { body } = await api.get('/v1/profiles/user:ada/timeline?limit=1');
    const answer = await api.get(`/v1/profiles/user:ada/sessions?cursor=${body.nextCursor}`);
    expect([answer.status, answer.body.error.code]).toEqual([400, 'invalid_cursor']);
  });
});

import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeWorkspace } from '../../src/db/connect';
import { type Answer, type Api, openApi } from '../support/api';
import { everythingOf } from '../support/everything';

let api: Api;
beforeEach(async () => {
  api = await openApi();
});
afterEach(() => api.close());

const at = (minute: number): string =>
  new Date(api.clock.now.getTime() - 86_400_000 + minute * 60_000).toISOString();
const said = (type: string, minute: number, more: object = {}) => ({
  type,
  messageId: randomUUID(),
  timestamp: at(minute),
  ...more,
});
const order = (minute: number, more: object) =>
  said('track', minute, { event: 'Order Completed', properties: { order_id: 'o', revenue: 10 }, ...more });

async function send(...items: object[]): Promise<void> {
  const { body } = await api.batch(items);
  expect(body).toMatchObject({ accepted: items.length, rejected: [] });
}

/** Asks for it, and lets the worker finish it, however many ticks other transactions of this server make it take. */
async function erase(...ids: string[]): Promise<Answer['body']> {
  const { status, body } = await api.call('POST', '/v1/regulations', { body: { type: 'delete', ids } });
  expect(status).toBe(201);
  for (;;) {
    await api.worker.tick();
    const { body: job } = await api.get(`/v1/regulations/${body.id}`);
    expect(job.subjects.map(({ error }: { error: string | null }) => error)).toEqual(ids.map(() => null));
    if (job.status === 'done') return job;
  }
}

async function countsOf(reference: string): Promise<object | null> {
  const { status, body } = await api.get(`/v1/profiles/${reference}`);
  if (status === 404) return null;
  const { events, orders, revenue } = body;
  return { events, orders, revenue };
}

async function timelineOf(reference: string): Promise<string[]> {
  const { body } = await api.get(`/v1/profiles/${reference}/timeline`);
  return ((body.data ?? []) as { messageId: string }[]).map(({ messageId }) => messageId);
}

describe('a profile that is deleted', () => {
  it('is gone with everything that it owns, and a count says so; what another one did on the same device stays', async () => {
    const audience = await api.call('POST', '/v1/audiences', {
      body: { name: 'All', rule: { event: '*', gte: 1 } },
    });
    const others = [
      said('identify', 50, { userId: 'other', anonymousId: 'shared-device' }),
      said('page', 60, { anonymousId: 'shared-device' }),
    ];
    await send(
      said('page', 0, { anonymousId: 'shared-device', properties: { note: 'secret-past' } }),
      said('page', 1, { anonymousId: 'secret-device' }),
      said('identify', 10, {
        userId: 'secret-user',
        anonymousId: 'shared-device',
        traits: { email: 'secret@x.test', name: 'Secret Name', plan: 'pro' },
      }),
      said('identify', 20, { anonymousId: 'secret-device', traits: { email: 'secret@x.test' } }),
      order(30, { userId: 'secret-user' }),
      ...others,
    );
    await api.call('POST', `/v1/audiences/${audience.body.id}/rebuild`);
    await api.batch([
      { type: 'nonsense', userId: 'secret-user' },
      { type: 'nonsense', userId: 'other' },
    ]);
    const { body: profile } = await api.get('/v1/profiles/user:secret-user');
    expect(profile).toMatchObject({ events: 5, orders: 1 });

    const job = await erase('user:secret-user');
    expect(job.subjects).toEqual([
      {
        position: 0,
        status: 'done',
        profileId: profile.id,
        erasedAt: api.clock.now.toISOString(),
        error: null,
        deleted: {
          profiles: 1,
          events: 5,
          orders: 1,
          identifiers: 4,
          traits: 3,
          memberships: 1,
          badRows: 1,
        },
        left: {
          ...{ events: 0, orders: 0, parts: 0, revenue: 0, identifiers: 0 },
          ...{ memberships: 0, changes: 0, lists: 0 },
        },
      },
    ]);
    expect(await everythingOf(api.db, api.workspaceId)).not.toMatch(/secret-|secret@|Secret Name/i);
    for (const reference of [
      profile.id,
      'user:secret-user',
      'email:secret@x.test',
      'anonymous:secret-device',
    ])
      expect((await api.get(`/v1/profiles/${reference}`)).status).toBe(404);
    expect((await timelineOf('user:other')).sort()).toEqual(others.map(({ messageId }) => messageId).sort());
    expect((await api.get('/v1/profiles/user:other')).body.identifiers).toMatchObject([
      { kind: 'user', value: 'other' },
      { kind: 'anonymous', value: 'shared-device' },
    ]);
    const { body: members } = await api.get(`/v1/audiences/${audience.body.id}/members`);
    expect(members.data.map(({ userId }: { userId: string }) => userId)).toEqual(['other']);
    expect((await api.get('/v1/rejected')).body.data).toHaveLength(1);
  });

  it('does not come back: by the same message, by an old time on its device, by a claim, or as the user', async () => {
    const old = said('page', 5, { anonymousId: 'device' });
    await send(
      old,
      said('identify', 10, { userId: 'gone', anonymousId: 'device', traits: { email: 'gone@x.test' } }),
    );
    const { id } = await erase('user:gone');
    const late = [
      old,
      said('page', 3, { anonymousId: 'device' }),
      said('identify', 4, { anonymousId: 'device', traits: { late: true } }),
      said('identify', 6, { userId: 'gone', anonymousId: 'device' }),
      said('page', 7, { userId: 'gone' }),
      said('page', 8, { context: { traits: { email: 'Gone@x.test' } } }),
      { type: 'page', userId: 'gone', messageId: randomUUID() },
    ];
    expect((await api.batch(late)).body).toEqual({ accepted: 6, duplicates: 1, rejected: [] });
    // Another user's claim of the device's whole past finds nothing there.
    const claim = said('identify', 1, { userId: 'heir', anonymousId: 'device' });
    await send(claim);
    await api.batch([said('page', 2, { anonymousId: 'device' })]);
    expect(await timelineOf('user:heir')).toEqual([claim.messageId]);
    expect(await countsOf('user:gone')).toBeNull();
    expect((await api.get(`/v1/regulations/${id}`)).body.dropped).toBe(7);
  });

  it('leaves its device to itself: what happens there afterwards is nobody’s, from then on until somebody signs in', async () => {
    await send(
      said('page', 5, { anonymousId: 'device' }),
      said('identify', 10, { userId: 'gone', anonymousId: 'device' }),
    );
    await erase('user:gone');
    const fresh = { type: 'page', anonymousId: 'device', messageId: randomUUID() };
    api.clock.now = new Date(api.clock.now.getTime() + 60_000);
    await send(fresh);
    const { body } = await api.get('/v1/profiles/anonymous:device');
    expect(body).toMatchObject({
      events: 1,
      anonymousId: 'device',
      identifiers: [{ kind: 'anonymous', value: 'device' }],
    });
    api.clock.now = new Date(api.clock.now.getTime() + 60_000);
    await send({ type: 'identify', userId: 'next', anonymousId: 'device', messageId: randomUUID() });
    await send({ type: 'page', anonymousId: 'device', messageId: randomUUID() });
    expect(await countsOf('user:next')).toMatchObject({ events: 2 });
    expect(await countsOf('anonymous:device')).toMatchObject({ events: 1 });
  });

  it('may be an anonymous one, which may come again', async () => {
    await send(said('page', 5, { anonymousId: 'visitor' }));
    const job = await erase('anonymous:visitor');
    expect(job.subjects[0].deleted).toMatchObject({ events: 1, identifiers: 1 });
    await api.batch([said('page', 6, { anonymousId: 'visitor' })]);
    expect(await countsOf('anonymous:visitor')).toBeNull();
    api.clock.now = new Date(api.clock.now.getTime() + 60_000);
    await send({ type: 'page', anonymousId: 'visitor', messageId: randomUUID() });
    expect(await countsOf('anonymous:visitor')).toMatchObject({ events: 1 });
  });

  it('may be taken in again, as somebody new', async () => {
    const traits = { email: 'back@x.test' };
    await send(said('identify', 10, { userId: 'back', anonymousId: 'device', traits }));
    await erase('user:back');
    const { body } = await api.call('POST', '/v1/regulations', {
      body: { type: 'unsuppress', ids: ['user:back', 'email:back@x.test'] },
    });
    expect(body.subjects).toMatchObject([{ status: 'done' }, { status: 'done' }]);
    api.clock.now = new Date(api.clock.now.getTime() + 60_000);
    await send({ type: 'identify', userId: 'back', anonymousId: 'device', traits, messageId: randomUUID() });
    await api.batch([said('page', 20, { anonymousId: 'device' }), said('page', 20, { userId: 'back' })]);
    await send({ type: 'page', anonymousId: 'device', messageId: randomUUID() });
    const { body: profile } = await api.get('/v1/profiles/user:back');
    expect(profile).toMatchObject({ events: 2, email: 'back@x.test', anonymousId: 'device' });
    const again = await erase('user:back');
    expect(again.subjects[0].deleted).toMatchObject({ events: 2, identifiers: 3 });
    expect(await everythingOf(api.db, api.workspaceId)).not.toMatch(/back@|"back"/);
  });

  it('is answered unknown where there is none, and then nothing is suppressed', async () => {
    const { body } = await api.call('POST', '/v1/regulations', {
      body: { type: 'delete', ids: ['user:nobody', randomUUID(), 'nonsense'] },
    });
    expect(body).toMatchObject({
      status: 'done',
      subjects: [{ status: 'unknown' }, { status: 'unknown' }, { status: 'unknown' }],
    });
    await send(said('page', 1, { userId: 'nobody' }));
    expect(await countsOf('user:nobody')).toMatchObject({ events: 1 });
  });
});

describe('an order of somebody who is deleted', () => {
  it('is not counted for anybody else, whoever sends its number, before or after', async () => {
    await send(order(10, { userId: 'buyer' }), order(20, { userId: 'clerk' }));
    expect(await countsOf('user:clerk')).toMatchObject({ orders: 0, revenue: {} });
    await erase('user:buyer');
    await send(order(5, { userId: 'early' }), order(30, { userId: 'late' }));
    for (const reference of ['user:clerk', 'user:early', 'user:late'])
      expect(await countsOf(reference)).toMatchObject({ orders: 0, revenue: {}, events: 1 });
  });

  it('that was another’s all along stays where it was', async () => {
    await send(order(10, { userId: 'buyer' }), order(20, { userId: 'clerk' }));
    await erase('user:clerk');
    expect(await countsOf('user:buyer')).toEqual({ events: 1, orders: 1, revenue: { USD: '10' } });
  });
});

describe('an erasure', () => {
  it('goes on where it was, whichever step was the last of a process', async () => {
    const pages = Array.from({ length: 5 }, (_, index) => said('page', index, { userId: 'gone' }));
    await send(...pages);
    await api.call('POST', '/v1/regulations', { body: { type: 'delete', ids: ['user:gone'] } });
    // A step cannot be seen half done: what breaks the connection at any of its statements leaves the job as it was.
    await api.pool.query('alter table audience_member rename to audience_member_away');
    await api.worker.tick();
    const { body: list } = await api.get('/v1/regulations');
    expect(list.data[0]).toMatchObject({
      status: 'running',
      subjects: [{ status: 'running', error: expect.stringContaining('42P01'), deleted: { events: 5 } }],
    });
    await api.pool.query('alter table audience_member_away rename to audience_member');
    while ((await api.get(`/v1/regulations/${list.data[0].id}`)).body.status !== 'done')
      await api.worker.tick();
    const { body: job } = await api.get(`/v1/regulations/${list.data[0].id}`);
    expect(job.subjects[0]).toMatchObject({ error: null, deleted: { events: 5 }, left: { events: 0 } });
  });

  it('keeps no transaction long: of many events, a part at a time', async () => {
    await send(said('page', 0, { userId: 'busy' }));
    const { body: profile } = await api.get('/v1/profiles/user:busy');
    await changeWorkspace(api.db, api.workspaceId, (transaction) =>
      sql`
        insert into event (workspace_id, received_at, message_id, source_id, type, subject_id, user_id, occurred_at)
        select ${api.workspaceId}, ${api.clock.now}, gen_random_uuid(), gen_random_uuid(), 'page', ${profile.id}, 'busy',
          ${api.clock.now}::timestamptz - n * interval '1 second'
        from generate_series(1, 12000) n`.execute(transaction),
    );
    const job = await erase(profile.id);
    expect(job.subjects[0].deleted.events).toBe(12_001);
  });

  it('cannot be taken back half-way', async () => {
    await send(said('page', 1, { userId: 'gone' }));
    await api.call('POST', '/v1/regulations', { body: { type: 'delete', ids: ['user:gone'] } });
    await api.pool.query('alter table audience_member rename to audience_member_away');
    await api.worker.tick();
    await api.pool.query('alter table audience_member_away rename to audience_member');
    const answer = await api.call('POST', '/v1/regulations', {
      body: { type: 'unsuppress', ids: ['user:gone'] },
    });
    expect([answer.status, answer.body.error.code]).toEqual([409, 'erasure_running']);
  });
});

describe('who owned what of somebody who was erased', () => {
  it('stays as it was: neither a void nor a link may change it', async () => {
    await send(
      said('page', 1, { userId: 'other' }),
      said('identify', 10, { userId: 'gone', anonymousId: 'device' }),
    );
    await erase('user:gone');
    const voiding = { weaker: 'anonymous:device', stronger: 'user:gone' };
    const joining = { source: 'user:other', target: 'user:gone' };
    for (const [path, body] of [
      ['/v1/claims/void', voiding],
      ['/v1/profiles/link', joining],
    ] as const) {
      const answer = await api.call('POST', path, { body });
      expect([path, answer.status, answer.body.error?.code]).toEqual([path, 409, 'profile_erased']);
    }
  });
});

describe('a table with something of somebody in it', () => {
  it('is known to the erasure, and what it does there is written down', async () => {
    const { rows } = await sql<{ name: string }>`
      select distinct c.relname as name
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and a.attname ~ '(subject|profile|owner|user|weaker|stronger|source|target|anonymous)_id$|^(email|payload|value|traits|properties)$'
      order by 1`.execute(api.db);
    expect(rows.map(({ name }) => name)).toEqual([
      // Who may send; nobody's.
      'access_key',
      'audience_change',
      'audience_check',
      'audience_listed',
      // Whose turn is next: gone within seconds.
      'audience_mark',
      'audience_member',
      // Hashes and times, which stay.
      'claim',
      'claim_void',
      'erasure',
      'event',
      'order_entry',
      'ownership',
      'profile_link',
      'profile_part',
      'profile_revenue',
      // A hash and a time.
      'recorded_subject',
      // Hashes.
      'regulation_subject',
      'rejected_event',
      'source',
      'subject',
      'suppression',
      'tombstone',
    ]);
  });
});

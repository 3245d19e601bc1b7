import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { subjectIdOf } from '../../src/core/identifier';
import { changeWorkspace, inWorkspace } from '../../src/db/connect';
import { type Answer, type Api, METRICS_TOKEN, openApi } from '../support/api';

const NOW = new Date('2026-06-15T12:00:00.000Z');
const DAY_MS = 86_400_000;
const BUYERS = { event: 'Order Completed', within: '30d' };

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  api.clock.now = NOW;
  await changeWorkspace(api.db, api.workspaceId, async (transaction) => {
    for (const table of ['audience', 'audience_mark', 'audience_change', 'audience_size', 'audience_listed'])
      await sql`delete from ${sql.table(table)}`.execute(transaction);
    await sql`update workspace set timezone = 'UTC'`.execute(transaction);
  });
});

const users = (...names: readonly string[]) => {
  const suffix = randomUUID().slice(0, 8);
  return names.map((name) => `${name}-${suffix}`);
};
const identify = (userId: string, traits: object = {}) => ({ type: 'identify', userId, traits });
const buys = (userId: string) => ({ type: 'track', event: 'Order Completed', userId, properties: {} });
const having = (mark: string) => ({ trait: 'mark', eq: mark });

async function given(...items: readonly object[]): Promise<void> {
  const { body } = await api.batch(items);
  expect(body.rejected).toEqual([]);
}

async function create(body: object): Promise<Answer['body']> {
  const answer = await api.call('POST', '/v1/audiences', { body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
}

async function membersOf(id: string): Promise<string[]> {
  const { body } = await api.get(`/v1/audiences/${id}/members?limit=1000`);
  return body.data.map(({ userId, anonymousId }: Record<string, string>) => userId ?? anonymousId).sort();
}

const changesOf = async (id: string, query = ''): Promise<Answer['body']> =>
  (await api.get(`/v1/audiences/${id}/changes${query}`)).body;
const shown = ({ change, userId, cause }: Record<string, string>) => `${userId} ${change} by ${cause}`;

async function countMarks(id: string): Promise<number> {
  return inWorkspace(api.db, api.workspaceId, async (transaction) => {
    const { rows } = await sql<{ marks: number }>`
      select count(*) as marks from audience_mark where audience_id = ${id}`.execute(transaction);
    return rows[0]!.marks;
  });
}

describe('an event', () => {
  it('lets somebody in, and out, with the next look', async () => {
    const mark = randomUUID();
    const [ann] = users('ann') as [string];
    const { id } = await create({ name: 'Marked', rule: having(mark) });
    await given(identify(ann, { mark }));
    await api.worker.tick();
    expect(await membersOf(id)).toEqual([ann]);
    api.clock.now = new Date(NOW.getTime() + 1000);
    await given(identify(ann, { mark: null }));
    await api.worker.tick();
    expect(await membersOf(id)).toEqual([]);
    const { body } = await api.get(`/v1/audiences/${id}`);
    expect(body).toMatchObject({ size: 0, lastChange: '2' });
    expect((await changesOf(id)).data.map(shown)).toEqual([
      `${ann} entered by event`,
      `${ann} exited by event`,
    ]);
  });

  it('is told only to audiences that mention what it says, and that of a new visitor to those it may be for', async () => {
    const mentioned = await create({ name: 'Buyers', rule: BUYERS });
    const other = await create({ name: 'Clickers', rule: { event: 'Clicked' } });
    const silent = await create({ name: 'Never clicked', rule: { not: { event: 'Clicked' } } });
    const [ann] = users('ann') as [string];
    const ids = [mentioned.id, other.id, silent.id] as const;
    await given(buys(ann));
    expect(await Promise.all(ids.map(countMarks))).toEqual([1, 0, 1]);
    await api.worker.tick();
    expect(await membersOf(silent.id)).toContain(ann);
    api.clock.now = new Date(NOW.getTime() + 1000);
    await given(buys(ann), buys(ann));
    expect(await Promise.all(ids.map(countMarks))).toEqual([1, 0, 0]);
  });

  it('lets in who was silent, and out who spoke, when their time has come', async () => {
    const mark = randomUUID();
    const [ann] = users('ann') as [string];
    const quiet = { all: [having(mark), { not: { event: 'Order Completed', within: '7d' } }] };
    const { id } = await create({ name: 'Quiet', rule: quiet });
    await given(identify(ann, { mark }), buys(ann));
    await api.worker.tick();
    expect(await membersOf(id)).toEqual([]);
    expect((await api.get(`/v1/audiences/${id}`)).body.nextCheckAt).not.toBeNull();
    api.clock.now = new Date(NOW.getTime() + 7 * DAY_MS - 1);
    await api.worker.tick();
    expect(await membersOf(id)).toEqual([]);
    api.clock.now = new Date(NOW.getTime() + 7 * DAY_MS);
    await api.worker.tick();
    expect(await membersOf(id)).toEqual([ann]);
    expect((await changesOf(id)).data.map(shown)).toEqual([`${ann} entered by clock`]);
  });

  it('that turns out to be the earlier one of an order lets out whose order it was', async () => {
    const [ann, bob] = users('ann', 'bob') as [string, string];
    const order = (userId: string, at: string) => ({
      ...{ type: 'track', event: 'Order Completed', userId, timestamp: at },
      properties: { order_id: `of ${ann}`, revenue: 10, currency: 'USD' },
    });
    const { id } = await create({ name: 'With an order', rule: { trait: '$orders', gte: 1 } });
    await given(order(ann, '2026-06-15T11:00:00.000Z'));
    await api.worker.tick();
    expect(await membersOf(id)).toContain(ann);
    await given(order(bob, '2026-06-15T10:00:00.000Z'));
    await api.worker.tick();
    expect(await membersOf(id)).toContain(bob);
    expect(await membersOf(id)).not.toContain(ann);
  });

  it('that was being written while an audience was created is not lost', async () => {
    const [device] = users('device') as [string];
    const [first, second] = users('first', 'second') as [string, string];
    await given({ type: 'identify', userId: first, anonymousId: device });
    await given({ type: 'page', anonymousId: device });
    const held = await api.pool.connect();
    await held.query('begin');
    await held.query(`select set_config('throughline.workspace', $1, true)`, [api.workspaceId]);
    // Where a group that moves history comes last, when it has asked which audiences there are.
    await held.query('select from ownership where subject_id = $1 for update', [
      subjectIdOf(api.workspaceId, { kind: 'anonymous', value: device }),
    ]);
    api.clock.now = new Date(NOW.getTime() + 1000);
    await changeWorkspace(api.db, api.workspaceId, (transaction) =>
      sql`update workspace set audience_epoch = 0`.execute(transaction),
    );
    const mark = randomUUID();
    const writing = given({ type: 'identify', userId: second, anonymousId: device, traits: { mark } });
    await waitForWaiting();
    const { id } = await create({ name: 'Marked', rule: having(mark) });
    expect(await membersOf(id)).toEqual([]);
    await held.query('rollback');
    held.release();
    await writing;
    expect(await countMarks(id)).toBe(0);
    await api.worker.tick();
    expect(await membersOf(id)).toEqual([second]);
  });
});

/** Until somebody waits for a lock. */
async function waitForWaiting(): Promise<void> {
  for (;;) {
    const { rows } = await api.pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (rows.length > 0) return;
  }
}

describe('an audience’s changes', () => {
  it('come in the order of their commits, so that whoever goes on behind the last one misses none', async () => {
    const mark = randomUUID();
    const { id } = await create({ name: 'Marked', rule: having(mark) });
    const names = users(...Array.from({ length: 30 }, (_, index) => `u${index}`));
    const seen: string[] = [];
    let since = '';
    const follow = async () => {
      const { data, last } = await changesOf(id, `?limit=3${since}`);
      seen.push(...data.map(shown));
      since = `&since=${last}`;
      return data.length as number;
    };
    await Promise.all([
      ...names.map(async (name) => {
        await given(identify(name, { mark }));
        await api.worker.tick();
      }),
      (async () => {
        while (seen.length < names.length) await follow();
      })(),
      api.call('POST', `/v1/audiences/${id}/rebuild`),
    ]);
    expect(await follow()).toBe(0);
    expect(seen.map((each) => each.split(' ')[0]).sort()).toEqual(names.sort());
  });

  it('are asked for from a change or a time on; what was never given out is refused', async () => {
    const mark = randomUUID();
    const [ann, bob] = users('ann', 'bob') as [string, string];
    const { id } = await create({ name: 'Marked', rule: having(mark) });
    await given(identify(ann, { mark }));
    await api.worker.tick();
    api.clock.now = new Date(NOW.getTime() + DAY_MS);
    await given(identify(bob, { mark }));
    await api.worker.tick();
    for (const since of ['1', '2026-06-15T12:00:00.001Z', '2026-06-16T12:00:00Z']) {
      expect((await changesOf(id, `?since=${since}`)).data.map(shown)).toEqual([`${bob} entered by event`]);
    }
    expect(await changesOf(id, '?since=2027-01-01T00:00:00Z')).toEqual({
      ...{ data: [], last: '2', hasMore: false },
    });
    for (const since of ['3', 'x', '-1', '1e9']) {
      const { status, body } = await api.get(`/v1/audiences/${id}/changes?since=${since}`);
      expect([since, status, body.error?.code]).toEqual([since, 400, 'invalid_cursor']);
    }
  });

  it('arrive as they happen, and from where a browser was', async () => {
    const mark = randomUUID();
    const [ann, bob] = users('ann', 'bob') as [string, string];
    const { id } = await create({ name: 'Marked', rule: having(mark) });
    await given(identify(ann, { mark }));
    await api.worker.tick();
    const read = async (headers: Record<string, string>, count: number) => {
      const response = await fetch(`${api.url}/v1/audiences/${id}/changes/live`, {
        headers: { authorization: `Bearer ${api.secretKey}`, ...headers },
      });
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      while (text.split('event: change').length <= count) text += (await reader.read()).value ?? '';
      await reader.cancel();
      return [...text.matchAll(/^id: (\d+)\ndata: (.*)$/gm)].map(
        ([, number, data]) => `${number} ${shown(JSON.parse(data!) as Record<string, string>)}`,
      );
    };
    const again = read({ 'last-event-id': '0' }, 2);
    await given(identify(bob, { mark }));
    await api.worker.tick();
    expect(await again).toEqual([`1 ${ann} entered by event`, `2 ${bob} entered by event`]);
  });

  it('make its size over time', async () => {
    const mark = randomUUID();
    const names = users('a', 'b', 'c');
    const { id } = await create({ name: 'Marked', rule: having(mark) });
    for (const [day, name] of names.entries()) {
      api.clock.now = new Date(NOW.getTime() + day * 2 * DAY_MS);
      await given(identify(name, { mark }));
      await api.worker.tick();
    }
    api.clock.now = new Date(api.clock.now.getTime() + 1000);
    await given(identify(names[0]!, { mark: null }));
    await api.worker.tick();
    const { body } = await api.get(`/v1/audiences/${id}/history?from=2026-06-14T00:00:00Z`);
    expect(body.data.map((point: Record<string, unknown>) => Object.values(point))).toEqual([
      ['2026-06-14T00:00:00.000Z', 0, 0, 0],
      ['2026-06-15T00:00:00.000Z', 1, 1, 0],
      ['2026-06-16T00:00:00.000Z', 1, 0, 0],
      ['2026-06-17T00:00:00.000Z', 2, 1, 0],
      ['2026-06-18T00:00:00.000Z', 2, 0, 0],
      ['2026-06-19T00:00:00.000Z', 2, 1, 1],
    ]);
    const hours = await api.get(`/v1/audiences/${id}/history?interval=hour&from=2026-06-19T10:30:00Z`);
    expect(hours.body.data.map(({ size }: { size: number }) => size)).toEqual([2, 2, 2]);
    const long = await api.get(`/v1/audiences/${id}/history?from=2016-06-15T00:00:00Z`);
    expect([long.status, long.body.error.code]).toEqual([400, 'invalid_request']);
  });
});

/** How far the rebuild that runs is, in per cent, where the last one took so long: of the audience, and of the metrics. */
async function progressWhere(id: string, durationMs: number | null) {
  await changeWorkspace(api.db, api.workspaceId, (transaction) =>
    sql`update audience_rebuild set duration_ms = ${durationMs}`.execute(transaction),
  );
  const metrics = await api.call('GET', '/metrics', {
    headers: { authorization: `Bearer ${METRICS_TOKEN}` },
  });
  expect(metrics.body).toMatch(/^throughline_audience_rebuilds_running 1$/m);
  const [, percent] = /^throughline_audience_rebuild_percent (\d+)$/m.exec(metrics.body as string) ?? [];
  const { body } = await api.get(`/v1/audiences/${id}`);
  return [body.rebuild.percent as number | null, percent === undefined ? undefined : Number(percent)];
}

describe('a rebuild', () => {
  it('is seen while it runs, with how far it is by the time of the last one, and cancelled: the members stay', async () => {
    const mark = randomUUID();
    const [ann] = users('ann') as [string];
    await given(identify(ann, { mark }));
    const { id } = await create({ name: 'Marked', rule: having(mark) });
    expect((await api.call('DELETE', `/v1/audiences/${id}/rebuild`)).status).toBe(404);
    // As long as somebody else has its row, it cannot end.
    const held = await api.pool.connect();
    await held.query('begin');
    await held.query(`select set_config('throughline.workspace', $1, true)`, [api.workspaceId]);
    await held.query('select from audience where audience_id = $1 for no key update', [id]);
    try {
      const rebuild = api.call('POST', `/v1/audiences/${id}/rebuild`);
      await waitForWaiting();
      expect((await api.get(`/v1/audiences/${id}`)).body).toMatchObject({
        ...{
          state: 'building',
          rebuild: { startedAt: NOW.toISOString(), expectedMs: expect.any(Number) as number },
        },
      });
      expect(await progressWhere(id, 1)).toEqual([99, 99]);
      expect(await progressWhere(id, 1_000_000_000)).toEqual([0, 0]);
      expect(await progressWhere(id, null)).toEqual([null, undefined]);
      expect((await api.call('DELETE', `/v1/audiences/${id}/rebuild`)).status).toBe(204);
      const { status, body } = await rebuild;
      expect([status, body.error.code]).toEqual([409, 'rebuild_cancelled']);
    } finally {
      await held.query('rollback');
      held.release();
    }
    expect(await membersOf(id)).toEqual([ann]);
    expect((await api.get(`/v1/audiences/${id}`)).body).toMatchObject({ state: 'ready', error: null });
  });

  it('comes by itself when the time zone changes', async () => {
    const { id } = await create({ name: 'Buyers', rule: BUYERS });
    await api.call('PATCH', '/v1/workspace', { body: { timezone: 'Europe/Berlin' } });
    expect((await api.get(`/v1/audiences/${id}`)).body.state).toBe('building');
    api.clock.now = new Date(NOW.getTime() + 1000);
    await api.worker.tick();
    expect((await api.get(`/v1/audiences/${id}`)).body).toMatchObject({
      ...{ state: 'ready', rebuiltAt: api.clock.now.toISOString() },
    });
  });
});

describe('a count from scratch', () => {
  it('comes once a day, finds nothing wrong, and puts right what somebody broke', async () => {
    const mark = randomUUID();
    const [ann, bob] = users('ann', 'bob') as [string, string];
    await given(identify(ann, { mark }), identify(bob, { mark }));
    const { id } = await create({ name: 'Marked', rule: having(mark) });
    api.clock.now = new Date(NOW.getTime() + DAY_MS);
    await api.worker.tick();
    expect((await api.get(`/v1/audiences/${id}`)).body).toMatchObject({
      ...{ checkedAt: api.clock.now.toISOString(), drift: 0 },
    });
    await changeWorkspace(api.db, api.workspaceId, (transaction) =>
      sql`delete from audience_member where profile_id = ${subjectIdOf(api.workspaceId, { kind: 'user', value: ann })}`.execute(
        transaction,
      ),
    );
    api.clock.now = new Date(NOW.getTime() + 2 * DAY_MS);
    await api.worker.tick();
    expect((await api.get(`/v1/audiences/${id}`)).body.drift).toBe(1);
    await api.worker.tick();
    expect(await membersOf(id)).toEqual([ann, bob]);
    const { body } = await api.call('GET', '/metrics', {
      headers: { authorization: `Bearer ${METRICS_TOKEN}` },
    });
    expect(body).toMatch(/^throughline_audience_drift 1$/m);
  });
});

describe('another rule', () => {
  it('becomes an audience’s own with its members; who stays keeps since when', async () => {
    const marks = [randomUUID(), randomUUID()] as const;
    const [ann, bob, cat] = users('ann', 'bob', 'cat') as [string, string, string];
    await given(identify(ann, { mark: marks[0] }), identify(bob, { mark: marks[0], vip: true }));
    await given(identify(cat, { mark: marks[1], vip: true }));
    const { id } = await create({ name: 'Marked', rule: having(marks[0]) });
    api.clock.now = new Date(NOW.getTime() + 1000);
    const vips = {
      all: [
        { trait: 'mark', in: [...marks] },
        { trait: 'vip', eq: true },
      ],
    };
    const { status, body } = await api.call('PATCH', `/v1/audiences/${id}`, {
      body: { name: 'VIPs', rule: vips },
    });
    expect([status, body.name, body.rule, body.key]).toEqual([200, 'VIPs', vips, 'marked']);
    const { data } = (await api.get(`/v1/audiences/${id}/members`)).body;
    expect(data.map((member: Record<string, string>) => [member['userId'], member['enteredAt']])).toEqual([
      [cat, api.clock.now.toISOString()],
      [bob, NOW.toISOString()],
    ]);
    await given(identify(ann, { vip: true }));
    await api.worker.tick();
    expect(await membersOf(id)).toEqual([ann, bob, cat]);
  });

  it('that cannot run leaves the old one and its members, and says why', async () => {
    const mark = randomUUID();
    const [ann] = users('ann') as [string];
    await given(identify(ann, { mark }), buys(ann));
    const { id, rule } = await create({ name: 'Marked', rule: having(mark) });
    await changeWorkspace(api.db, api.workspaceId, (transaction) =>
      sql`update workspace set timezone = 'Mars/Olympus'`.execute(transaction),
    );
    const { status } = await api.call('PATCH', `/v1/audiences/${id}`, { body: { rule: BUYERS } });
    expect(status).toBe(500);
    expect((await api.get(`/v1/audiences/${id}`)).body).toMatchObject({
      ...{ rule, size: 1, error: expect.stringContaining('22023') as string },
    });
    expect(await membersOf(id)).toEqual([ann]);
  });
});

describe('an audience that another one’s rule reads', () => {
  it('moves the other one’s members with its own, and cannot be deleted, nor lead back to itself', async () => {
    const mark = randomUUID();
    const [ann] = users('ann') as [string];
    const inner = await create({ name: 'Inner', rule: having(mark) });
    const outer = await create({ name: 'Outer', rule: { audience: 'inner' } });
    await given(identify(ann, { mark }));
    await api.worker.tick();
    expect(await membersOf(outer.id)).toEqual([ann]);
    const deleted = await api.call('DELETE', `/v1/audiences/${inner.id}`);
    expect([deleted.status, deleted.body.error]).toMatchObject([
      409,
      { code: 'audience_in_use', detail: ['outer'] },
    ]);
    const circle = await api.call('PATCH', `/v1/audiences/${inner.id}`, {
      body: { rule: { audience: 'outer' } },
    });
    expect([circle.status, circle.body.error.code]).toEqual([400, 'invalid_rule']);
    const unknown = await api.call('POST', '/v1/audiences', {
      body: { name: 'x', rule: { audience: 'none' } },
    });
    expect([unknown.status, unknown.body.error.code]).toEqual([400, 'invalid_rule']);
    api.clock.now = new Date(NOW.getTime() + 1000);
    await given(identify(ann, { mark: null }));
    await api.worker.tick();
    expect(await membersOf(outer.id)).toEqual([]);
  });
});

describe('a static audience', () => {
  const csv = (id: string, method: string, body: string) =>
    api.call(method, `/v1/audiences/${id}/members`, {
      headers: { authorization: `Bearer ${api.secretKey}`, 'content-type': 'text/csv' },
      body,
    });

  it('has those whom its list names; whom nobody knows is said', async () => {
    const [ann, bob, cat] = users('ann', 'bob', 'cat') as [string, string, string];
    await given(identify(ann), identify(bob, { email: `${bob}@x.test` }), identify(cat));
    const { id, kind, rule } = await create({ name: 'Friends', ids: [`user:${ann}`, 'user:nobody'] });
    expect([kind, rule]).toEqual(['static', null]);
    expect(await membersOf(id)).toEqual([ann]);
    const added = await csv(id, 'POST', `\uFEFFname,Email\r\n"Bob, B.",${bob}@x.test\r\nX,x@x.test\r\n`);
    expect(added.body).toEqual({
      size: 2,
      entered: 1,
      exited: 0,
      unknown: ['email:x@x.test'],
      unknownCount: 1,
    });
    const file = (await api.get(`/v1/audiences/${id}/export?format=csv`)).body as string;
    const replaced = await csv(id, 'PUT', `${cat}\n`);
    expect(replaced.body).toMatchObject({ size: 1, entered: 1, exited: 2, unknownCount: 0 });
    expect(await membersOf(id)).toEqual([cat]);
    expect((await csv(id, 'PUT', file)).body).toMatchObject({ size: 2, entered: 2, exited: 1 });
    expect(await membersOf(id)).toEqual([ann, bob]);
  });

  it('takes one in and lets one out by hand, and an audience with a rule does not', async () => {
    const [ann] = users('ann') as [string];
    await given({ type: 'identify', userId: ann, anonymousId: `${ann}-device` });
    const { id } = await create({ name: 'Friends', ids: [] });
    const member = `/v1/audiences/${id}/members/user:${ann}`;
    expect((await api.call('PUT', member)).body).toEqual({ size: 1, entered: 1, exited: 0 });
    expect((await api.call('PUT', member)).body).toEqual({ size: 1, entered: 0, exited: 0 });
    // By another of their names.
    const removed = await api.call('DELETE', `/v1/audiences/${id}/members/anonymous:${ann}-device`);
    expect(removed.status).toBe(204);
    expect(await membersOf(id)).toEqual([]);
    expect((await api.call('PUT', `/v1/audiences/${id}/members/user:nobody`)).status).toBe(404);
    const ruled = await create({ name: 'Buyers', rule: BUYERS });
    for (const [method, path] of [
      ['PUT', `/members/user:${ann}`],
      ['DELETE', `/members/user:${ann}`],
    ] as const) {
      const { status, body } = await api.call(method, `/v1/audiences/${ruled.id}${path}`);
      expect([status, body.error.code]).toEqual([409, 'not_static']);
    }
    expect((await csv(ruled.id, 'POST', ann)).body.error.code).toBe('not_static');
    const patched = await api.call('PATCH', `/v1/audiences/${id}`, { body: { rule: BUYERS } });
    expect(patched.body.error.code).toBe('not_static');
  });

  it('has a device’s user as soon as the device signs in', async () => {
    const [ann] = users('ann') as [string];
    const device = `device-${ann}`;
    await given({ type: 'page', anonymousId: device });
    const { id } = await create({ name: 'Friends', ids: [`anonymous:${device}`] });
    expect(await membersOf(id)).toEqual([device]);
    await given({ type: 'identify', userId: ann, anonymousId: device });
    await api.worker.tick();
    expect(await membersOf(id)).toEqual([ann]);
    const { data } = await changesOf(id);
    expect(data.map(({ change }: { change: string }) => change)).toEqual(['entered', 'exited', 'entered']);
  });
});

describe('the members of an audience', () => {
  it('come with why, clause by clause, when that is asked for', async () => {
    const mark = randomUUID();
    const [ann, bob] = users('ann', 'bob') as [string, string];
    await given(identify(ann, { mark }), buys(ann), identify(bob, { mark }));
    const { id } = await create({ name: 'Marked', rule: { all: [having(mark), { not: BUYERS }] } });
    const plain = await api.get(`/v1/audiences/${id}/members`);
    expect(Object.keys(plain.body)).toEqual(['data', 'nextCursor']);
    expect(plain.body.data[0]).not.toHaveProperty('why');
    const { body } = await api.get(`/v1/audiences/${id}/members?why=true`);
    expect(body.clauses).toEqual([
      { path: 'rule.all[0]', text: expect.stringContaining('mark') as string },
      { path: 'rule.all[1].not', text: expect.stringContaining('Order Completed') as string },
    ]);
    expect(body.data).toMatchObject([
      {
        userId: bob,
        why: [
          { path: 'rule.all[0]', holds: true, value: mark },
          { path: 'rule.all[1].not', holds: false, value: 0 },
        ],
      },
    ]);
    const many = await api.get(`/v1/audiences/${id}/members?why=true&limit=101`);
    expect([many.status, many.body.error]).toMatchObject([
      400,
      { code: 'invalid_request', detail: [{ path: 'querystring.limit' }] },
    ]);
    const list = await create({ name: 'Friends', ids: [`user:${ann}`] });
    const listed = await api.get(`/v1/audiences/${list.id}/members?why=true`);
    expect(listed.body).toMatchObject({ clauses: [], data: [{ userId: ann, cause: 'list', why: [] }] });
  });
});

describe('who is erased', () => {
  it('exits, and of their changes and lists nothing else is left', async () => {
    const [ann, bob] = users('ann', 'bob') as [string, string];
    await given(buys(ann), buys(bob));
    const buyers = await create({ name: 'Buyers', rule: BUYERS });
    const friends = await create({ name: 'Friends', ids: [`user:${ann}`] });
    await api.call('POST', '/v1/regulations', { body: { type: 'delete', ids: [`user:${ann}`] } });
    await api.worker.tick();
    await api.worker.tick();
    const profileId = subjectIdOf(api.workspaceId, { kind: 'user', value: ann });
    for (const { id } of [buyers, friends]) {
      expect(await membersOf(id)).not.toContain(ann);
      const theirs = (await changesOf(id)).data.filter(
        (change: Record<string, string>) => change['profileId'] === profileId,
      );
      expect(theirs).toMatchObject([{ change: 'exited', cause: 'erasure', userId: null }]);
    }
    expect(await membersOf(buyers.id)).toContain(bob);
    const left = await inWorkspace(api.db, api.workspaceId, (transaction) =>
      transaction.selectFrom('audience_listed').select('subject_id').execute(),
    );
    expect(left).toEqual([]);
  });
});

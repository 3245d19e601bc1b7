import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { changeWorkspace } from '../../src/db/connect';
import { createWorker } from '../../src/worker';
import { type Answer, type Api, openApi } from '../support/api';

const NOW = new Date('2026-06-15T12:00:00.000Z');
const DAY_MS = 86_400_000;
const EVERYBODY = { trait: '$events', gte: 0 };
const SPENDERS = { event: 'Order Completed', agg: 'sum', of: 'revenue', within: '30d', gte: 100 };

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  api.clock.now = NOW;
  await changeWorkspace(api.db, api.workspaceId, async (transaction) => {
    await sql`delete from audience`.execute(transaction);
    await sql`update workspace set timezone = 'UTC'`.execute(transaction);
  });
});

async function given(items: readonly object[]): Promise<void> {
  const { body } = await api.batch(items);
  expect(body.rejected).toEqual([]);
}

/** Users of this test alone, so that tests do not see each other's. */
function users(...names: readonly string[]): string[] {
  const suffix = randomUUID().slice(0, 8);
  return names.map((name) => `${name}-${suffix}`);
}

const buys = (userId: string, revenue: number) => ({
  type: 'track',
  event: 'Order Completed',
  userId,
  properties: { revenue, currency: 'USD' },
});
const identify = (userId: string, traits: object) => ({ type: 'identify', userId, traits });
/** Those of these users who have the trait, whoever else there is. */
const having = (mark: string) => ({ trait: 'mark', eq: mark });

async function create(body: object): Promise<Answer['body']> {
  const answer = await api.call('POST', '/v1/audiences', { body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
}

async function membersOf(reference: string): Promise<string[]> {
  const { body } = await api.get(`/v1/audiences/${reference}/members?limit=1000`);
  return body.data.map((member: { userId: string }) => member.userId).sort();
}

describe('an audience', () => {
  it('has its members as soon as it is created', async () => {
    const [ann, bob, cat] = users('ann', 'bob', 'cat') as [string, string, string];
    await given([buys(ann, 59.99), buys(ann, 40.01), buys(bob, 99.99), { type: 'page', anonymousId: cat }]);
    const audience = await create({ name: 'Spent ≥ 100 in 30 days', rule: SPENDERS });
    expect(audience).toEqual({
      id: expect.any(String),
      key: 'spent-100-in-30-days',
      name: 'Spent ≥ 100 in 30 days',
      kind: 'rule',
      rule: SPENDERS,
      size: 1,
      createdAt: NOW.toISOString(),
      updatedAt: NOW.toISOString(),
      state: 'ready',
      rebuild: null,
      rebuiltAt: NOW.toISOString(),
      error: null,
      nextCheckAt: '2026-07-15T12:00:00.000Z',
      checkedAt: NOW.toISOString(),
      drift: null,
      lastChange: '1',
    });
    const { body } = await api.get(`/v1/audiences/${audience.id}/members`);
    expect(body).toEqual({
      data: [
        {
          profileId: expect.any(String),
          userId: ann,
          email: null,
          anonymousId: null,
          enteredAt: NOW.toISOString(),
          cause: 'rebuild',
        },
      ],
      nextCursor: null,
    });
    const profile = await api.get(`/v1/profiles/user:${ann}`);
    expect(profile.body.id).toBe(body.data[0].profileId);
    expect(profile.body.audiences).toEqual([
      { id: audience.id, key: audience.key, name: audience.name, enteredAt: NOW.toISOString() },
    ]);
  });

  it('answers to its ID and to its key', async () => {
    const audience = await create({ name: 'Everybody', key: 'all', rule: EVERYBODY });
    expect((await api.get(`/v1/audiences/${audience.id}`)).body).toEqual(audience);
    expect((await api.get('/v1/audiences/all')).body).toEqual(audience);
  });

  it('keeps the shorthand as the rule that it stands for', async () => {
    const { rule } = await create({ name: 'x', rule: { min_total_spend: 100, days_since_last_event: 30 } });
    expect(rule).toEqual({
      all: [
        { trait: '$revenue', gte: 100 },
        { trait: '$last_seen', after: '30d' },
      ],
    });
  });

  it('is listed with the others, newest first, page by page', async () => {
    const keys = ['one', 'two', 'three'];
    for (const key of keys) {
      await create({ name: key, key, rule: EVERYBODY });
      api.clock.now = new Date(api.clock.now.getTime() + 1);
    }
    const first = (await api.get('/v1/audiences?limit=2')).body;
    const rest = (await api.get(`/v1/audiences?limit=2&cursor=${first.nextCursor}`)).body;
    expect([...first.data, ...rest.data].map(({ key }) => key)).toEqual(['three', 'two', 'one']);
    expect(rest.nextCursor).toBeNull();
  });

  it('goes with its members when it is deleted', async () => {
    const [ann] = users('ann') as [string];
    await given([identify(ann, {})]);
    const { id } = await create({ name: 'Everybody', rule: EVERYBODY });
    const deleted = await api.call('DELETE', `/v1/audiences/${id}`);
    expect(deleted.status).toBe(204);
    expect((await api.get(`/v1/audiences/${id}`)).status).toBe(404);
    expect((await api.get(`/v1/profiles/user:${ann}`)).body.audiences).toEqual([]);
    expect((await api.call('DELETE', `/v1/audiences/${id}`)).status).toBe(404);
  });

  it('lists its members who entered last first, page by page, none twice and none missed', async () => {
    const mark = randomUUID();
    const names = users('a', 'b', 'c', 'd', 'e');
    await given(names.slice(0, 3).map((name) => identify(name, { mark })));
    const { id } = await create({ name: 'Marked', rule: having(mark) });
    api.clock.now = new Date(NOW.getTime() + 1000);
    await given(names.slice(3).map((name) => identify(name, { mark })));
    await api.call('POST', `/v1/audiences/${id}/rebuild`);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body }: Answer = await api.get(
        `/v1/audiences/${id}/members?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...body.data.map((member: { userId: string }) => member.userId));
      cursor = body.nextCursor;
    }
    expect(seen.slice(0, 2).sort()).toEqual(names.slice(3));
    expect(seen.slice(2).sort()).toEqual(names.slice(0, 3));
  });
});

describe('a request for an audience is refused', () => {
  it('with the path of each fault of its rule', async () => {
    const answer = await api.call('POST', '/v1/audiences', {
      body: { name: 'x', rule: { all: [{ trait: 'plan' }, { event: 'a', within: 'soon' }] } },
    });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({
      code: 'invalid_rule',
      detail: [
        { path: 'rule.all[0]', message: expect.stringContaining('trait "plan"') },
        { path: 'rule.all[1].within', message: expect.stringContaining('"30d"') },
      ],
    });
  });

  it.each([
    ['no name', { rule: EVERYBODY }, 'invalid_request'],
    ['a blank name', { name: ' ', rule: EVERYBODY }, 'invalid_request'],
    ['a name that cannot be stored', { name: 'a\0b', rule: EVERYBODY }, 'invalid_request'],
    ['no rule', { name: 'x' }, 'invalid_request'],
    ['a field that nobody knows', { name: 'x', rule: EVERYBODY, colour: 'red' }, 'invalid_request'],
    ['a key with other letters', { name: 'x', key: 'A B', rule: EVERYBODY }, 'invalid_request'],
    ['a key like an ID', { name: 'x', key: randomUUID(), rule: EVERYBODY }, 'invalid_request'],
    ['a rule that is null', { name: 'x', rule: null }, 'invalid_rule'],
  ])('for %s', async (_what, body, code) => {
    const answer = await api.call('POST', '/v1/audiences', { body });
    expect([answer.status, answer.body.error.code]).toEqual([400, code]);
  });

  it('where its key is taken, also by the same request a moment ago', async () => {
    await create({ name: 'Big spenders', rule: EVERYBODY });
    const again = await api.call('POST', '/v1/audiences', {
      body: { name: 'big  spenders', rule: EVERYBODY },
    });
    expect([again.status, again.body.error.code]).toEqual([409, 'key_taken']);
    const both = await Promise.all(
      [1, 2].map(() => api.call('POST', '/v1/audiences', { body: { name: 'Twice', rule: EVERYBODY } })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  it('where there is none', async () => {
    const paths = ['', '/members', '/export'].flatMap((path) =>
      [randomUUID(), 'nobody', "x'--"].map((id) => `/v1/audiences/${encodeURIComponent(id)}${path}`),
    );
    for (const path of paths) expect((await api.get(path)).status, path).toBe(404);
    expect((await api.call('POST', `/v1/audiences/${randomUUID()}/rebuild`)).status).toBe(404);
    expect((await api.call('DELETE', '/v1/audiences/nobody')).status).toBe(404);
  });

  it('without a secret key', async () => {
    const { id } = await create({ name: 'Everybody', rule: EVERYBODY });
    for (const authorization of ['', `Bearer ${api.writeKey}`]) {
      for (const path of ['', `/${id}`, `/${id}/members`, `/${id}/export`]) {
        const answer = await api.call('GET', `/v1/audiences${path}`, { headers: { authorization } });
        expect(answer.status, path).toBe(401);
      }
    }
  });

  it('of another workspace', async () => {
    const other = randomUUID();
    const [ann] = users('ann') as [string];
    await given([identify(ann, {})]);
    await changeWorkspace(api.db, other, async (transaction) => {
      await sql`insert into workspace (workspace_id, name, audience_epoch) values (${other}, 'Other', 1)`.execute(
        transaction,
      );
      await sql`insert into audience (workspace_id, audience_id, key, name, rule)
        values (${other}, ${other}, 'theirs', 'Theirs', ${JSON.stringify(EVERYBODY)})`.execute(transaction);
    });
    for (const id of [other, 'theirs']) {
      expect((await api.get(`/v1/audiences/${id}`)).status).toBe(404);
      expect((await api.get(`/v1/audiences/${id}/export`)).status).toBe(404);
      expect((await api.call('POST', `/v1/audiences/${id}/rebuild`)).status).toBe(404);
      expect((await api.call('DELETE', `/v1/audiences/${id}`)).status).toBe(404);
    }
    expect((await api.get('/v1/audiences')).body.data).toEqual([]);
    // And theirs does not see ours, though everybody matches its rule.
    await createWorker({ db: api.db, now: () => api.clock.now, log: SILENT }).tick();
    const { rows } = await changeWorkspace(api.db, other, (transaction) =>
      sql`select size, rebuilt_at is not null as is_rebuilt from audience`.execute(transaction),
    );
    expect(rows).toEqual([{ size: 0, is_rebuilt: true }]);
  });
});

const SILENT = { error: () => undefined, warn: () => undefined };

describe('a rebuild', () => {
  it('lets in who matches now, lets out who does not, and keeps since when the others are in', async () => {
    const mark = randomUUID();
    const [stays, leaves, comes] = users('stays', 'leaves', 'comes') as [string, string, string];
    await given([identify(stays, { mark }), identify(leaves, { mark }), identify(comes, {})]);
    const { id } = await create({ name: 'Marked', rule: having(mark) });
    expect(await membersOf(id)).toEqual([leaves, stays].sort());
    api.clock.now = new Date(NOW.getTime() + 60_000);
    await given([identify(leaves, { mark: null }), identify(comes, { mark })]);
    const { status, body } = await api.call('POST', `/v1/audiences/${id}/rebuild`);
    expect([status, body]).toEqual([
      200,
      { size: 2, entered: 1, exited: 1, rebuiltAt: api.clock.now.toISOString() },
    ]);
    const members = (await api.get(`/v1/audiences/${id}/members`)).body.data;
    expect(members.map(({ userId, enteredAt }: Record<string, string>) => [userId, enteredAt])).toEqual([
      [comes, api.clock.now.toISOString()],
      [stays, NOW.toISOString()],
    ]);
    expect((await api.get(`/v1/audiences/${id}`)).body).toMatchObject({
      size: 2,
      rebuiltAt: api.clock.now.toISOString(),
    });
  });

  it('lets out whose time has passed, though nothing happened', async () => {
    const [ann] = users('ann') as [string];
    await given([buys(ann, 1000)]);
    const { id } = await create({ name: 'Spenders', rule: SPENDERS });
    expect(await membersOf(id)).toContain(ann);
    api.clock.now = new Date(NOW.getTime() + 30 * DAY_MS - 1);
    await api.call('POST', `/v1/audiences/${id}/rebuild`);
    expect(await membersOf(id)).toContain(ann);
    api.clock.now = new Date(NOW.getTime() + 30 * DAY_MS);
    await api.call('POST', `/v1/audiences/${id}/rebuild`);
    expect(await membersOf(id)).not.toContain(ann);
  });

  it('shows its readers the members from before or from after, and nothing between', async () => {
    const marks = [randomUUID(), randomUUID()] as const;
    const names = users(...Array.from({ length: 40 }, (_, index) => `u${index}`));
    // Everybody in the first half has one mark, everybody in the second the other; then they swap.
    const identifyAll = (turn: number) => {
      api.clock.now = new Date(NOW.getTime() + turn);
      return given(
        names.map((name, index) => identify(name, { mark: marks[(turn + Number(index < 20)) % 2] })),
      );
    };
    await identifyAll(0);
    const { id } = await create({ name: 'Swapping', rule: having(marks[0]) });
    const whole = [names.slice(20), names.slice(0, 20)].map((half) => half.sort().join());
    const seen: string[] = [];
    let isReading = true;
    const reader = async () => {
      while (isReading) {
        const { body } = await api.get(`/v1/audiences/${id}/export`);
        const rows: string[] = body.trimEnd().split('\r\n').slice(1);
        const exported = rows.map((row) => row.split(',')[1]!);
        seen.push((await membersOf(id)).join(), exported.sort().join());
      }
    };
    const readers = [reader(), reader()];
    for (let turn = 1; turn <= 8; turn += 1) {
      await identifyAll(turn);
      const { body } = await api.call('POST', `/v1/audiences/${id}/rebuild`);
      expect(body).toMatchObject({ size: 20, entered: 20, exited: 20 });
      const reads = seen.length;
      while (seen.length < reads + 4) await new Promise(setImmediate);
    }
    isReading = false;
    await Promise.all(readers);
    expect(new Set(seen)).toEqual(new Set(whole));
  });

  it('that fails keeps the last good members and says why, until one succeeds', async () => {
    const [ann] = users('ann') as [string];
    await given([buys(ann, 1000)]);
    const { id, rebuiltAt } = await create({ name: 'Spenders', rule: SPENDERS });
    const members = await membersOf(id);
    const setTimezone = (timezone: string) =>
      changeWorkspace(api.db, api.workspaceId, (transaction) =>
        transaction.updateTable('workspace').set({ timezone }).execute(),
      );
    await setTimezone('Mars/Olympus');
    api.clock.now = new Date(NOW.getTime() + DAY_MS);
    const failed = await api.call('POST', `/v1/audiences/${id}/rebuild`);
    expect([failed.status, failed.body.error.code]).toEqual([500, 'internal']);
    const { error, ...audience } = (await api.get(`/v1/audiences/${id}`)).body;
    expect(error).toBe('The rebuild failed (22023); the log has the details.');
    expect(audience).toMatchObject({ size: members.length, rebuiltAt });
    expect(await membersOf(id)).toEqual(members);
    expect(members).toContain(ann);

    await setTimezone('UTC');
    api.clock.now = new Date(NOW.getTime() + 60 * DAY_MS);
    expect((await api.call('POST', `/v1/audiences/${id}/rebuild`)).body).toMatchObject({ size: 0 });
    expect((await api.get(`/v1/audiences/${id}`)).body).toMatchObject({ error: null, size: 0 });
  });

  it('refuses a stored rule that this version does not know, and says where', async () => {
    const { id } = await create({ name: 'Everybody', rule: EVERYBODY });
    await changeWorkspace(api.db, api.workspaceId, (transaction) =>
      transaction
        .updateTable('audience')
        .set({ rule: JSON.stringify({ all: [{ weather: 'fine' }] }) })
        .execute(),
    );
    const { status } = await api.call('POST', `/v1/audiences/${id}/rebuild`);
    expect(status).toBe(500);
    expect((await api.get(`/v1/audiences/${id}`)).body.error).toEqual(
      expect.stringMatching(/^The stored rule is not valid: rule\.all\[0\] must have one of /),
    );
  });

  it('waits for another one of the same audience, and both give the same members', async () => {
    const mark = randomUUID();
    const names = users('a', 'b', 'c');
    const { id } = await create({ name: 'Marked', rule: having(mark) });
    await given(names.map((name) => identify(name, { mark })));
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => api.call('POST', `/v1/audiences/${id}/rebuild`)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(answers.map(({ body }) => body.size)).toEqual([3, 3, 3, 3, 3, 3]);
    // Who entered did so once.
    expect(answers.map(({ body }) => body.entered).sort()).toEqual([0, 0, 0, 0, 0, 3]);
    expect(await membersOf(id)).toEqual(names);
  });
});

describe('the worker', () => {
  const open = () => createWorker({ db: api.db, now: () => api.clock.now, log: SILENT });

  it('lets out whose time has passed, and nobody earlier', async () => {
    const [ann] = users('ann') as [string];
    await given([buys(ann, 1000)]);
    const { id } = await create({ name: 'Spenders', rule: SPENDERS });
    const worker = open();
    api.clock.now = new Date(NOW.getTime() + 30 * DAY_MS - 1);
    await worker.tick();
    expect(await membersOf(id)).toContain(ann);
    api.clock.now = new Date(NOW.getTime() + 30 * DAY_MS);
    await worker.tick();
    expect(await membersOf(id)).not.toContain(ann);
    await worker.close();
  });

  it('leaves an audience alone that another process has', async () => {
    const [ann] = users('ann') as [string];
    const { id } = await create({ name: 'Everybody', rule: EVERYBODY });
    await given([identify(ann, {})]);
    await changeWorkspace(api.db, api.workspaceId, async (transaction) => {
      await sql`select from audience where audience_id = ${id} for no key update`.execute(transaction);
      // Would wait for this transaction to end, and so for ever, if it did not skip.
      await open().tick();
      expect(await membersOf(id)).not.toContain(ann);
    });
    await open().tick();
    expect(await membersOf(id)).toContain(ann);
  });

  it('goes on with the others where one audience fails, says why, and comes back to it', async () => {
    const [ann] = users('ann') as [string];
    const bad = await create({ name: 'Bad', rule: { event: 'Order Completed', within: '1d' } });
    const good = await create({ name: 'Good', rule: EVERYBODY });
    const setTimezone = (timezone: string) =>
      changeWorkspace(api.db, api.workspaceId, (transaction) =>
        transaction.updateTable('workspace').set({ timezone }).execute(),
      );
    await setTimezone('Mars/Olympus');
    await given([buys(ann, 1)]);
    const errors: unknown[] = [];
    const log = { ...SILENT, error: (fields: unknown) => void errors.push(fields) };
    const worker = createWorker({ db: api.db, now: () => api.clock.now, log });
    await worker.tick();
    expect(errors).toMatchObject([{ audienceId: bad.id }]);
    expect((await api.get(`/v1/audiences/${bad.id}`)).body.error).toContain('22023');
    expect((await api.get(`/v1/audiences/${good.id}`)).body.error).toBeNull();
    expect(await membersOf(good.id)).toContain(ann);
    await setTimezone('UTC');
    api.clock.now = new Date(NOW.getTime() + 60_000);
    await worker.tick();
    expect(await membersOf(bad.id)).toContain(ann);
    expect((await api.get(`/v1/audiences/${bad.id}`)).body.error).toBeNull();
  });

  it('does not run twice at once, and does nothing after it was closed', async () => {
    const [ann] = users('ann') as [string];
    const { id } = await create({ name: 'Everybody', rule: EVERYBODY });
    const worker = open();
    expect(worker.tick()).toBe(worker.tick());
    await worker.close();
    await given([identify(ann, {})]);
    await worker.tick();
    expect(await membersOf(id)).not.toContain(ann);
  });

  describe('creates partitions', () => {
    async function partitions(): Promise<string[]> {
      const { rows } = await sql<{ name: string }>`
        select inhrelid::regclass::text as name from pg_inherits
        where inhparent = 'event'::regclass`.execute(api.db);
      return rows.map(({ name }) => name);
    }

    it('of the months to come, once a day', async () => {
      const worker = open();
      api.clock.now = new Date('2031-11-30T23:30:00.000Z');
      await worker.tick();
      expect(await partitions()).toEqual(
        expect.arrayContaining(['event_2031_11', 'event_2031_12', 'event_2032_01']),
      );
      api.clock.now = new Date('2031-12-01T12:00:00.000Z');
      await worker.tick();
      expect(await partitions()).not.toContain('event_2032_02');
      api.clock.now = new Date('2031-12-01T23:30:00.000Z');
      await worker.tick();
      expect(await partitions()).toContain('event_2032_02');
    });

    it('of the other months where one already has events in the default partition, and says so', async () => {
      api.clock.now = new Date('2033-10-31T12:00:00.000Z');
      const [ann] = users('ann') as [string];
      await given([identify(ann, {})]);
      const warnings: unknown[] = [];
      const log = { ...SILENT, warn: (fields: unknown) => void warnings.push(fields) };
      await createWorker({ db: api.db, now: () => api.clock.now, log }).tick();
      expect(warnings).toEqual([{ months: ['2033-10'] }, { events: expect.any(Number) as number }]);
      expect(await partitions()).toEqual(expect.arrayContaining(['event_2033_11', 'event_2033_12']));
      expect((await api.get(`/v1/profiles/user:${ann}`)).status).toBe(200);
    });
  });
});

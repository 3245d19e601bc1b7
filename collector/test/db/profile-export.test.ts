import { randomUUID } from 'node:crypto';
import { get, type IncomingMessage } from 'node:http';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeWorkspace } from '../../src/db/connect';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const path = (userId: string) => `/v1/profiles/user:${userId}/export`;

/** Somebody with 40 MB of events, more than all buffers on the way hold. */
async function createLargeProfile(): Promise<string> {
  const userId = randomUUID();
  const properties = { filler: 'x'.repeat(2_000) };
  await api.batch([{ type: 'track', event: 'Filled', userId, properties }]);
  await changeWorkspace(api.db, api.workspaceId, (transaction) =>
    sql`insert into event (workspace_id, received_at, message_id, source_id, type, name, subject_id, user_id,
        occurred_at, properties)
      select workspace_id, received_at, md5(user_id || n)::uuid, source_id, type, name, subject_id, user_id,
        occurred_at, properties
      from event, generate_series(1, 20000) as n where user_id = ${userId}`.execute(transaction),
  );
  return userId;
}

/** Begins over a connection of its own and takes nothing; destroying the answer hangs up. */
function begin(userId: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${api.secretKey}` };
    get(api.url + path(userId), { agent: false, headers }, (answer) => {
      answer.on('error', () => undefined);
      resolve(answer.pause());
    }).on('error', reject);
  });
}

/** The backends of exports that are under way; what the collector does beside them has transactions too. */
async function openExports(): Promise<number[]> {
  const { rows } = await sql<{ pid: number }>`
    select pid from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%'
      and (query like '%fetch%places%' or query like '%original_message_id%')`.execute(api.db);
  return rows.map(({ pid }) => pid);
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise(setImmediate);
}

describe('an export of a profile', () => {
  it('has the profile, its identifiers and all its events, oldest first, and says that it is whole', async () => {
    const at = (minute: number) => `2026-06-15T10:0${minute}:00.000Z`;
    await api.batch([
      { type: 'page', anonymousId: 'tab', messageId: 'm1', timestamp: at(1), context: { sessionId: 's' } },
      {
        type: 'identify',
        userId: 'ada',
        anonymousId: 'tab',
        messageId: 'm2',
        timestamp: at(2),
        traits: { plan: 'pro' },
      },
      { type: 'track', event: 'Bought', userId: 'ada', messageId: 'm3', timestamp: at(3) },
      { type: 'page', userId: 'bob', messageId: 'm4' },
    ]);
    const { status, headers, body } = await api.get(path('ada'));
    expect([status, headers.get('content-type')]).toEqual([200, 'application/x-ndjson; charset=utf-8']);
    const lines = (body as string)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { profile: { userId: 'ada', events: 3, traits: { plan: 'pro' } } },
      { identifier: { kind: 'user', value: 'ada' } },
      { identifier: { kind: 'anonymous', value: 'tab' } },
      { event: { messageId: 'm1', via: { kind: 'anonymous' }, context: { sessionId: 's' } } },
      { event: { messageId: 'm2' } },
      { event: { messageId: 'm3' } },
      { done: true, events: 3 },
    ]);
    expect((await api.get(path('nobody'))).status).toBe(404);
  });

  it('that nobody reads any more ends, and lets go of its connection', async () => {
    const userId = await createLargeProfile();
    const answer = await begin(userId);
    await until(async () => (await openExports()).length === 1);
    answer.destroy();
    await until(async () => (await openExports()).length === 0);
    expect((await api.get('/v1/profiles/user:ada')).status).toBe(200);
  });

  it('that breaks off says so in its last line', async () => {
    const userId = await createLargeProfile();
    const answer = await begin(userId);
    // It is idle only between two statements, until the reader's buffers are full.
    let pid: number | undefined;
    await until(async () => ([pid] = await openExports()).length === 1);
    await sql`select pg_terminate_backend(${pid})`.execute(api.db);
    let text = '';
    for await (const chunk of answer.setEncoding('utf8')) text += chunk;
    const last = JSON.parse(text.trimEnd().split('\n').at(-1)!);
    expect(last).toEqual({ error: { code: 'unavailable', message: expect.any(String) } });
  });
});

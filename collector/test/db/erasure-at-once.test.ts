import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { subjectIdOf } from '../../src/core/identifier';
import { inWorkspace } from '../../src/db/connect';
import { make } from '../support/changes';
import { addWorkspace, erase } from '../support/erasing';
import { hold, letGo, waiting } from '../support/held-rows';
import { portraitsStored } from '../support/portraits';
import { openWriting, RECEIVED_AT, type Writing } from '../support/writing';

let writing: Writing;
beforeEach(async () => {
  writing = await openWriting({ writers: 2, connections: 20 });
});
afterEach(() => writing.close());

const at = (minute: number): string => new Date(RECEIVED_AT - 86_400_000 + minute * 60_000).toISOString();
const said = (minute: number, item: object) => ({ ...item, messageId: randomUUID(), timestamp: at(minute) });

/** Who has what: events by the profile's own identifier. */
async function eventsByProfile(workspaceId: string): Promise<Record<string, number>> {
  const portraits = await portraitsStored(writing.db, workspaceId);
  return Object.fromEntries(portraits.map(({ id, events }) => [id, events]));
}

/** Until an erasure waits behind who waits already, or has fenced somebody. */
async function begun(workspaceId: string): Promise<void> {
  for (let isBegun = false; !isBegun;) {
    isBegun = await inWorkspace(writing.db, workspaceId, async (transaction) => {
      const { rows } = await sql<{ is_begun: boolean }>`
        select exists (select from erasure) or 2 = (
          select count(*) from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock') as is_begun`.execute(transaction);
      return rows[0]!.is_begun;
    });
  }
}

describe('somebody who is erased while a claim is voided, or taken back', () => {
  const email = { traits: { email: 'both@x.test' } };
  const PAIR = ['email:both@x.test', 'user:first'] as const;

  it('does not get what the void hands on: the erasure waits for it, and takes it along', async () => {
    const workspaceId = await addWorkspace(writing);
    await writing.send(workspaceId, [
      said(1, { type: 'identify', userId: 'first', ...email }),
      said(2, { type: 'identify', userId: 'gone', ...email }),
      said(3, { type: 'track', event: 'Read', context: email }),
    ]);
    const first = subjectIdOf(workspaceId, { kind: 'user', value: 'first' });
    const held = await hold(
      { writing, workspaceId },
      'select from profile_part where owner_id = $1 for update',
      [first],
    );
    const voiding = make(writing, workspaceId, { what: 'void', pair: PAIR });
    await waiting(writing, 1);
    const erasing = erase(writing, { workspaceId, name: 'user:gone', now: RECEIVED_AT });
    await begun(workspaceId);
    await letGo(held);
    expect(await voiding).toBe('changed');
    expect(await erasing).toMatchObject({ status: 'done', progress: { deleted: { events: 2 } } });
    expect(await eventsByProfile(workspaceId)).toEqual({ 'user:first': 1 });
  });

  it('keeps what was theirs erased: a void that waited for the erasure sees it', async () => {
    const workspaceId = await addWorkspace(writing);
    await writing.send(workspaceId, [
      said(1, { type: 'identify', userId: 'gone', anonymousId: 'device' }),
      said(2, { type: 'identify', userId: 'other', anonymousId: 'device' }),
      said(3, { type: 'page', anonymousId: 'device' }),
    ]);
    const gone = subjectIdOf(workspaceId, { kind: 'user', value: 'gone' });
    const held = await hold(
      { writing, workspaceId },
      'select from profile_part where owner_id = $1 for update',
      [gone],
    );
    const erasing = erase(writing, { workspaceId, name: 'user:gone', now: RECEIVED_AT });
    await waiting(writing, 1);
    const voiding = make(writing, workspaceId, { what: 'void', pair: ['anonymous:device', 'user:gone'] });
    await waiting(writing, 2);
    await letGo(held);
    await erasing;
    expect(await voiding).toBe('erased');
    expect(await eventsByProfile(workspaceId)).toEqual({ 'user:other': 2 });
  });
});

describe('a visitor who is erased while somebody signs in on the device', () => {
  it('is who the device belongs to by then', async () => {
    const workspaceId = await addWorkspace(writing);
    await writing.send(workspaceId, [said(1, { type: 'page', anonymousId: 'device' })]);
    const device = subjectIdOf(workspaceId, { kind: 'anonymous', value: 'device' });
    const held = await hold(
      { writing, workspaceId },
      'select from profile_part where owner_id = $1 for update',
      [device],
    );
    const signIn = said(2, { type: 'identify', userId: 'gone', anonymousId: 'device' });
    const claiming = writing.send(workspaceId, [signIn]);
    await waiting(writing, 1);
    const erasing = erase(writing, { workspaceId, name: 'anonymous:device', now: RECEIVED_AT });
    await waiting(writing, 2);
    await letGo(held);
    expect(await claiming).toMatchObject([{ status: 'accepted' }]);
    expect(await erasing).toMatchObject({ status: 'done', progress: { deleted: { events: 2 } } });
    expect(await eventsByProfile(workspaceId)).toEqual({});
  });
});

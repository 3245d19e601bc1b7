import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { subjectIdOf } from '../../src/core/identifier';
import { hold, letGo, waiting } from '../support/held-rows';
import { portraitsByDefinition } from '../support/identity-oracle';
import { portraitsStored } from '../support/portraits';
import { countDeadlocks, eventsOf, openWriting, RECEIVED_AT, type Writing } from '../support/writing';

let writing: Writing;
/** Each batch is a transaction of its own. */
beforeEach(async () => {
  writing = await openWriting({ writers: 4, groupMaxEvents: 1 });
});
afterEach(() => writing.close());

const at = (minute: number): string => new Date(RECEIVED_AT - 86_400_000 + minute * 60_000).toISOString();
const said = (minute: number, item: object) => ({ ...item, messageId: randomUUID(), timestamp: at(minute) });
const claimed = (minute: number, userId: string, email: string) =>
  said(minute, { type: 'identify', userId, traits: { email } });

/** The ID of the connection's transaction, else of one that is over at once. */
async function idOf(client: { query: PoolClient['query'] }): Promise<number> {
  const { rows } = await client.query<{ id: string }>('select pg_current_xact_id()::text as id');
  return Number(rows[0]!.id);
}

describe('a group that was reading while an older transaction, which had waited, divided its subjects', () => {
  it('counts its events where they belong then', async () => {
    const workspaceId = randomUUID();
    const [first, second] = ['a@x.test', 'b@x.test']
      .map((value) => ({ value, id: subjectIdOf(workspaceId, { kind: 'email', value }) }))
      .sort((one, other) => (one.id < other.id ? -1 : 1)) as [
      { value: string; id: string },
      { value: string; id: string },
    ];
    const everything: object[] = [];
    const send = (...items: object[]) => {
      everything.push(...items);
      return writing.send(workspaceId, items);
    };
    const order = { type: 'track', event: 'Order Completed', userId: 'buyer', properties: { order_id: 'o' } };
    await send(said(0, order));
    await send(claimed(10, 'late', second.value));
    const newest = await idOf(writing.pool);
    await send(claimed(10, 'late', first.value));

    const holdsFirst = await hold(
      { writing, workspaceId },
      'select from subject where subject_id = $1 for update',
      [first.id],
    );
    const older = send(claimed(5, 'early', first.value), claimed(5, 'early', second.value));
    const [olderId] = await waiting(writing, 1);
    const holdsOrder = await hold({ writing, workspaceId }, 'select from order_entry for update', []);
    // The next one is as far behind the older one as the first email's is ahead: their sum is twice the older's.
    let last = await idOf(holdsOrder);
    while (last < 2 * olderId! - (newest + 1) - 1) last = await idOf(writing.pool);
    // It says something new of the second email: its row is written anew.
    await send(claimed(9, 'middle', second.value));

    const reading = send(
      said(1, order),
      said(20, { type: 'track', event: 'Seen', context: { traits: { email: first.value } } }),
      said(20, { type: 'track', event: 'Seen', context: { traits: { email: second.value } } }),
    );
    await waiting(writing, 2);
    await letGo(holdsFirst);
    await older;
    await letGo(holdsOrder);
    await reading;
    expect(await portraitsStored(writing.db, workspaceId)).toEqual(
      portraitsByDefinition(eventsOf(workspaceId, everything)),
    );
  });
});

describe('an anonymous ID whose 51st owner is an email that turns out to be an earlier owner’s', () => {
  it('is no kiosk, whenever that is said', async () => {
    const workspaceId = randomUUID();
    const tied = Array.from({ length: 50 }, (_, index) =>
      said(index, { type: 'identify', anonymousId: 'shared', userId: `u${index}` }),
    );
    const items = [
      ...tied,
      said(60, { type: 'identify', anonymousId: 'shared', traits: { email: 'u7@x.test' } }),
      said(70, { type: 'page', anonymousId: 'shared' }),
    ];
    const known = claimed(80, 'u7', 'u7@x.test');
    await writing.send(workspaceId, items);
    await writing.send(workspaceId, [known]);
    expect(await portraitsStored(writing.db, workspaceId)).toEqual(
      portraitsByDefinition(eventsOf(workspaceId, [...items, known])),
    );
  });
});

/** An identifier of this form whose subject lies between two others. */
function findSubject(
  workspaceId: string,
  kind: 'user' | 'email' | 'anonymous',
  [low, high]: readonly [number, number],
): { value: string; id: string } {
  for (let n = 0; ; n += 1) {
    const value = kind === 'email' ? `n${n}@x.test` : `${kind}${n}`;
    const id = subjectIdOf(workspaceId, { kind, value });
    const place = parseInt(id.slice(0, 2), 16);
    if (place >= low && place < high) return { value, id };
  }
}

describe('a group that must also lock the email whose order it takes over', () => {
  it('locks it before what is weaker, as everybody does', async () => {
    const workspaceId = randomUUID();
    const buyer = findSubject(workspaceId, 'user', [0, 16]);
    const first = findSubject(workspaceId, 'anonymous', [32, 64]);
    const second = findSubject(workspaceId, 'anonymous', [64, 128]);
    const email = findSubject(workspaceId, 'email', [128, 256]);
    const everything: object[] = [];
    const send = (...items: object[]) => {
      everything.push(...items);
      return writing.send(workspaceId, items);
    };
    const order = { type: 'track', event: 'Order Completed', properties: { order_id: 'o', total: 5 } };
    await send(
      said(0, { type: 'page', userId: buyer.value }),
      said(0, { type: 'page', anonymousId: first.value }),
      said(0, { type: 'page', anonymousId: second.value }),
      said(50, { ...order, context: { traits: { email: email.value } } }),
    );

    const holdsPart = await hold(
      { writing, workspaceId },
      'select from profile_part where owner_id = $1 for update',
      [buyer.id],
    );
    const taking = send(
      said(1, { ...order, userId: buyer.value }),
      said(2, { type: 'identify', userId: buyer.value, anonymousId: first.value }),
      said(2, { type: 'identify', userId: buyer.value, anonymousId: second.value }),
    );
    await waiting(writing, 1);
    await send(claimed(10, 'late', email.value));
    // Has the second one as soon as the group starts again.
    const holding = hold({ writing, workspaceId }, 'select from subject where subject_id = $1 for update', [
      second.id,
    ]);
    await waiting(writing, 2);
    await letGo(holdsPart);
    const holdsSecond = await holding;
    await waiting(writing, 1);
    const tying = send(
      said(60, { type: 'identify', anonymousId: first.value, traits: { email: email.value } }),
    );
    await waiting(writing, 2);
    await letGo(holdsSecond);
    await Promise.all([taking, tying]);
    expect(await portraitsStored(writing.db, workspaceId)).toEqual(
      portraitsByDefinition(eventsOf(workspaceId, everything)),
    );
    expect(await countDeadlocks(writing)).toBe(0);
  });
});

describe('what an anonymous visitor said and did before what is still stored', () => {
  it('stays where it was when the rest moves to the user who signs in', async () => {
    const workspaceId = randomUUID();
    const anonymousId = 'visitor';
    const old = said(0, { type: 'identify', anonymousId, traits: { plan: 'pro' } });
    await writing.send(workspaceId, [
      old,
      said(50, { type: 'identify', anonymousId, traits: { color: 'red' } }),
    ]);
    const retention = await hold({ writing, workspaceId }, 'delete from event where message_id = $1', [
      old.messageId,
    ]);
    await retention.query('commit');
    retention.release();
    await writing.send(workspaceId, [said(60, { type: 'identify', anonymousId, userId: 'user' })]);
    const [visitor, user] = await portraitsStored(writing.db, workspaceId);
    expect(visitor).toMatchObject({ events: 1, traits: { plan: 'pro' }, firstSeenAt: Date.parse(at(0)) });
    expect(user).toMatchObject({ events: 2, traits: { color: 'red' } });
  });

  it('stays where it was when part of the rest moves to another user', async () => {
    const workspaceId = randomUUID();
    const anonymousId = 'visitor';
    const old = said(0, { type: 'identify', anonymousId, traits: { plan: 'pro' } });
    await writing.send(workspaceId, [
      old,
      said(10, { type: 'page', anonymousId }),
      said(20, { type: 'identify', anonymousId, userId: 'one' }),
      said(50, { type: 'identify', anonymousId, traits: { color: 'red' } }),
    ]);
    const retention = await hold({ writing, workspaceId }, 'delete from event where message_id = $1', [
      old.messageId,
    ]);
    await retention.query('commit');
    retention.release();
    await writing.send(workspaceId, [said(40, { type: 'identify', anonymousId, userId: 'two' })]);
    const [one, two] = await portraitsStored(writing.db, workspaceId);
    expect(one).toMatchObject({ events: 3, traits: { plan: 'pro' }, firstSeenAt: Date.parse(at(0)) });
    expect(two).toMatchObject({ events: 2, traits: { color: 'red' } });
  });

  it('stays counted once, there, when an earlier event of the order arrives', async () => {
    const workspaceId = randomUUID();
    const order = { type: 'track', event: 'Order Completed', properties: { order_id: 'o', revenue: 10 } };
    const old = said(10, { ...order, anonymousId: 'visitor' });
    await writing.send(workspaceId, [old, said(20, { type: 'page', anonymousId: 'visitor' })]);
    const retention = await hold({ writing, workspaceId }, 'delete from event where message_id = $1', [
      old.messageId,
    ]);
    await retention.query('commit');
    retention.release();
    await writing.send(workspaceId, [said(60, { type: 'identify', anonymousId: 'visitor', userId: 'user' })]);
    await writing.send(workspaceId, [said(5, { ...order, userId: 'other' })]);
    const portraits = await portraitsStored(writing.db, workspaceId);
    expect(portraits.map(({ id, events, orders, revenue }) => ({ id, events, orders, revenue }))).toEqual([
      { id: 'anonymous:visitor', events: 1, orders: 1, revenue: { USD: '10' } },
      { id: 'user:other', events: 1, orders: 0, revenue: {} },
      { id: 'user:user', events: 2, orders: 0, revenue: {} },
    ]);
  });
});

import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Querier } from '../../src/db/querier';
import { writeGroup } from '../../src/ingest/write-group';
import { eventsOf, openWriting, RECEIVED_AT, SOURCE_ID, type Writing } from '../support/writing';

let writing: Writing;
beforeAll(async () => {
  writing = await openWriting();
});
afterAll(() => writing.close());

const TABLES = [
  'event_key',
  'event',
  'rejected_event',
  'subject',
  'claim',
  'ownership',
  'profile_part',
  'profile_revenue',
  'order_entry',
];

async function countRows(workspaceId: string): Promise<Record<string, number>> {
  const client = await writing.pool.connect();
  try {
    await client.query('begin');
    await client.query(`select set_config('throughline.workspace', $1, true)`, [workspaceId]);
    const counts: Record<string, number> = {};
    for (const table of TABLES) {
      const { rows } = await client.query<{ count: number }>(`select count(*) as count from ${table}`);
      counts[table] = rows[0]!.count;
    }
    return counts;
  } finally {
    await client.query('rollback');
    client.release();
  }
}

type Breaks = (client: PoolClient, text: string) => Promise<never>;

/** A connection whose statement number `nth` goes wrong, in a way of the test's choosing. */
function breakingAt(
  client: PoolClient,
  nth: number,
  breaks: Breaks,
): { querier: Querier; sent: () => number } {
  let sent = 0;
  const querier: Querier = {
    query(text, values) {
      sent += 1;
      if (sent === nth) return breaks(client, text);
      return client.query(text, values as unknown[]);
    },
  };
  return { querier, sent: () => sent };
}

const WAYS: readonly (readonly [string, Breaks])[] = [
  ['never reaches the server', () => Promise.reject(new Error('It was not sent.'))],
  ['is refused by the server', (client) => client.query('select 1 / 0') as Promise<never>],
];

/** Everything that a group can do: claims that move stored history, an order that another event takes over. */
function groupOf(workspaceId: string) {
  const at = (minute: number) => new Date(RECEIVED_AT - 3_600_000 + minute * 60_000).toISOString();
  const before = eventsOf(workspaceId, [
    { type: 'page', anonymousId: 'a', messageId: randomUUID(), timestamp: at(1) },
    {
      type: 'identify',
      anonymousId: 'a',
      traits: { plan: 'free' },
      messageId: randomUUID(),
      timestamp: at(2),
    },
    {
      type: 'identify',
      anonymousId: 'a',
      traits: { email: 'e@x.test' },
      messageId: randomUUID(),
      timestamp: at(8),
    },
    order({ anonymousId: 'a', timestamp: at(9) }),
  ]);
  const after = eventsOf(workspaceId, [
    { type: 'identify', userId: 'u', anonymousId: 'a', messageId: randomUUID(), timestamp: at(3) },
    {
      type: 'identify',
      userId: 'u',
      traits: { email: 'e@x.test' },
      messageId: randomUUID(),
      timestamp: at(4),
    },
    order({ userId: 'v', timestamp: at(5) }),
  ]);
  const rejected = {
    rejectedId: randomUUID(),
    receivedAt: RECEIVED_AT,
    sourceId: SOURCE_ID,
    messageId: null,
    code: 'invalid_type',
    reason: 'It is for a test.',
    payload: '{}',
  };
  const toGroup = (events: typeof before, refused: (typeof rejected)[]) => ({
    workspaceId,
    currency: 'USD',
    events,
    rejected: refused,
  });
  return { before: toGroup(before, []), after: toGroup(after, [rejected]) };
}

function order(more: object) {
  return {
    type: 'track',
    event: 'Order Completed',
    messageId: randomUUID(),
    properties: { order_id: 'o', revenue: 10 },
    ...more,
  };
}

describe.each(WAYS)('a statement that %s', (_way, breaks) => {
  it('leaves nothing of its group, whichever statement it is; and the group can be sent again', async () => {
    let statements = 0;
    for (let nth = 1; ; nth += 1) {
      const workspaceId = randomUUID();
      const { before, after } = groupOf(workspaceId);
      const client = await writing.pool.connect();
      await writeGroup(client, before);
      const stored = await countRows(workspaceId);
      const { querier, sent } = breakingAt(client, nth, breaks);
      const isBroken = await writeGroup(querier, after).then(
        () => false,
        () => true,
      );
      statements = sent();
      if (!isBroken) {
        client.release();
        expect(nth).toBe(statements + 1);
        break;
      }
      await client.query('rollback');
      expect([nth, await countRows(workspaceId)]).toEqual([nth, stored]);
      expect((await writeGroup(client, after)).size).toBe(3);
      client.release();
    }
    // Keys, orders, locks, reads, moves, writes: were they fewer, the group would not do what it is for.
    expect(statements).toBeGreaterThan(20);
  });
});

import { randomUUID } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Querier } from '../../src/db/querier';
import { openIngest } from '../../src/ingest';
import { writeGroup } from '../../src/ingest/write-group';
import {
  eventsOf,
  normaliseAll,
  openWriting,
  RECEIVED_AT,
  SOURCE_ID,
  type Writing,
} from '../support/writing';

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

/** As the server itself would end the statement, with that code. */
const failsWith =
  (code: string): Breaks =>
  (client) =>
    client.query(
      `do $$ begin raise exception 'for a test' using errcode = '${code}'; end $$`,
    ) as Promise<never>;

const WAYS: readonly (readonly [string, Breaks])[] = [
  ['never reaches the server', () => Promise.reject(new Error('It was not sent.'))],
  ['is refused by the server', (client) => client.query('select 1 / 0') as Promise<never>],
  ['finds a serialization failure', failsWith('40001')],
  ['finds a deadlock', failsWith('40P01')],
  ['takes too long', failsWith('57014')],
  [
    'loses its connection',
    (client) => client.query('select pg_terminate_backend(pg_backend_pid())') as Promise<never>,
  ],
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
      const isGone = await client.query('rollback').then(
        () => false,
        () => true,
      );
      expect([nth, await countRows(workspaceId)]).toEqual([nth, stored]);
      client.release(isGone);
      const next = await writing.pool.connect();
      expect((await writeGroup(next, after)).fresh.size).toBe(3);
      next.release();
    }
    // Keys, orders, locks, reads, moves, writes: were they fewer, the group would not do what it is for.
    expect(statements).toBeGreaterThan(20);
  });
});

describe('a group that got into another one’s way', () => {
  /** The write path over connections of which statement number `nth` fails with that code, the given number of times. */
  function openIngestFailing({ nth, code, times }: { nth: number; code: string; times: number }) {
    let failures = 0;
    const connect = async () => {
      const client = await writing.pool.connect();
      const { querier } = breakingAt(client, failures < times ? nth : 0, (broken, text) => {
        failures += 1;
        return failsWith(code)(broken, text);
      });
      return { query: querier.query.bind(querier), release: (error?: Error) => client.release(error) };
    };
    const ingest = openIngest({
      pool: { connect } as unknown as Pool,
      groupMaxEvents: 500,
      groupMaxWaitMs: 0,
      writers: 1,
      maxBytesInFlight: 1_000_000,
      monotonic: () => performance.now(),
      newId: randomUUID,
      random: () => 0,
    });
    return { ingest, failures: () => failures };
  }

  const batchOf = (workspaceId: string, items: readonly unknown[]) => ({
    workspaceId,
    currency: 'USD',
    sourceId: SOURCE_ID,
    receivedAt: RECEIVED_AT,
    bytes: 1,
    items,
    normalised: normaliseAll(workspaceId, items),
  });
  const items = [
    { type: 'identify', userId: 'u', anonymousId: 'a', messageId: 'sign-in' },
    order({ userId: 'u', messageId: 'order' }),
  ];

  it.each(['40001', '40P01'])('by %s is tried again, and its senders do not notice', async (code) => {
    let isOver = false;
    for (let nth = 1; !isOver; nth += 1) {
      const workspaceId = randomUUID();
      const { ingest, failures } = openIngestFailing({ nth, code, times: 1 });
      const verdicts = await ingest.submit(batchOf(workspaceId, items));
      isOver = failures() === 0;
      expect([nth, verdicts.map(({ status }) => status)]).toEqual([nth, ['accepted', 'accepted']]);
      expect(await countRows(workspaceId)).toMatchObject({ event: 2, event_key: 2, order_entry: 1 });
    }
  });

  it('again and again is given up after a few times, with nothing stored', async () => {
    const workspaceId = randomUUID();
    const { ingest, failures } = openIngestFailing({ nth: 3, code: '40P01', times: Infinity });
    await expect(ingest.submit(batchOf(workspaceId, items))).rejects.toMatchObject({ code: '40P01' });
    expect(failures()).toBe(5);
    expect(await countRows(workspaceId)).toMatchObject({ event: 0, event_key: 0 });
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isCommit, isCommitted, openVictim, type Victim } from '../../torture/victim';
import type { Cut } from '../support/proxy';
import { recount } from '../support/recount';
import { read, send, sendUntilAcknowledged, visit } from '../support/sending';

let victim: Victim;
let pid: number;

beforeAll(async () => {
  victim = await openVictim();
  pid = victim.pid();
});
afterEach(async () => {
  victim.proxy.cutWhere(null);
  victim.proxy.setDown(false);
  expect(await recount(victim.postgres)).toEqual([]);
  // The process of the beginning still lives.
  expect([victim.pid(), await read(victim, '/v1/profiles')]).toEqual([pid, 200]);
});
afterAll(() => victim.close());

async function countStored(batch: readonly object[]): Promise<number> {
  const ids = batch.map((event) => (event as { messageId: string }).messageId);
  const rows = await victim.postgres.ask<{ count: number }>(
    'select count(*)::int as count from event where message_id = any($1)',
    [ids],
  );
  return rows[0]!.count;
}

/** Cuts at the first message that matches, and tells whether there was one. */
function cutOnceAt(matches: Cut): () => boolean {
  let hasCut = false;
  victim.proxy.cutWhere((message) => {
    if (hasCut || !matches(message)) return false;
    hasCut = true;
    return true;
  });
  return () => hasCut;
}

describe('a connection that is cut', () => {
  it('before COMMIT is sent: 503, nothing is stored, and the same again is accepted once', async () => {
    const batch = visit('before');
    const hasCut = cutOnceAt(isCommit);
    expect(await send(victim, batch)).toMatchObject({ status: 503, retryAfter: '2' });
    expect(hasCut()).toBe(true);
    expect(await countStored(batch)).toBe(0);
    expect(await sendUntilAcknowledged(victim, batch)).toMatchObject({ accepted: 3, duplicates: 0 });
    expect(await countStored(batch)).toBe(3);
  });

  it('before the answer to COMMIT arrives: 503, though it is stored, and the same again is a duplicate', async () => {
    const batch = visit('after');
    const hasCut = cutOnceAt(isCommitted);
    expect(await send(victim, batch)).toMatchObject({ status: 503, retryAfter: '2' });
    expect(hasCut()).toBe(true);
    expect(await countStored(batch)).toBe(3);
    expect(await sendUntilAcknowledged(victim, batch)).toMatchObject({ accepted: 0, duplicates: 3 });
    expect(await countStored(batch)).toBe(3);
  });

  it('at any message of a batch, in either direction, leaves one copy after a retry', async () => {
    let nth = 0;
    for (let isOver = false; !isOver;) {
      nth += 1;
      let passed = 0;
      const hasCut = cutOnceAt((message) => {
        if (message.applicationName === 'throughline-ingest') passed += 1;
        return passed === nth;
      });
      const batch = visit(`cut ${nth}`);
      const first = await send(victim, batch);
      isOver = !hasCut();
      expect([nth, first.status, first.retryAfter]).toEqual(isOver ? [nth, 200, null] : [nth, 503, '2']);
      victim.proxy.cutWhere(null);
      await sendUntilAcknowledged(victim, batch);
      expect([nth, await countStored(batch)]).toEqual([nth, 3]);
    }
    // A new connection's first messages, and then a transaction's.
    expect(nth).toBeGreaterThan(50);
  });

  it('because the database is away: 503 for as long as it is, and then all goes on', async () => {
    victim.proxy.setDown(true);
    const batch = visit('away');
    expect(await send(victim, batch)).toMatchObject({ status: 503, retryAfter: '2' });
    expect(await read(victim, '/v1/profiles')).toBe(503);
    expect(await read(victim, '/ready')).toBe(503);
    expect(await read(victim, '/health')).toBe(503);
    victim.proxy.setDown(false);
    expect(await sendUntilAcknowledged(victim, batch)).toMatchObject({ accepted: 3 });
  });
});

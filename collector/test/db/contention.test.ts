import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { portraitsByDefinition } from '../support/identity-oracle';
import { portraitsStored } from '../support/portraits';
import { countDeadlocks, eventsOf, openWriting, RECEIVED_AT, type Writing } from '../support/writing';

const WRITERS = 8;

let writing: Writing;
/** Each batch is a transaction of its own, eight at a time: nothing is spared by meeting in one group. */
beforeEach(async () => {
  writing = await openWriting({ writers: WRITERS, groupMaxEvents: 1 });
});
afterEach(() => writing.close());

const at = (minute: number): string => new Date(RECEIVED_AT - 86_400_000 + minute * 60_000).toISOString();

describe('batches that overlap, in opposite orders, from eight connections', () => {
  it('are all answered, each event is accepted once, and Postgres finds no deadlock', async () => {
    const workspaceId = randomUUID();
    const everything: object[] = [];
    for (let round = 0; round < 10; round += 1) {
      const items = Array.from({ length: 30 }, (_, index) => ({
        ...[
          { type: 'page', anonymousId: `a${index % 7}` },
          { type: 'identify', anonymousId: `a${index % 7}`, userId: `u${index % 3}` },
          { type: 'identify', anonymousId: `a${index % 5}`, traits: { email: `e${index % 2}@x.test` } },
          { type: 'identify', userId: `u${index % 3}`, traits: { email: `e${index % 2}@x.test`, n: index } },
          {
            type: 'track',
            event: 'Order Completed',
            userId: `u${index % 3}`,
            properties: { order_id: `o${index % 4}`, revenue: index },
          },
        ][index % 5],
        messageId: randomUUID(),
        timestamp: at(round * 30 + ((index * 7) % 30)),
      }));
      everything.push(...items);
      const reversed = [...items].reverse();
      const verdicts = await Promise.all(
        Array.from({ length: WRITERS }, (_, writer) =>
          writing.send(workspaceId, writer % 2 === 0 ? items : reversed),
        ),
      );
      const accepted = verdicts.flat().filter(({ status }) => status === 'accepted');
      expect(accepted).toHaveLength(30);
      expect(new Set(accepted.map(({ messageId }) => messageId)).size).toBe(30);
    }
    expect(await portraitsStored(writing.db, workspaceId)).toEqual(
      portraitsByDefinition(eventsOf(workspaceId, everything)),
    );
    expect(await countDeadlocks(writing)).toBe(0);
  });
});

describe('a storm of claims: a thousand identifiers that turn out to be one person, from eight connections', () => {
  it('ends as one profile with every event in it, and Postgres finds no deadlock', async () => {
    const workspaceId = randomUUID();
    // Each has a history, some of it arrives after the claim; every other one belongs to the email, which is the user's.
    const lives = Array.from({ length: 1_000 }, (_, index) => {
      const claimed = index % 2 === 0 ? { userId: 'one' } : { traits: { email: 'one@x.test' } };
      const anonymousId = `a${index}`;
      return [
        { type: 'page', anonymousId, messageId: randomUUID(), timestamp: at(index) },
        { type: 'identify', anonymousId, ...claimed, messageId: randomUUID(), timestamp: at(index + 1) },
        { type: 'page', anonymousId, messageId: randomUUID(), timestamp: at(index + 2) },
      ];
    });
    const email = { type: 'identify', userId: 'one', traits: { email: 'one@x.test' } };
    const streams = Array.from({ length: WRITERS }, (_, stream) =>
      lives.filter((_life, index) => index % WRITERS === stream),
    );
    await Promise.all(
      streams.map(async (own, stream) => {
        for (let first = 0; first < own.length; first += 5) {
          const batch = own.slice(first, first + 5).flat();
          await writing.send(workspaceId, stream % 2 === 0 ? batch : batch.reverse());
          if (first === 50) {
            await writing.send(workspaceId, [{ ...email, messageId: randomUUID(), timestamp: at(stream) }]);
          }
        }
      }),
    );
    const portraits = await portraitsStored(writing.db, workspaceId);
    expect(portraits.map(({ id, events, pages }) => ({ id, events, pages }))).toEqual([
      { id: 'user:one', events: 3_000 + WRITERS, pages: 2_000 },
    ]);
    expect(await countDeadlocks(writing)).toBe(0);
  });
});

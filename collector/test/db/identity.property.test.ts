import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrivalsOf, histories } from '../support/histories';
import { portraitsByDefinition } from '../support/identity-oracle';
import { portraitsStored } from '../support/portraits';
import { eventsOf, openWriting, type Writing } from '../support/writing';

const RUNS = Number(process.env['THROUGHLINE_TEST_RUNS'] ?? 80);

describe('whoever an event belongs to', () => {
  let writing: Writing;
  beforeAll(async () => {
    writing = await openWriting({ writers: 8 });
  });
  afterAll(() => writing.close());

  const cases = histories.chain((items) => fc.tuple(fc.constant(items), arrivalsOf(items)));

  it('does not depend on order, repetition or batching', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ([items, batches]) => {
        const workspaceId = randomUUID();
        for (const batch of batches) await writing.send(workspaceId, batch);
        expect(await portraitsStored(writing.db, workspaceId)).toEqual(
          portraitsByDefinition(eventsOf(workspaceId, items)),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it('does not depend on what is written at the same time by eight writers', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ([items, batches]) => {
        const workspaceId = randomUUID();
        const verdicts = await Promise.all(batches.map((batch) => writing.send(workspaceId, batch)));
        const accepted = verdicts.flat().filter(({ status }) => status === 'accepted');
        expect(accepted.length).toBe(items.length);
        expect(await portraitsStored(writing.db, workspaceId)).toEqual(
          portraitsByDefinition(eventsOf(workspaceId, items)),
        );
      }),
      { numRuns: RUNS },
    );
  });
});

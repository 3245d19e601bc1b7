import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changesOf, changesStored, make } from '../support/changes';
import { arrivalsOf, histories } from '../support/histories';
import { type ByHand, portraitsByDefinition } from '../support/identity-oracle';
import { portraitsStored } from '../support/portraits';
import { countDeadlocks, eventsOf, openWriting, type Writing } from '../support/writing';

const RUNS = Number(process.env['THROUGHLINE_TEST_RUNS'] ?? 20);
/** So few that the lives of histories.ts have kiosks. */
const MAX_OWNERS = 2;

let writing: Writing;
beforeEach(async () => {
  writing = await openWriting({ writers: 8, groupMaxEvents: 1, maxOwners: MAX_OWNERS });
});
afterEach(() => writing.close());

/** Batches, and changes by hand, each with the batch that it comes before. */
const cases = histories.chain((items) =>
  arrivalsOf(items).chain((batches) =>
    fc.record({
      items: fc.constant(items),
      batches: fc.constant(batches),
      made: fc.array(fc.tuple(fc.nat({ max: batches.length }), changesOf(eventsOf(randomUUID(), items))), {
        minLength: 10,
        maxLength: 30,
      }),
    }),
  ),
);

async function expectAsDefined(
  workspaceId: string,
  items: readonly unknown[],
  byHand: ByHand,
): Promise<void> {
  expect(await portraitsStored(writing.db, workspaceId)).toEqual(
    portraitsByDefinition(eventsOf(workspaceId, items), { ...byHand, maxOwners: MAX_OWNERS }),
  );
}

async function undoAll(workspaceId: string): Promise<void> {
  const { voided, links } = await changesStored(writing, workspaceId);
  const outcomes = await Promise.all([
    ...voided.map((pair) => make(writing, workspaceId, { what: 'unvoid', pair })),
    ...links.map((pair) => make(writing, workspaceId, { what: 'unlink', pair })),
  ]);
  expect(outcomes.every((outcome) => outcome === 'changed')).toBe(true);
}

describe('claims that are voided and users that are linked, at any moment', () => {
  it('leave what would be had the claims never been made, and nothing once it is taken back', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(cases, async ({ items, batches, made }) => {
        const workspaceId = randomUUID();
        for (const [index, batch] of [...batches, []].entries()) {
          for (const [place, change] of made) {
            if (place === index) seen.add(`${change.what} ${await make(writing, workspaceId, change)}`);
          }
          await writing.send(workspaceId, batch);
        }
        await expectAsDefined(workspaceId, items, await changesStored(writing, workspaceId));
        for (const [, change] of made) await make(writing, workspaceId, change);
        await expectAsDefined(workspaceId, items, await changesStored(writing, workspaceId));
        await undoAll(workspaceId);
        await expectAsDefined(workspaceId, items, {});
      }),
      { numRuns: RUNS },
    );
    // Which of the others there were is chance.
    expect(seen).toContain('void changed');
  });

  it('do so while eight writers write, without a deadlock', async () => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(cases, async ({ items, batches, made }) => {
        const workspaceId = randomUUID();
        // What is there when the changes begin, and what comes at the same time.
        const middle = Math.floor(batches.length / 2);
        for (const batch of batches.slice(0, middle)) await writing.send(workspaceId, batch);
        const outcomes = await Promise.all([
          ...made.map(([, change]) => make(writing, workspaceId, change)),
          ...batches.slice(middle).map((batch) => writing.send(workspaceId, batch)),
        ]);
        count += outcomes.filter((outcome) => outcome === 'changed').length;
        await expectAsDefined(workspaceId, items, await changesStored(writing, workspaceId));
        await undoAll(workspaceId);
        await expectAsDefined(workspaceId, items, {});
      }),
      { numRuns: RUNS },
    );
    expect(count).toBeGreaterThan(RUNS);
    expect(await countDeadlocks(writing)).toBe(0);
  });
});

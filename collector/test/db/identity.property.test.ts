import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inWorkspace } from '../../src/db/connect';
import { arrivalsOf, histories, impostorsOf, type Item } from '../support/histories';
import { type Portrait, portraitsByDefinition } from '../support/identity-oracle';
import { portraitsStored } from '../support/portraits';
import { eventsOf, openWriting, type Writing } from '../support/writing';

const RUNS = Number(process.env['THROUGHLINE_TEST_RUNS'] ?? 30);
/** So few that some of the generated devices are kiosks, and others are not. */
const MAX_OWNERS = 4;

let writing: Writing;
/** Each batch is a transaction of its own, eight at a time: nothing is spared by meeting in one group. */
beforeAll(async () => {
  writing = await openWriting({ writers: 8, groupMaxEvents: 1, maxOwners: MAX_OWNERS });
});
afterAll(() => writing.close());

const cases = histories.chain((items) => fc.tuple(fc.constant(items), arrivalsOf(items)));

async function sendOneByOne(workspaceId: string, batches: readonly Item[][]): Promise<Item[]> {
  const accepted: Item[] = [];
  for (const batch of batches) accepted.push(...(await send(workspaceId, batch)));
  return accepted;
}

async function sendAllAtOnce(workspaceId: string, batches: readonly Item[][]): Promise<Item[]> {
  return (await Promise.all(batches.map((batch) => send(workspaceId, batch)))).flat();
}

/** The items of the batch that were accepted. */
async function send(workspaceId: string, batch: readonly Item[]): Promise<Item[]> {
  const verdicts = await writing.send(workspaceId, batch);
  return batch.filter((_, index) => verdicts[index]!.status === 'accepted');
}

const portraitsOf = (workspaceId: string, items: readonly Item[]): Portrait[] =>
  portraitsByDefinition(eventsOf(workspaceId, items), { maxOwners: MAX_OWNERS });

const idsOf = (items: readonly Item[]): string[] => items.map(({ messageId }) => messageId).sort();

/** Reads the workspace back; in it, whatever the history, each event must be on one timeline, and be counted there. */
async function readBack(workspaceId: string, accepted: readonly Item[]): Promise<Portrait[]> {
  const portraits = await portraitsStored(writing.db, workspaceId);
  expect(portraits.flatMap(({ timeline }) => timeline).sort()).toEqual(idsOf(accepted));
  for (const { events, timeline } of portraits) expect(events).toBe(timeline.length);
  return portraits;
}

describe('whoever an event belongs to', () => {
  it('does not depend on order, repetition or batching', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ([items, batches]) => {
        const workspaceId = randomUUID();
        const accepted = await sendOneByOne(workspaceId, batches);
        expect(idsOf(accepted)).toEqual(idsOf(items));
        expect(await readBack(workspaceId, accepted)).toEqual(portraitsOf(workspaceId, items));
      }),
      { numRuns: RUNS },
    );
  });

  it('does not depend on what is written at the same time by eight writers', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ([items, batches]) => {
        const workspaceId = randomUUID();
        const accepted = await sendAllAtOnce(workspaceId, batches);
        expect(idsOf(accepted)).toEqual(idsOf(items));
        expect(await readBack(workspaceId, accepted)).toEqual(portraitsOf(workspaceId, items));
      }),
      { numRuns: RUNS },
    );
  });
});

describe('of two events with one message ID', () => {
  const contested = histories.chain((items) =>
    impostorsOf(items).chain((impostors) =>
      fc.tuple(fc.constant(items), arrivalsOf([...items, ...impostors])),
    ),
  );

  it.each([
    ['one by one', sendOneByOne],
    ['by eight writers at once', sendAllAtOnce],
  ])('the one that is accepted counts, and nothing of the other, written %s', async (_how, sendAll) => {
    await fc.assert(
      fc.asyncProperty(contested, async ([items, batches]) => {
        const workspaceId = randomUUID();
        const accepted = await sendAll(workspaceId, batches);
        expect(idsOf(accepted)).toEqual(idsOf(items));
        expect(await readBack(workspaceId, accepted)).toEqual(portraitsOf(workspaceId, accepted));
      }),
      { numRuns: Math.ceil(RUNS / 2) },
    );
  });
});

describe('two workspaces that know the same identifiers and message IDs', () => {
  async function subjectsOf(workspaceId: string): Promise<string[]> {
    const rows = await inWorkspace(writing.db, workspaceId, (transaction) =>
      transaction.selectFrom('subject').select('subject_id').execute(),
    );
    return rows.map((row) => row.subject_id);
  }

  it('written by the same eight writers at once, have each only what is theirs', async () => {
    await fc.assert(
      fc.asyncProperty(cases, cases, async (...lives) => {
        const workspaceIds = [randomUUID(), randomUUID()] as const;
        const longest = Math.max(...lives.map(([, batches]) => batches.length));
        const turns = Array.from({ length: longest }, (_, turn) => [
          { workspace: 0 as const, batch: lives[0][1][turn] },
          { workspace: 1 as const, batch: lives[1][1][turn] },
        ]).flat();
        const accepted: [Item[], Item[]] = [[], []];
        await Promise.all(
          turns.map(async ({ workspace, batch = [] }) => {
            accepted[workspace].push(...(await send(workspaceIds[workspace], batch)));
          }),
        );
        for (const workspace of [0, 1] as const) {
          const workspaceId = workspaceIds[workspace];
          expect(await readBack(workspaceId, accepted[workspace])).toEqual(
            portraitsOf(workspaceId, lives[workspace][0]),
          );
        }
        const [ours, theirs] = await Promise.all(workspaceIds.map(subjectsOf));
        expect(ours!.filter((id) => theirs!.includes(id))).toEqual([]);
      }),
      { numRuns: Math.ceil(RUNS / 2) },
    );
  });
});

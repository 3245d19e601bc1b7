import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NormalEvent } from '../../src/core/event';
import { subjectIdOf } from '../../src/core/identifier';
import { inWorkspace } from '../../src/db/connect';
import { addWorkspace, erase, removeWorkspace } from '../support/erasing';
import { eraseByDefinition, portraitsOfSurvivors } from '../support/erasure-oracle';
import { arrivalsOf, histories } from '../support/histories';
import { key } from '../support/identity-oracle';
import { portraitsStored } from '../support/portraits';
import { eventsOf, openWriting, type Writing } from '../support/writing';

const RUNS = Number(process.env['THROUGHLINE_TEST_RUNS'] ?? 15);
const START = Date.parse('2026-06-01T00:00:00.000Z');

let writing: Writing;
beforeAll(async () => {
  writing = await openWriting({ writers: 8, groupMaxEvents: 1, connections: 20 });
});
afterAll(() => writing.close());

async function shapesStored(workspaceId: string): Promise<object[]> {
  const portraits = await portraitsStored(writing.db, workspaceId);
  return portraits.map((portrait) =>
    Object.fromEntries(Object.entries(portrait).filter(([field]) => field !== 'identifiers')),
  );
}

const cases = histories.chain((items) =>
  arrivalsOf(items).chain((batches) =>
    fc.record({
      batches: fc.constant(batches),
      /** How many batches come before the erasure. */
      split: fc.nat({ max: batches.length }),
      name: fc.constantFrom(...eventsOf(randomUUID(), items).flatMap((event) => event.identifiers.map(key))),
      now: fc.integer({ min: 0, max: 14 }).map((minute) => START + minute * 60_000),
    }),
  ),
);

/** The first of those with one ID. */
function unique<T extends { readonly messageId: string }>(events: readonly T[]): T[] {
  return [...new Map([...events].reverse().map((event) => [event.messageId, event])).values()];
}

describe('whoever is erased in the middle of a history', () => {
  it('is gone, stays so whatever arrives afterwards, and takes nobody else along', async () => {
    let erasures = 0;
    await fc.assert(
      fc.asyncProperty(cases, async ({ batches, split, name, now }) => {
        const workspaceId = await addWorkspace(writing);
        const [first, second] = [batches.slice(0, split), batches.slice(split)];
        await Promise.all(first.map((batch) => writing.send(workspaceId, batch)));
        const held = unique(eventsOf(workspaceId, first.flat()));
        const erased = eraseByDefinition(held, { name, now });
        const { status, erasedAt, progress } = await erase(writing, { workspaceId, name, now });
        expect(status).toBe(erased === null ? 'unknown' : 'done');
        await Promise.all(second.map((batch) => writing.send(workspaceId, batch)));
        const ids = new Set(held.map(({ messageId }) => messageId));
        const late = unique(eventsOf(workspaceId, second.flat())).filter(
          ({ messageId }) => !ids.has(messageId),
        );
        const taken = late.filter((event) => erased === null || !erased.isDropped(event));
        if (erased !== null) {
          erasures += 1;
          expect(erasedAt!.getTime()).toBe(erased.at);
          expect(progress['deleted']).toMatchObject({ events: held.length - erased.survivors.length });
        }
        expect(await shapesStored(workspaceId)).toEqual(
          portraitsOfSurvivors([...(erased?.survivors ?? held), ...taken], {
            accepted: [...held, ...taken],
            erased: erased ?? { names: new Set(), at: 0 },
            spent: erased?.spent ?? new Set(),
          }),
        );
        await removeWorkspace(writing, workspaceId);
      }),
      { numRuns: RUNS },
    );
    expect(erasures).toBeGreaterThan(RUNS / 5);
  });

  it('is gone also where eight writers go on meanwhile, and what they wrote adds up', async () => {
    let erasures = 0;
    await fc.assert(
      fc.asyncProperty(cases, async ({ batches, name, now }) => {
        const workspaceId = await addWorkspace(writing);
        const middle = Math.floor(batches.length / 2);
        const first = await Promise.all(
          batches.slice(0, middle).map((batch) => writing.send(workspaceId, batch)),
        );
        const [job, ...second] = await Promise.all([
          erase(writing, { workspaceId, name, now }),
          ...batches.slice(middle).map((batch) => writing.send(workspaceId, batch)),
        ]);
        const verdicts = [...first, ...second].flat();
        const ids = new Set(verdicts.flatMap((each) => (each.status === 'accepted' ? [each.messageId] : [])));
        const accepted = unique(eventsOf(workspaceId, batches.flat())).filter((each) =>
          ids.has(each.messageId),
        );
        const { stored, graves, spent, names } = await readState(workspaceId, accepted);
        const isBuried = ({ subjectId, occurredAt }: (typeof accepted)[number]) =>
          graves.some(
            (grave) => grave.subjectId === subjectId && grave.from <= occurredAt && occurredAt < grave.to,
          );
        if (job.status === 'done') erasures += 1;
        const survivors = accepted.filter(({ messageId }) => stored.has(messageId));
        expect(survivors.filter(isBuried)).toEqual([]);
        expect(accepted.filter((event) => !stored.has(event.messageId) && !isBuried(event))).toEqual([]);
        expect(stored.size).toBe(survivors.length);
        expect(await shapesStored(workspaceId)).toEqual(
          portraitsOfSurvivors(survivors, {
            ...{ accepted, spent },
            erased: { names, at: job.erasedAt?.getTime() ?? 0 },
          }),
        );
        await removeWorkspace(writing, workspaceId);
      }),
      { numRuns: RUNS },
    );
    expect(erasures).toBeGreaterThan(RUNS / 5);
  });
});

/** What is stored, as the tables say. */
function readState(workspaceId: string, accepted: readonly NormalEvent[]) {
  return inWorkspace(writing.db, workspaceId, async (transaction) => {
    const events = await transaction.selectFrom('event').select('message_id').execute();
    const graves = await transaction
      .selectFrom('tombstone')
      .select(['subject_id', 'from_at', 'to_at'])
      .execute();
    const { rows: spent } = await sql<{ entry_key: string }>`
      select entry_key from order_entry where occurred_at = '-infinity'`.execute(transaction);
    const erased = await transaction.selectFrom('erasure').select('subject_id').execute();
    const identifiers = accepted.flatMap((event) => event.identifiers);
    const nameOf = (id: string) => identifiers.find((each) => subjectIdOf(workspaceId, each) === id)!;
    return {
      stored: new Set(events.map((row) => row.message_id)),
      graves: graves.map((row) => ({
        subjectId: row.subject_id,
        from: Number(row.from_at),
        to: Number(row.to_at),
      })),
      spent: new Set(spent.map((row) => row.entry_key)),
      names: new Set(erased.map((row) => key(nameOf(row.subject_id)))),
    };
  });
}

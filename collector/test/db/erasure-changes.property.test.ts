import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NormalEvent } from '../../src/core/event';
import { subjectIdOf } from '../../src/core/identifier';
import { inWorkspace } from '../../src/db/connect';
import type { NamedSubject } from '../../src/db/subjects';
import { changesOf, changesStored, make } from '../support/changes';
import { addWorkspace, erase, removeWorkspace, suppress } from '../support/erasing';
import { eraseByDefinition, portraitsOfSurvivors } from '../support/erasure-oracle';
import { arrivalsOf, histories } from '../support/histories';
import { key } from '../support/identity-oracle';
import { portraitsStored } from '../support/portraits';
import { countDeadlocks, eventsOf, openWriting, type Writing } from '../support/writing';

const RUNS = Number(process.env['THROUGHLINE_TEST_RUNS'] ?? 15);
const START = Date.parse('2026-06-01T00:00:00.000Z');
/** So few that the lives of histories.ts have kiosks. */
const MAX_OWNERS = 2;

let writing: Writing;
beforeEach(async () => {
  writing = await openWriting({ writers: 8, groupMaxEvents: 1, connections: 20, maxOwners: MAX_OWNERS });
});
afterEach(() => writing.close());

const nameIn = (items: readonly unknown[]): fc.Arbitrary<string> =>
  fc.constantFrom(...eventsOf(randomUUID(), items).flatMap((event) => event.identifiers.map(key)));

/** Batches, an erasure in front of one of them, and changes by hand in front of others. */
const cases = histories.chain((items) =>
  arrivalsOf(items).chain((batches) =>
    fc.record({
      batches: fc.constant(batches),
      split: fc.nat({ max: batches.length }),
      other: nameIn(items),
      name: nameIn(items),
      now: fc.integer({ min: 0, max: 14 }).map((minute) => START + minute * 60_000),
      made: fc.array(fc.tuple(fc.nat({ max: batches.length }), changesOf(eventsOf(randomUUID(), items))), {
        minLength: 6,
        maxLength: 20,
      }),
    }),
  ),
);

/** The first of those with one ID. */
function unique<T extends { readonly messageId: string }>(events: readonly T[]): T[] {
  return [...new Map([...events].reverse().map((event) => [event.messageId, event])).values()];
}

async function shapesStored(workspaceId: string): Promise<object[]> {
  const portraits = await portraitsStored(writing.db, workspaceId);
  return portraits.map((portrait) =>
    Object.fromEntries(Object.entries(portrait).filter(([field]) => field !== 'identifiers')),
  );
}

/** What stands changed by hand. */
async function byHandNow(workspaceId: string, events: readonly NormalEvent[]) {
  const names = namesIn(workspaceId, events);
  const stored = await changesStored(writing, workspaceId, ({ id }: NamedSubject) => names.get(id)!);
  return { ...stored, maxOwners: MAX_OWNERS };
}

function namesIn(workspaceId: string, events: readonly NormalEvent[]): Map<string, string> {
  return new Map(
    events
      .flatMap(({ identifiers }) => identifiers)
      .map((each) => [subjectIdOf(workspaceId, each), key(each)]),
  );
}

async function undoAll(workspaceId: string, events: readonly NormalEvent[]): Promise<string[]> {
  const { voided, links } = await byHandNow(workspaceId, events);
  return Promise.all([
    ...voided.map((pair) => make(writing, workspaceId, { what: 'unvoid' as const, pair })),
    ...links.map((pair) => make(writing, workspaceId, { what: 'unlink' as const, pair })),
  ]);
}

describe('an erasure among voids and links', () => {
  it('takes what was the profile’s by them, and leaves to the others what they come to afterwards', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(cases, async ({ batches, split, name, now, made }) => {
        const workspaceId = await addWorkspace(writing);
        const all = eventsOf(workspaceId, batches.flat());
        const go = async (from: number, to: number, when: string) => {
          for (let index = from; index < to; index += 1) {
            for (const [place, change] of made) {
              if (place !== index) continue;
              seen.add(`${change.what} ${await make(writing, workspaceId, change)} ${when}`);
            }
            await writing.send(workspaceId, batches[index] ?? []);
          }
        };
        await go(0, split, 'before');
        const held = unique(eventsOf(workspaceId, batches.slice(0, split).flat()));
        const erased = eraseByDefinition(held, { name, now, byHand: await byHandNow(workspaceId, all) });
        const job = await erase(writing, { workspaceId, name, now, maxOwners: MAX_OWNERS });
        expect(job.status).toBe(erased === null ? 'unknown' : 'done');
        if (erased !== null) {
          expect(job.erasedAt!.getTime()).toBe(erased.at);
          expect(job.progress['deleted']).toMatchObject({ events: held.length - erased.survivors.length });
        }
        await go(split, batches.length + 1, erased === null ? 'before' : 'after');
        const ids = new Set(held.map(({ messageId }) => messageId));
        const late = unique(eventsOf(workspaceId, batches.slice(split).flat())).filter(
          ({ messageId }) => !ids.has(messageId),
        );
        const taken = late.filter((event) => erased === null || !erased.isDropped(event));
        const expectAsDefined = async () =>
          expect(await shapesStored(workspaceId)).toEqual(
            portraitsOfSurvivors([...(erased?.survivors ?? held), ...taken], {
              accepted: [...held, ...taken],
              erased: erased ?? { names: new Set(), at: 0 },
              spent: erased?.spent ?? new Set(),
              byHand: await byHandNow(workspaceId, all),
            }),
          );
        await expectAsDefined();
        for (const outcome of await undoAll(workspaceId, all))
          expect(['changed', 'erased']).toContain(outcome);
        await expectAsDefined();
        await removeWorkspace(writing, workspaceId);
      }),
      { numRuns: RUNS },
    );
    // Which of the others there were is chance.
    expect([...seen].some((outcome) => outcome.includes(' changed '))).toBe(true);
  });

  it('does so while eight writers go on and somebody else changes and suppresses more, without a deadlock', async () => {
    let erasures = 0;
    await fc.assert(
      fc.asyncProperty(cases, async ({ batches, name, other, now, made }) => {
        const workspaceId = await addWorkspace(writing);
        const all = unique(eventsOf(workspaceId, batches.flat()));
        const middle = Math.floor(batches.length / 2);
        const send = (batch: (typeof batches)[number]) => writing.send(workspaceId, batch);
        const first = await Promise.all(batches.slice(0, middle).map(send));
        const half = Math.floor(made.length / 2);
        for (const [, change] of made.slice(0, half)) await make(writing, workspaceId, change);
        const [job, second] = await Promise.all([
          erase(writing, { workspaceId, name, now, maxOwners: MAX_OWNERS }),
          Promise.all(batches.slice(middle).map(send)),
          suppress(writing, { workspaceId, name: other }),
          ...made.slice(half).map(([, change]) => make(writing, workspaceId, change)),
        ]);
        if (job.status === 'done') erasures += 1;
        const ids = new Set(
          [...first, ...second]
            .flat()
            .flatMap((each) => (each.status === 'accepted' ? [each.messageId] : [])),
        );
        const accepted = all.filter(({ messageId }) => ids.has(messageId));
        const { stored, ...state } = await readState(workspaceId, all);
        const survivors = accepted.filter(({ messageId }) => stored.has(messageId));
        expect(stored.size).toBe(survivors.length);
        const expectAsDefined = async () =>
          expect(await shapesStored(workspaceId)).toEqual(
            portraitsOfSurvivors(survivors, {
              ...{ accepted, spent: state.spent, byHand: await byHandNow(workspaceId, all) },
              erased: { ...state, at: job.erasedAt?.getTime() ?? 0 },
            }),
          );
        await expectAsDefined();
        await undoAll(workspaceId, all);
        await expectAsDefined();
        await removeWorkspace(writing, workspaceId);
      }),
      { numRuns: RUNS },
    );
    expect(erasures).toBeGreaterThan(RUNS / 5);
    expect(await countDeadlocks(writing)).toBe(0);
  });
});

/** What is stored, as the tables say. */
function readState(workspaceId: string, events: readonly NormalEvent[]) {
  const names = namesIn(workspaceId, events);
  return inWorkspace(writing.db, workspaceId, async (transaction) => {
    const rows = await transaction.selectFrom('event').select('message_id').execute();
    const { rows: spent } = await sql<{ entry_key: string }>`
      select entry_key from order_entry where occurred_at = '-infinity'`.execute(transaction);
    const erased = await transaction.selectFrom('erasure').select(['subject_id', 'target_id']).execute();
    return {
      stored: new Set(rows.map((row) => row.message_id)),
      spent: new Set(spent.map((row) => row.entry_key)),
      names: new Set(erased.map((row) => names.get(row.subject_id)!)),
      stoodFor: new Map(erased.map((row) => [names.get(row.subject_id)!, names.get(row.target_id!)!])),
    };
  });
}

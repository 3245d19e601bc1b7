import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { NormalEvent } from '../../src/core/event';
import { type IdentifierKind, subjectIdOf } from '../../src/core/identifier';
import { rebuildAudience } from '../../src/db/audience-rebuild';
import { recountAudience } from '../../src/db/audience-recount';
import type { NamedSubject } from '../../src/db/subjects';
import {
  addAudience,
  type AudienceOfTest,
  findAnew,
  keeperOf,
  readStored,
  setZone,
} from '../support/audiences-of-test';
import { changesOf, changesStored, make } from '../support/changes';
import { addWorkspace, erase, removeWorkspace } from '../support/erasing';
import {
  eraseByDefinition,
  type ErasedByDefinition,
  ownershipOf,
  portraitsOfSurvivors,
} from '../support/erasure-oracle';
import { type ByHand, claimsMadeBy, key } from '../support/identity-oracle';
import { type Era, eras, LAST_MINUTE, livesIn, rules } from '../support/rule-cases';
import { holds, type Person, type RuleJson } from '../support/rule-oracle';
import { countDeadlocks, eventsOf, openWriting, type Writing } from '../support/writing';

const RUNS = Number(process.env['THROUGHLINE_TEST_RUNS'] ?? 8);
/** A run may take seconds where the machine is busy. */
vi.setConfig({ testTimeout: 60_000 + RUNS * 10_000 });
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const MAX_OWNERS = 2;

/** What the generated rules may name; the second hangs on the first. */
const NAMED: Readonly<Record<string, RuleJson>> = {
  first: { event: ['Clicked', '$page'], within: '12m' },
  second: { any: [{ audience: 'first' }, { not: { trait: 'x', exists: true } }] },
};

let writing: Writing;
beforeEach(async () => {
  writing = await openWriting({ writers: 4, groupMaxEvents: 2, connections: 16, maxOwners: MAX_OWNERS });
});
afterEach(() => writing.close());

type Step =
  | { readonly what: 'send'; readonly from: number; readonly count: number }
  | { readonly what: 'change'; readonly change: Parameters<typeof make>[2] }
  | { readonly what: 'pass'; readonly ms: number }
  | { readonly what: 'erase'; readonly name: string };

const passing = fc
  .tuple(
    fc.integer({ min: 0, max: 6 }),
    fc.constantFrom(0, 0, 0, 1, 7),
    fc.constantFrom(0, 0, 1, MINUTE_MS - 1),
  )
  .map(([minutes, days, ms]) => ({
    what: 'pass' as const,
    ms: minutes * MINUTE_MS + days * DAY_MS + ms,
  }));

/** Somebody signs in on a device and clicks, so that a claim can be voided, and somebody is let in and out by the clock. */
function beginning(at: number): readonly object[] {
  const timestamp = new Date(at).toISOString();
  return [
    { type: 'identify', userId: 'u1', anonymousId: 'a1' },
    { type: 'track', event: 'Clicked', userId: 'u1' },
  ].map((call, index) => ({ ...call, timestamp, messageId: `beginning-${index}` }));
}

/**
 * A life, cut into steps; some of it arrives again, and among it things are changed by hand, and time passes. Whatever
 * is drawn, somebody enters, a change by hand changes something, somebody exits, and then somebody who is known is
 * erased, in this order: else a few runs may have none of one kind (of eight, one time in eight nothing was changed).
 */
const stories = fc
  .record({ era: eras, minute: fc.integer({ min: 0, max: LAST_MINUTE }) })
  .chain(({ era, minute }) => {
    const begin = era.start + minute * MINUTE_MS;
    return livesIn(era).chain((life) => {
      const items = [...beginning(begin), ...life];
      const steps = stepsOf(items, eventsOf(randomUUID(), items));
      const asked = fc.array(rules, { minLength: 3, maxLength: 3 });
      return fc.record({
        era: fc.constant(era),
        items: fc.constant(items),
        begin: fc.constant(begin),
        asked,
        steps,
      });
    });
  });

function stepsOf(items: readonly object[], events: readonly NormalEvent[]): fc.Arbitrary<Step[]> {
  const send = fc.record({
    what: fc.constant('send' as const),
    from: fc.nat({ max: items.length - 1 }),
    count: fc.integer({ min: 1, max: 5 }),
  });
  const change = changesOf(events).map((made) => ({ what: 'change' as const, change: made }));
  const some = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: send },
      { weight: 3, arbitrary: passing },
      { weight: 2, arbitrary: change },
    ),
    { maxLength: 5, size: 'max' },
  );
  const before = fc
    .tuple(some, some, some)
    .map(([first, second, third]): Step[] => [...FIRST, ...first, VOID, ...second, WINDOW_PASSES, ...third]);
  return before.chain((steps) => {
    const sent = steps.flatMap((step) =>
      step.what === 'send' ? events.slice(step.from, step.from + step.count) : [],
    );
    const erasure = fc.record({
      what: fc.constant('erase' as const),
      // Whoever an event is of is somebody; an identifier that it only mentions may be nobody.
      name: fc.constantFrom(...sent.map(({ identifiers }) => key(identifiers[0]!))),
    });
    return fc.tuple(erasure, some).map(([one, last]): Step[] => [...steps, one, ...last]);
  });
}

const FIRST: readonly Step[] = [{ what: 'send', from: 0, count: 2 }];
const VOID: Step = { what: 'change', change: { what: 'void', pair: ['anonymous:a1', 'user:u1'] } };
/** That of the audience "first". */
const WINDOW_PASSES: Step = { what: 'pass', ms: 12 * MINUTE_MS };

/** What has happened so far, as the definition sees it. */
interface Known {
  readonly accepted: NormalEvent[];
  survivors: NormalEvent[];
  erased: ErasedByDefinition | null;
}

describe('after every step of a life, the members of an audience', () => {
  it('are those of a rebuild, and of the definition, and what its changes come to', async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(stories, async ({ era, items, asked, begin, steps }) => {
        const workspaceId = await addWorkspace(writing);
        await setZone(writing, workspaceId, era.zone);
        const clock = { now: begin };
        const now = () => new Date(clock.now);
        const wanted = Object.entries({
          ...NAMED,
          ...Object.fromEntries(asked.map((rule, n) => [`a${n}`, rule])),
        });
        const audiences: AudienceOfTest[] = [];
        for (const [name, rule] of wanted)
          audiences.push(await addAudience(writing, { workspaceId, key: name, rule, now }));
        const keeper = keeperOf(writing, now);
        const known: Known = { accepted: [], survivors: [], erased: null };
        for (const step of steps) {
          const outcome = await take(step, { workspaceId, items, clock, known });
          await keeper.work();
          const byHand = await byHandNow(workspaceId, items);
          const people = peopleOf(workspaceId, known, byHand);
          for (const audience of audiences) {
            const stored = await readStored(writing, audience);
            const shown = `${JSON.stringify(audience.rule)} after ${JSON.stringify(step)}`;
            const expected = membersOf(audience, { people, now: clock.now, era });
            expect(stored.members, shown).toEqual(expected);
            expect(stored.members, shown).toEqual(
              await findAnew(writing, audience, { now: clock.now, zone: era.zone }),
            );
            expect(stored.replayed, shown).toEqual(stored.members);
            expect(stored.size, shown).toBe(stored.members.length);
          }
          seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        }
        const { evaluated, entered, exited } = keeper.stats();
        for (const [what, count] of Object.entries({ evaluated, entered, exited }))
          seen.set(what, (seen.get(what) ?? 0) + count);
        for (const { audienceId } of audiences) {
          expect(await recountAudience(writing.db, { workspaceId, audienceId, now: now() })).toMatchObject({
            drift: 0,
          });
          expect(await rebuildAudience(writing.db, { workspaceId, audienceId, now })).toMatchObject({
            ...{ entered: 0, exited: 0 },
          });
        }
        await removeWorkspace(writing, workspaceId);
      }),
      { numRuns: RUNS },
    );
    // Else nothing was put to the test.
    for (const outcome of ['send', 'change', 'pass', 'erase', 'entered', 'exited'])
      expect([outcome, (seen.get(outcome) ?? 0) > 0]).toEqual([outcome, true]);
  });

  it('are right in the end while four writers, voids, links, an erasure, rebuilds and two keepers go on at once', async () => {
    let entered = 0;
    await fc.assert(
      fc.asyncProperty(stories, async ({ era, items, asked, begin, steps }) => {
        const workspaceId = await addWorkspace(writing);
        await setZone(writing, workspaceId, era.zone);
        const clock = { now: begin };
        const now = () => new Date(clock.now);
        const half = Math.ceil(items.length / 2);
        await writing.send(workspaceId, items.slice(0, half));
        const keepers = [keeperOf(writing, now), keeperOf(writing, now)];
        const audiences: AudienceOfTest[] = [];
        for (const [name, rule] of Object.entries(NAMED))
          audiences.push(await addAudience(writing, { workspaceId, key: name, rule, now }));
        const adding = async () => {
          for (const [index, rule] of asked.entries()) {
            audiences.push(await addAudience(writing, { workspaceId, key: `a${index}`, rule, now }));
          }
        };
        const going = steps.map(async (step) => {
          if (step.what === 'send')
            await writing.send(workspaceId, items.slice(step.from, step.from + step.count));
          else if (step.what === 'change') await make(writing, workspaceId, step.change);
          else if (step.what === 'erase')
            await erase(writing, { workspaceId, name: step.name, now: clock.now, maxOwners: MAX_OWNERS });
          else clock.now += step.ms;
          await Promise.all(keepers.map((keeper) => keeper.work()));
          for (const { audienceId } of audiences.slice(2, 3))
            await rebuildAudience(writing.db, { workspaceId, audienceId, now });
        });
        await Promise.all([
          adding(),
          ...going,
          ...items.slice(half).map((item) => writing.send(workspaceId, [item])),
        ]);
        await keepers[0]!.work();
        for (const audience of audiences) {
          const { members, replayed, size } = await readStored(writing, audience);
          const shown = JSON.stringify(audience.rule);
          expect(members, shown).toEqual(
            await findAnew(writing, audience, { now: clock.now, zone: era.zone }),
          );
          expect(replayed, shown).toEqual(members);
          expect(size, shown).toBe(members.length);
        }
        entered += keepers.reduce((sum, keeper) => sum + keeper.stats().entered, 0);
        await removeWorkspace(writing, workspaceId);
      }),
      { numRuns: RUNS },
    );
    expect(entered).toBeGreaterThan(0);
    expect(await countDeadlocks(writing)).toBe(0);
  });
});

interface Scene {
  readonly workspaceId: string;
  readonly items: readonly object[];
  readonly clock: { now: number };
  readonly known: Known;
}

/** Lets it happen, and notes what of it counts; says what it came to. */
async function take(step: Step, { workspaceId, items, clock, known }: Scene): Promise<string> {
  switch (step.what) {
    case 'send': {
      const batch = items.slice(step.from, step.from + step.count);
      await writing.send(workspaceId, batch);
      const ids = new Set(known.accepted.map(({ messageId }) => messageId));
      for (const event of eventsOf(workspaceId, batch)) {
        if (ids.has(event.messageId)) continue;
        ids.add(event.messageId);
        if (known.erased?.isDropped(event) === true) continue;
        known.accepted.push(event);
        known.survivors.push(event);
      }
      return 'send';
    }
    case 'change':
      return (await make(writing, workspaceId, step.change)) === 'changed' ? 'change' : 'no change';
    case 'pass':
      clock.now += step.ms;
      return 'pass';
    case 'erase': {
      const byHand = await byHandNow(workspaceId, items);
      const { name } = step;
      const erased = eraseByDefinition(known.accepted, { name, now: clock.now, byHand });
      await erase(writing, { workspaceId, name, now: clock.now, maxOwners: MAX_OWNERS });
      if (erased === null) return 'nobody';
      known.erased = erased;
      known.survivors = [...erased.survivors];
      return 'erase';
    }
  }
}

/** What stands changed by hand. */
async function byHandNow(workspaceId: string, items: readonly object[]): Promise<ByHand> {
  const names = new Map(
    eventsOf(workspaceId, items)
      .flatMap(({ identifiers }) => identifiers)
      .map((each) => [subjectIdOf(workspaceId, each), key(each)]),
  );
  const nameOf = ({ id, kind, value }: NamedSubject) => names.get(id) ?? `${kind}:${value}`;
  return { ...(await changesStored(writing, workspaceId, nameOf)), maxOwners: MAX_OWNERS };
}

function peopleOf(workspaceId: string, { accepted, survivors, erased }: Known, byHand: ByHand): Person[] {
  const spent = erased?.spent ?? new Set<string>();
  const gone = erased ?? { names: new Set<string>(), at: 0 };
  const portraits = portraitsOfSurvivors(survivors, { accepted, erased: gone, spent, byHand });
  const emails = emailsOf(accepted, { erased, byHand });
  return portraits.map((portrait) => {
    const [kind, value] = split(portrait.id);
    return {
      portrait: { ...portrait, identifiers: [] },
      profileId: subjectIdOf(workspaceId, { kind: kind as IdentifierKind, value }),
      audiences: [],
      userId: kind === 'user' ? value : null,
      email: kind === 'email' ? value : (emails.get(portrait.id) ?? null),
      events: [...portrait.timeline]
        .reverse()
        .map((id) => survivors.find(({ messageId }) => messageId === id)!),
    };
  });
}

/** Of the emails that somebody owns, the one that was claimed last. */
function emailsOf(
  accepted: readonly NormalEvent[],
  { erased, byHand }: { erased: ErasedByDefinition | null; byHand: ByHand },
): Map<string, string> {
  const { claims, personOf } = ownershipOf(accepted.flatMap(claimsMadeBy), erased ?? undefined, byHand);
  const emails = new Map<string, string>();
  const sorted = [...claims].sort((a, b) => a.at - b.at || (a.messageId < b.messageId ? -1 : 1));
  for (const { weaker, stronger } of sorted) {
    if (!weaker.startsWith('email:') || personOf(weaker) !== stronger) continue;
    const owner = byHand.links?.find(([source]) => source === stronger)?.[1] ?? stronger;
    emails.set(owner, split(weaker)[1]);
  }
  return emails;
}

function split(id: string): [kind: string, value: string] {
  const colon = id.indexOf(':');
  return [id.slice(0, colon), id.slice(colon + 1)];
}

/** For whom the rule holds by its definition, and for them those that it names. */
function membersOf(
  { rule }: AudienceOfTest,
  { people, now, era }: { people: readonly Person[]; now: number; era: Era },
): string[] {
  const moment = { at: now, zone: era.zone };
  return people
    .filter((person) => {
      const audiences: string[] = [];
      for (const [name, its] of Object.entries(NAMED))
        if (holds(its, { ...person, audiences }, moment)) audiences.push(name);
      return holds(rule, { ...person, audiences }, moment);
    })
    .map(({ profileId }) => profileId)
    .sort();
}

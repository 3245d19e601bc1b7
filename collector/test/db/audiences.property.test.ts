import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { RawBuilder } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NormalEvent } from '../../src/core/event';
import { subjectIdOf } from '../../src/core/identifier';
import type { Rule } from '../../src/core/rule';
import { checkRule } from '../../src/core/rule-check';
import { inWorkspace } from '../../src/db/connect';
import { compileEvaluation } from '../../src/db/rule-evaluation-sql';
import type { RuleRun } from '../../src/db/rule-sources-sql';
import { compileRule } from '../../src/db/rule-sql';
import { portraitsByDefinition } from '../support/identity-oracle';
import { storeAudiences } from '../support/rule-asking';
import { AUDIENCES, type Era, eras, LAST_MINUTE, livesIn, rules, timelyRules } from '../support/rule-cases';
import { holds, type Person, type RuleJson } from '../support/rule-oracle';
import { mayChangeAt } from '../support/rule-moments';
import { eventsOf, openWriting, type Writing } from '../support/writing';

const RUNS = Number(process.env['THROUGHLINE_TEST_RUNS'] ?? 40);
const RULES_A_LIFE = 8;
/** Where a machine is busy; nothing is said by how long it takes. */
const TIMEOUT_MS = 60_000 + RUNS * 5_000;

interface Asked {
  readonly workspaceId: string;
  readonly now: number;
  readonly zone: string;
  readonly profileIds?: readonly string[];
}

let writing: Writing;
beforeAll(async () => {
  writing = await openWriting();
});
afterAll(() => writing.close());

function run<Row>(
  compile: (rule: Rule, asked: RuleRun) => RawBuilder<Row>,
  rule: unknown,
  { now, zone, ...asked }: Asked,
): Promise<readonly Row[]> {
  const checked = checkRule(rule);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const query = compile(checked.rule, { ...asked, now: new Date(now), timezone: zone, currency: 'USD' });
  return inWorkspace(
    writing.db,
    asked.workspaceId,
    async (transaction) => (await query.execute(transaction)).rows,
  );
}

async function find(rule: unknown, asked: Asked): Promise<string[]> {
  return (await run(compileRule, rule, asked)).map((row) => row.profile_id).sort();
}

const minutes = fc
  .tuple(fc.integer({ min: 0, max: LAST_MINUTE + 6 }), fc.constantFrom(0, 0, 0, 1, 2, 7))
  .map(([minute, day]) => minute * 60_000 + day * 86_400_000);
/** A life, rules to ask about it, and when. */
const storiesAbout = (rule: fc.Arbitrary<RuleJson>) => {
  const questions = fc.array(rule, { minLength: RULES_A_LIFE, maxLength: RULES_A_LIFE });
  return eras.chain((era) => fc.tuple(fc.constant(era), livesIn(era), questions, minutes));
};

/** A workspace in which this life is lived, and the people in it; some are stored as members of audiences. */
async function live(items: readonly object[]): Promise<{ workspaceId: string; people: readonly Person[] }> {
  const workspaceId = randomUUID();
  await writing.send(workspaceId, items);
  const people = peopleOf(workspaceId, eventsOf(workspaceId, items));
  const membersOf = (key: string) =>
    people.filter(({ audiences }) => audiences.includes(key)).map(({ profileId }) => profileId);
  await storeAudiences(
    writing,
    workspaceId,
    Object.fromEntries(AUDIENCES.map((key) => [key, membersOf(key)])),
  );
  return { workspaceId, people };
}

describe('the profiles that a rule finds', () => {
  it(
    'are those for whom it holds, and its opposite finds all others',
    async () => {
      let found = 0;
      await fc.assert(
        fc.asyncProperty(storiesAbout(rules), async ([era, items, asked, moment]) => {
          const { workspaceId, people } = await live(items);
          const now = era.start + moment;
          const everybody = people.map(({ profileId }) => profileId).sort();
          const half = everybody.filter((_id, index) => index % 2 === 0);
          for (const rule of asked) {
            const expected = people
              .filter((person) => holds(rule, person, { at: now, zone: era.zone }))
              .map(({ profileId }) => profileId)
              .sort();
            found += expected.length;
            const all = { workspaceId, now, zone: era.zone };
            const matching = await find(rule, all);
            expect(matching, JSON.stringify(rule)).toEqual(expected);
            const others = await find({ not: rule }, all);
            expect([...matching, ...others].sort()).toEqual(everybody);
            const ofHalf = await find(rule, { ...all, profileIds: half });
            expect(ofHalf).toEqual(expected.filter((id) => half.includes(id)));
          }
        }),
        { numRuns: RUNS },
      );
      // Else the rules asked for nothing that anybody has.
      expect(found).toBeGreaterThan(RUNS);
    },
    TIMEOUT_MS,
  );
});

describe('the next moment at which time alone may change whether a rule holds', () => {
  it(
    'is never too late: until then it holds, or does not hold, as it does now',
    async () => {
      let changed = 0;
      await fc.assert(
        fc.asyncProperty(storiesAbout(timelyRules), async ([era, items, asked, moment]) => {
          const { workspaceId, people } = await live(items);
          const now = era.start + moment;
          for (const rule of asked) {
            const rows = await run(compileEvaluation, rule, { workspaceId, now, zone: era.zone });
            expect(rows.map((row) => row.profile_id).sort()).toEqual(
              people.map(({ profileId }) => profileId).sort(),
            );
            for (const { profile_id: profileId, holds: holdsNow, next_check_at: next } of rows) {
              const person = people.find((one) => one.profileId === profileId)!;
              changed += expectTrueUntil(next?.getTime() ?? null, { rule, person, now, holdsNow, era });
            }
          }
        }),
        { numRuns: RUNS },
      );
      // Else it was never the time that changed anything.
      expect(changed).toBeGreaterThan(RUNS / 4);
    },
    TIMEOUT_MS,
  );
});

/** @returns 1 where it changes at the very moment that was said */
function expectTrueUntil(
  next: number | null,
  {
    rule,
    person,
    now,
    holdsNow,
    era,
  }: { rule: RuleJson; person: Person; now: number; holdsNow: boolean; era: Era },
): number {
  const holdsAt = (at: number): boolean => holds(rule, person, { at, zone: era.zone });
  const shown = `${JSON.stringify(rule)} from ${new Date(now).toISOString()} until ${String(next)}`;
  expect(holdsNow, shown).toBe(holdsAt(now));
  if (next !== null) expect(next, shown).toBeGreaterThan(now);
  for (const at of mayChangeAt(person, { now, era })) {
    if (next === null || at < next)
      expect(holdsAt(at), `${shown} at ${new Date(at).toISOString()}`).toBe(holdsNow);
  }
  return next !== null && holdsAt(next) !== holdsNow ? 1 : 0;
}

function idOf(workspaceId: string, id: string): string {
  const [kind, value] = split(id);
  return subjectIdOf(workspaceId, { kind: kind as 'user' | 'email' | 'anonymous', value });
}

function split(id: string): [kind: string, value: string] {
  const colon = id.indexOf(':');
  return [id.slice(0, colon), id.slice(colon + 1)];
}

function peopleOf(workspaceId: string, events: readonly NormalEvent[]): Person[] {
  return portraitsByDefinition(events).map((portrait, index) => {
    const [kind, value] = split(portrait.id);
    return {
      portrait,
      profileId: idOf(workspaceId, portrait.id),
      audiences: AUDIENCES.filter((_key, nth) => ((index >> nth) & 1) === 0),
      userId: kind === 'user' ? value : null,
      email: kind === 'email' ? value : emailOf(portrait.id, portrait.identifiers, events),
      events: [...portrait.timeline].reverse().map((id) => events.find(({ messageId }) => messageId === id)!),
    };
  });
}

/** Of the emails that a user owns, the one that the latest identify call said of them. */
function emailOf(id: string, identifiers: readonly string[], events: readonly NormalEvent[]): string | null {
  const said = events.filter(
    (event) =>
      event.type === 'identify' &&
      `user:${event.userId}` === id &&
      identifiers.includes(`email:${event.email}`),
  );
  said.sort((a, b) => a.occurredAt - b.occurredAt || (a.messageId < b.messageId ? -1 : 1));
  return said.at(-1)?.email ?? null;
}

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NormalEvent } from '../../src/core/event';
import { subjectIdOf } from '../../src/core/identifier';
import { checkRule } from '../../src/core/rule-check';
import { inWorkspace } from '../../src/db/connect';
import { compileRule } from '../../src/db/rule-sql';
import { portraitsByDefinition } from '../support/identity-oracle';
import { LAST_MINUTE, lives, rules, START } from '../support/rule-cases';
import { holds, type Person } from '../support/rule-oracle';
import { eventsOf, openWriting, type Writing } from '../support/writing';

const RUNS = Number(process.env['THROUGHLINE_TEST_RUNS'] ?? 80);
const RULES_A_LIFE = 8;

describe('the profiles that a rule finds', () => {
  let writing: Writing;
  beforeAll(async () => {
    writing = await openWriting();
  });
  afterAll(() => writing.close());

  async function find(
    rule: unknown,
    run: { workspaceId: string; now: number; profileIds?: readonly string[] },
  ): Promise<string[]> {
    const checked = checkRule(rule);
    if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
    const { now, ...rest } = run;
    return inWorkspace(writing.db, run.workspaceId, async (transaction) => {
      const query = compileRule(checked.rule, {
        ...rest,
        now: new Date(now),
        timezone: 'UTC',
        currency: 'USD',
      });
      return (await query.execute(transaction)).rows.map((row) => row.profile_id).sort();
    });
  }

  const moments = fc.integer({ min: 0, max: LAST_MINUTE + 6 }).map((minute) => START + minute * 60_000);
  const questions = fc.array(rules, { minLength: RULES_A_LIFE, maxLength: RULES_A_LIFE });

  it('are those for whom it holds, and its opposite finds all others', async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(lives, questions, moments, async (items, asked, now) => {
        const workspaceId = randomUUID();
        await writing.send(workspaceId, items);
        const people = peopleOf(eventsOf(workspaceId, items));
        const everybody = people.map((person) => idOf(workspaceId, person)).sort();
        const half = everybody.filter((_id, index) => index % 2 === 0);
        for (const rule of asked) {
          const expected = people
            .filter((person) => holds(rule, person, now))
            .map((person) => idOf(workspaceId, person))
            .sort();
          found += expected.length;
          const matching = await find(rule, { workspaceId, now });
          expect(matching, JSON.stringify(rule)).toEqual(expected);
          const others = await find({ not: rule }, { workspaceId, now });
          expect([...matching, ...others].sort()).toEqual(everybody);
          const ofHalf = await find(rule, { workspaceId, now, profileIds: half });
          expect(ofHalf).toEqual(expected.filter((id) => half.includes(id)));
        }
      }),
      { numRuns: RUNS },
    );
    // Else the rules asked for nothing that anybody has.
    expect(found).toBeGreaterThan(RUNS);
  });
});

function idOf(workspaceId: string, { portrait }: Person): string {
  const [kind, value] = split(portrait.id);
  return subjectIdOf(workspaceId, { kind: kind as 'user' | 'email' | 'anonymous', value });
}

function split(id: string): [kind: string, value: string] {
  const colon = id.indexOf(':');
  return [id.slice(0, colon), id.slice(colon + 1)];
}

function peopleOf(events: readonly NormalEvent[]): Person[] {
  return portraitsByDefinition(events).map((portrait) => {
    const [kind, value] = split(portrait.id);
    return {
      portrait,
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

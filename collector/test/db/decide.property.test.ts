/** What a decision answers right after each acknowledged event, against a naive reading of its definition. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { checkDecision } from '../../src/core/decision-check';
import type { NormalEvent } from '../../src/core/event';
import { type IdentifierKind, subjectIdOf } from '../../src/core/identifier';
import { changeWorkspace } from '../../src/db/connect';
import { insertDecision } from '../../src/db/decisions';
import { createDecider } from '../../src/decide';
import { addAudience, setZone } from '../support/audiences-of-test';
import { addWorkspace, removeWorkspace } from '../support/erasing';
import { claimsMadeBy, type Portrait, portraitsByDefinition } from '../support/identity-oracle';
import { eras, LAST_MINUTE, livesIn, rules, values } from '../support/rule-cases';
import { holds, type Person, type RuleJson } from '../support/rule-oracle';
import { eventsOf, openWriting, type Writing } from '../support/writing';

const RUNS = Number(process.env['THROUGHLINE_TEST_RUNS'] ?? 6);
/** A run may take seconds where the machine is busy. */
vi.setConfig({ testTimeout: 60_000 + RUNS * 20_000 });

/** What generated rules may name; the second hangs on the first. */
const NAMED: Readonly<Record<string, RuleJson>> = {
  first: { event: ['Clicked', '$page'], within: '12m' },
  second: { any: [{ audience: 'first' }, { not: { trait: 'x', exists: true } }] },
};

let writing: Writing;
beforeEach(async () => {
  writing = await openWriting({ connections: 8 });
});
afterEach(() => writing.close());

/** The rule as a decision may ask it: what it asks of events becomes an audience, and some traits are the context's. */
function forDecision(
  rule: RuleJson,
  { audiences, isContext }: { audiences: Record<string, RuleJson>; isContext: boolean },
): RuleJson {
  const inner = (each: unknown) => forDecision(each as RuleJson, { audiences, isContext });
  if ('all' in rule) return { all: (rule['all'] as unknown[]).map(inner) };
  if ('any' in rule) return { any: (rule['any'] as unknown[]).map(inner) };
  if ('not' in rule) return { not: inner(rule['not']) };
  if ('event' in rule) {
    const key = `asks-${Object.keys(audiences).length}`;
    audiences[key] = rule;
    return { audience: key };
  }
  const isTrait = 'trait' in rule && !(rule['trait'] as string).startsWith('$');
  return isTrait && isContext ? { ...rule, trait: `$context.${rule['trait'] as string}` } : rule;
}

const stories = eras.chain((era) =>
  fc.record({
    era: fc.constant(era),
    items: livesIn(era).map((items) => items.slice(0, 12)),
    asked: fc.array(fc.tuple(rules, fc.boolean()), { minLength: 1, maxLength: 4 }),
    context: fc.record({ x: values, y: values, revenue: values }, { requiredKeys: [] }),
    minute: fc.integer({ min: 0, max: LAST_MINUTE }),
  }),
);

it('a decision answers what its definition says right after each event, though nobody looks after the audiences', async () => {
  const seen = new Map<string, number>();
  const decider = createDecider({
    ...writing,
    // It stands still, so that no machine is too slow.
    monotonic: () => 0,
    onProblem: (error) => {
      throw error;
    },
  });
  await fc.assert(
    fc.asyncProperty(stories, async ({ era, items, asked, context, minute }) => {
      const workspaceId = await addWorkspace(writing);
      await setZone(writing, workspaceId, era.zone);
      const now = new Date(era.start + minute * 60_000);
      const audiences: Record<string, RuleJson> = { ...NAMED };
      const cases = asked.map(([rule, isContext]) => forDecision(rule, { audiences, isContext }));
      for (const [key, rule] of Object.entries(audiences))
        await addAudience(writing, { workspaceId, key, rule, now: () => now });
      await addDecision(workspaceId, cases);
      const sent: NormalEvent[] = [];
      for (const [index, item] of items.entries()) {
        await writing.send(workspaceId, [item]);
        sent.push(...eventsOf(workspaceId, [item]));
        const who =
          index % 3 === 0 ? [...peopleOf(workspaceId, sent), nobody()] : [ownerOf(workspaceId, sent)];
        for (const person of who) {
          const members = membersOf(person, { audiences, moment: { at: now.getTime(), zone: era.zone } });
          const portrait = { ...person.portrait, traits: { ...person.portrait.traits, $context: context } };
          const all = { ...person, portrait, audiences: members };
          const holding = cases.findIndex((rule) => holds(rule, all, { at: now.getTime(), zone: era.zone }));
          const expected = holding === -1 ? cases.length : holding;
          const decision = await decider.decide({
            ...{ workspaceId, subjectId: person.profileId, reference: 'asked', now },
            ...{ context: JSON.stringify(context), timeLimitMs: 5_000, record: undefined },
            ...{ messageId: randomUUID(), isPublic: false },
          });
          const shown = JSON.stringify({ cases, person: person.portrait.id, after: index, audiences });
          expect(decision?.index, shown).toBe(expected);
          const considered = decision!.audiences.filter(({ isMember }) => isMember).map(({ key }) => key);
          expect(members, shown).toEqual(expect.arrayContaining(considered));
          const outcome = decision!.isDefault ? decision!.defaultReason! : 'case';
          for (const what of [outcome, ...decision!.audiences.map(({ isFresh }) => `fresh: ${isFresh}`)])
            seen.set(what, (seen.get(what) ?? 0) + 1);
        }
      }
      await removeWorkspace(writing, workspaceId);
    }),
    { numRuns: RUNS },
  );
  // Else nothing was put to the test.
  for (const what of ['case', 'nothing_matched', 'fresh: true'])
    expect([what, (seen.get(what) ?? 0) > 0]).toEqual([what, true]);
});

async function addDecision(workspaceId: string, wanted: readonly RuleJson[]): Promise<void> {
  const checked = checkDecision({
    cases: [...wanted.map((when, index) => ({ when, then: index })), { then: 'default' }],
  });
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const decision = { id: randomUUID(), key: 'asked', name: 'Asked', at: new Date(), by: 'test' };
  await changeWorkspace(writing.db, workspaceId, (transaction) =>
    insertDecision(transaction, workspaceId, { ...decision, definition: checked.definition }),
  );
}

/** The audiences that somebody is in, each behind those that it reads. */
function membersOf(
  person: Person,
  {
    audiences,
    moment,
  }: { audiences: Readonly<Record<string, RuleJson>>; moment: Parameters<typeof holds>[2] },
): string[] {
  if (person.portrait.events === 0) return [];
  const members: string[] = [];
  for (const [key, rule] of Object.entries(audiences))
    if (holds(rule, { ...person, audiences: members }, moment)) members.push(key);
  return members;
}

function peopleOf(workspaceId: string, sent: readonly NormalEvent[]): Person[] {
  return portraitsByDefinition(sent).map((portrait) => {
    const [kind, value] = split(portrait.id);
    return {
      portrait,
      profileId: subjectIdOf(workspaceId, { kind, value }),
      audiences: [],
      userId: kind === 'user' ? value : null,
      email: kind === 'email' ? value : lastEmailOf(portrait.id, sent),
      events: [...portrait.timeline].reverse().map((id) => sent.find(({ messageId }) => messageId === id)!),
    };
  });
}

/** Whose event the last one is. */
function ownerOf(workspaceId: string, sent: readonly NormalEvent[]): Person {
  const { messageId } = sent.at(-1)!;
  return peopleOf(workspaceId, sent).find(({ portrait }) => portrait.timeline.includes(messageId))!;
}

/** An email belongs to its first user; of several the one that was claimed last. */
function lastEmailOf(id: string, sent: readonly NormalEvent[]): string | null {
  const claims = sent
    .flatMap(claimsMadeBy)
    .filter(({ weaker }) => weaker.startsWith('email:'))
    .sort((a, b) => a.at - b.at || (a.messageId < b.messageId ? -1 : 1));
  const own = claims.filter(
    ({ weaker, stronger }) =>
      stronger === id && claims.find((claim) => claim.weaker === weaker)!.stronger === id,
  );
  return own.length === 0 ? null : split(own.at(-1)!.weaker)[1];
}

const NOTHING: Portrait = {
  ...{ id: 'user:nobody', identifiers: [], traits: {}, firstSeenAt: 0, lastSeenAt: 0 },
  ...{ events: 0, pages: 0, orders: 0, revenue: {} },
  ...{ lastPage: null, firstCampaign: null, firstReferrer: null, timeline: [] },
};

const nobody = (): Person => ({
  ...{ portrait: NOTHING, profileId: randomUUID(), audiences: [], userId: null, email: null, events: [] },
});

function split(id: string): [kind: IdentifierKind, value: string] {
  const colon = id.indexOf(':');
  return [id.slice(0, colon) as IdentifierKind, id.slice(colon + 1)];
}

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cursor } from '../../src/core/cursor';
import type { EventType, NormalEvent } from '../../src/core/event';
import { subjectIdOf } from '../../src/core/identifier';
import type { TimelineOrder } from '../../src/core/timeline';
import { inSnapshot } from '../../src/db/connect';
import { EVERYTHING, readTimeline, type TimelineFilter } from '../../src/db/timeline';
import { type Pace, PACE } from '../../src/db/timeline-places';
import { portraitsByDefinition } from '../support/identity-oracle';
import { eventsOf, openWriting, SOURCE_ID, type Writing } from '../support/writing';

const RUNS = Number(process.env['THROUGHLINE_TEST_RUNS'] ?? 30);
const START = Date.parse('2026-06-01T00:00:00.000Z');
const at = (minute: number) => new Date(START + minute * 60_000).toISOString();

/** Devices that change hands again and again, so that one owner has many stretches of each; few moments, so that many events share one. */
const lives = fc
  .array(
    fc.record({
      what: fc.constantFrom('sign-in', 'sign-in', 'page', 'track', 'track'),
      device: fc.constantFrom('d1', 'd2', 'd3', 'd4', 'd5'),
      user: fc.constantFrom('u1', 'u2'),
      name: fc.constantFrom('Clicked', 'Bought', 'Left'),
      session: fc.constantFrom('s1', 's2', 7, undefined),
      minute: fc.integer({ min: 0, max: 25 }),
      id: fc.uuid(),
    }),
    { minLength: 10, maxLength: 90 },
  )
  .map((steps) =>
    steps.map(({ what, device, user, name, session, minute, id }) => ({
      ...(what === 'sign-in'
        ? { type: 'identify', userId: user }
        : what === 'page'
          ? { type: 'page', name }
          : { type: 'track', event: name }),
      anonymousId: device,
      messageId: id,
      timestamp: at(minute),
      ...(session === undefined ? {} : { context: { sessionId: session } }),
    })),
  )
  .filter((items) => new Set(items.map(({ messageId }) => messageId)).size === items.length);

const types = fc.subarray<EventType>(['identify', 'page', 'track'], { maxLength: 2 });
const names = fc.subarray(['Clicked', 'Bought', 'Nothing'], { maxLength: 2 });
const questions = fc.record({
  order: fc.constantFrom<TimelineOrder>('newest', 'oldest'),
  from: fc.option(fc.integer({ min: 0, max: 25 })),
  to: fc.option(fc.integer({ min: 0, max: 25 })),
  limit: fc.integer({ min: 1, max: 12 }),
  filter: fc.oneof(
    fc.constant(EVERYTHING),
    fc.record({
      types,
      notTypes: types,
      events: names,
      notEvents: names,
      sources: fc.constantFrom([], [SOURCE_ID], [randomUUID()]),
      session: fc.constantFrom(null, null, 's1', '7', ''),
    }),
  ),
});
type Question = typeof questions extends fc.Arbitrary<infer T> ? T : never;

/** Small steps, so that a short life takes as many of them as a long one does in earnest. */
const paces = fc.oneof(
  fc.constant(PACE),
  fc.record<Pace>({
    firstStretches: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }),
    moreStretches: fc.integer({ min: 1, max: 4 }),
    firstLook: fc.integer({ min: 1, max: 6 }),
    growth: fc.constantFrom(1, 2),
    leastEach: fc.integer({ min: 1, max: 2 }),
    budget: fc.integer({ min: 1, max: 20 }),
  }),
);

describe('a timeline, page after page', () => {
  let writing: Writing;
  beforeAll(async () => {
    writing = await openWriting();
  });
  afterAll(() => writing.close());

  it('is the plain sort of all events that are the profile’s and pass the filter', async () => {
    await fc.assert(
      fc.asyncProperty(
        lives,
        fc.array(questions, { minLength: 1, maxLength: 4 }),
        paces,
        async (items, asked, pace) => {
          const workspaceId = randomUUID();
          await writing.send(workspaceId, items);
          const events = eventsOf(workspaceId, items);
          for (const { id, timeline } of portraitsByDefinition(events)) {
            const own = timeline.map((messageId) => events.find((event) => event.messageId === messageId)!);
            for (const question of asked) {
              expect(await walk(workspaceId, { id, pace, question })).toEqual(sortPlainly(own, question));
            }
          }
        },
      ),
      { numRuns: RUNS },
    );
  });

  async function walk(
    workspaceId: string,
    { id, pace, question }: { id: string; pace: Pace; question: Question },
  ): Promise<string[]> {
    const [kind, value] = id.split(':') as ['user' | 'anonymous', string];
    const found: string[] = [];
    let after: Cursor | null = null;
    do {
      const page: Awaited<ReturnType<typeof readTimeline>> = await inSnapshot(
        writing.db,
        workspaceId,
        (transaction) =>
          readTimeline(transaction, workspaceId, {
            ...question,
            profileId: subjectIdOf(workspaceId, { kind, value }),
            from: question.from === null ? null : new Date(at(question.from)),
            to: question.to === null ? null : new Date(at(question.to)),
            after,
            hasContext: false,
            pace,
          }),
      );
      expect(page.events.length).toBeLessThanOrEqual(question.limit);
      found.push(...page.events.map(({ messageId }) => messageId));
      after = page.next;
    } while (after !== null);
    return found;
  }
});

/** Newest first as it comes. */
function sortPlainly(own: readonly NormalEvent[], { order, from, to, filter }: Question): string[] {
  const passing = own.filter(
    (event) =>
      (from === null || event.occurredAt >= Date.parse(at(from))) &&
      (to === null || event.occurredAt < Date.parse(at(to))) &&
      passes(event, filter),
  );
  if (order === 'oldest') passing.reverse();
  return passing.map(({ messageId }) => messageId);
}

function passes(event: NormalEvent, filter: TimelineFilter): boolean {
  const context = JSON.parse(event.context ?? '{}') as { sessionId?: unknown };
  return (
    (filter.types.length === 0 || filter.types.includes(event.type)) &&
    !filter.notTypes.includes(event.type) &&
    (filter.events.length === 0 || filter.events.includes(event.name ?? '')) &&
    !filter.notEvents.includes(event.name ?? '') &&
    (filter.sources.length === 0 || filter.sources.includes(event.sourceId)) &&
    (filter.session === null || filter.session === String(context.sessionId ?? ''))
  );
}

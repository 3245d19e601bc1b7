/** In how many days, weeks and months somebody did something, over decades and in zones whose clocks jump. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dateIn } from '../support/calendar';
import { askIn, at, DAY, HOUR, MINUTE, track } from '../support/rule-asking';
import { openWriting, RECEIVED_AT, type Writing } from '../support/writing';

const RUNS = Number(process.env['THROUGHLINE_TEST_RUNS'] ?? 15);
/** Where a machine is busy; nothing is said by how long it takes. */
const TIMEOUT_MS = 60_000 + RUNS * 5_000;
const UNITS = ['$day', '$week', '$month'] as const;
/** Clocks that go back over midnight, days that never were, and both ends of the world. */
const ZONES = [
  ...['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu'],
  ...['Pacific/Apia', 'Pacific/Kiritimati', 'Pacific/Pago_Pago'],
];

let writing: Writing;
beforeAll(async () => {
  writing = await openWriting();
});
afterAll(() => writing.close());

const monthBegins = fc.integer({ min: 0, max: 36 * 12 + 5 }).map((month) => Date.UTC(1990, month));
const hours = (most: number) =>
  fc.integer({ min: -most * 60, max: most * 60 }).map((minute) => minute * MINUTE);
/** Most near the beginning of a month, and some of them near the moment of the run. */
const moments = fc.oneof(
  fc.tuple(monthBegins, hours(30)).map(([begin, shift]) => begin + shift),
  fc.tuple(fc.constant(Date.UTC(2009, 10, 1, 2, 30)), hours(2)).map(([begin, shift]) => begin + shift),
  fc.integer({ min: 0, max: 400 }).map((day) => RECEIVED_AT - day * DAY - HOUR),
);

const FIRST = 'ann';
const SECOND = 'bob';
const OTHER = 'cat';

describe('the different days, weeks and months of events', () => {
  it(
    'are those of the workspace’s calendar, of whoever owns each event, in a pass over all and for a few',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(moments, { minLength: 1, maxLength: 40 }),
          moments,
          fc.constantFrom(...ZONES),
          async (times, changedHands, timezone) => {
            const ask = await askIn(writing, [
              ...times.map((time) => ({
                ...track('', 'X', { timestamp: at(time) }),
                userId: null,
                anonymousId: 'shared',
              })),
              ...times.map((time) => ({
                ...track('', 'X', { timestamp: at(time) }),
                userId: null,
                anonymousId: 'own',
              })),
              ...times.map((time) => track(OTHER, 'X', { timestamp: at(time - DAY) })),
              claim(FIRST, { anonymousId: 'shared', time: changedHands - 1 }),
              claim(SECOND, { anonymousId: 'shared', time: changedHands }),
              claim(OTHER, { anonymousId: 'own', time: changedHands }),
            ]);
            const owned = {
              [FIRST]: times.filter((time) => time < changedHands),
              [SECOND]: times.filter((time) => time >= changedHands),
              [OTHER]: [...times, ...times.map((time) => time - DAY)],
            };
            for (const unit of UNITS) {
              for (const [user, instants] of Object.entries(owned)) {
                const dates = new Set(instants.map((instant) => dateIn(timezone, { unit, at: instant })));
                const comparison = dates.size === 0 ? { exists: false } : { eq: dates.size };
                const rule = { event: 'X', agg: 'distinct', of: unit, ...comparison };
                const said = JSON.stringify({ rule, timezone, instants: instants.map(at) });
                expect(await ask(rule, { timezone }), said).toContain(user);
                expect(await ask(rule, { timezone, only: [user] }), said).toEqual([user]);
              }
            }
          },
        ),
        { numRuns: RUNS },
      );
    },
    TIMEOUT_MS,
  );
});

function claim(
  userId: string,
  { anonymousId, time }: { readonly anonymousId: string; readonly time: number },
) {
  return { type: 'identify', userId, anonymousId, timestamp: at(time) };
}

describe('two leaves that count the same unit', () => {
  it('each count the events that they ask for', async () => {
    const ask = await askIn(writing, [
      ...[0, 40, 80, 3_000].map((day) => track('ann', 'X', { timestamp: at(RECEIVED_AT - day * DAY) })),
      ...[0, 40].map((day) => track('ann', 'Y', { timestamp: at(RECEIVED_AT - day * DAY) })),
      track('bob', 'X'),
    ]);
    const months = (event: string) => ({ event, agg: 'distinct', of: '$month' });
    expect(
      await ask({
        all: [
          { ...months('X'), eq: 4 },
          { ...months('Y'), eq: 2 },
        ],
      }),
    ).toEqual(['ann']);
    expect(
      await ask({
        all: [
          { ...months('X'), eq: 1 },
          { ...months('Y'), exists: false },
        ],
      }),
    ).toEqual(['bob']);
    expect(await ask({ ...months('*'), where: [{ prop: 'n', exists: true }], exists: false })).toEqual([
      'ann',
      'bob',
    ]);
    expect(await ask({ ...months('X'), within: '60d', eq: 2 })).toEqual(['ann']);
  });
});

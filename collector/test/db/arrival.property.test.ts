import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';
import { arrivalsOf, histories, misplaced, placed } from '../support/histories';
import { portraitsByDefinition } from '../support/identity-oracle';
import { portraitsStored } from '../support/portraits';
import { addWorkspace } from '../support/workspaces';
import { eventsOf } from '../support/writing';

const RUNS = Number(process.env['THROUGHLINE_TEST_RUNS'] ?? 25);
const MINUTE_MS = 60_000;
const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;
/** How wrong a client's clock may be; smaller errors than these are left alone (core/clock.ts). */
const SKEWS = [0, 3 * MINUTE_MS, -3 * MINUTE_MS, YEAR_MS, -YEAR_MS, 10 * YEAR_MS, -10 * YEAR_MS];

let api: Api;
beforeAll(async () => {
  api = await openApi({ clock: { now: new Date(NOW) } });
});
afterAll(() => api.close());

const NOW = Date.parse('2026-06-15T12:00:00.000Z');

const arrivals = histories
  .chain((items) => misplaced(items, NOW))
  .chain((items) =>
    fc.tuple(
      fc.constant(items),
      arrivalsOf(items),
      fc.array(fc.tuple(fc.constantFrom(...SKEWS), fc.integer({ min: 1, max: 5 })), {
        minLength: 1,
        maxLength: 50,
      }),
    ),
  );

it('what is stored does not depend on the order, on how often it is sent, nor on clocks that are ten years off', async () => {
  await fc.assert(
    fc.asyncProperty(arrivals, async ([items, batches, ways]) => {
      const { workspaceId, writeKey } = await addWorkspace(api);
      const post = (batch: readonly { timestamp: string }[], skew: number) => {
        const shifted = (time: number): string => new Date(time + skew).toISOString();
        return api.call('POST', `/v1/batch?writeKey=${writeKey}`, {
          headers: { 'content-type': 'application/json' },
          body: {
            sentAt: shifted(api.clock.now.getTime()),
            batch: batch.map((item) => ({ ...item, timestamp: shifted(Date.parse(item.timestamp)) })),
          },
        });
      };
      const accepted = await Promise.all(
        batches.map(async (batch, index) => {
          const [skew, times] = ways[index % ways.length]!;
          const answers = await Promise.all(Array.from({ length: times }, () => post(batch, skew)));
          expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
          return answers.reduce((sum, { body }) => sum + (body.accepted as number), 0);
        }),
      );
      expect(accepted.reduce((sum, count) => sum + count)).toBe(items.length);
      expect(await portraitsStored(api.db, workspaceId)).toEqual(
        portraitsByDefinition(eventsOf(workspaceId, placed(items, NOW))),
      );
    }),
    { numRuns: RUNS },
  );
});

import { describe, expect, it } from 'vitest';
import { FAULTS } from '../../torture/schedule';
import { runScenario } from '../../torture/scenario';

/** THROUGHLINE_TEST_SEED runs a schedule again that was printed. */
const seed = Number(process.env.THROUGHLINE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`Faults by the seed ${seed}`);

const KILLING_MS = 40_000;
const MIN_KILLS = 3;
const MAX_KILLS = 20;

describe('while clients send, with two workspaces and every batch sent twice at once', () => {
  it('kill -9 of the collector, again and again, loses nothing acknowledged and stores nothing twice', async () => {
    const until = performance.now() + KILLING_MS;
    const report = await runScenario({
      seed,
      kinds: ['kill -9 of the collector'],
      mayGoOn: (soFar) => soFar < MIN_KILLS || (soFar < MAX_KILLS && performance.now() < until),
    });
    expect(report.violations).toEqual([]);
    // It did happen, and something was at stake.
    expect(report.faults.length).toBeGreaterThanOrEqual(MIN_KILLS);
    expect(report.answers.get(0)).toBeGreaterThan(0);
    expect(report.acknowledgedEvents).toBeGreaterThan(100);
    expect(report.storedEvents).toBe(report.acknowledgedEvents);
  });

  it('every fault in turn, the database’s too, loses nothing acknowledged and stores nothing twice', async () => {
    const report = await runScenario({ seed, mayGoOn: (soFar) => soFar < FAULTS.length });
    expect(report.violations).toEqual([]);
    expect(new Set(report.faults.map(({ kind }) => kind))).toEqual(new Set(FAULTS));
    expect(report.storedEvents).toBe(report.acknowledgedEvents);
  });
});

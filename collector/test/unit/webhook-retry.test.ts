import { describe, expect, it } from 'vitest';
import { decideFate, type Reply, TRIED_FOR_MS } from '../../src/core/webhook-retry';

const SINCE = new Date('2026-06-15T12:00:00.000Z');
const MINUTE_MS = 60_000;

const reply = (status: number | null, retryAfter: string | null = null): Reply => ({ status, retryAfter });
const after = (answered: Reply, { tries = 1, ms = 0, random = 0.5 } = {}) =>
  decideFate({ reply: answered, tries, since: SINCE, now: new Date(SINCE.getTime() + ms), random });
const waitOf = (fate: ReturnType<typeof decideFate>, ms = 0) =>
  fate.fate === 'retry' ? fate.at.getTime() - SINCE.getTime() - ms : fate.fate;

describe('a delivery', () => {
  it('is delivered by any 2xx, and ends its destination by 410', () => {
    for (const status of [200, 201, 202, 204, 299])
      expect(after(reply(status))).toEqual({ fate: 'delivered' });
    expect(after(reply(410))).toEqual({ fate: 'gone' });
  });

  it('is tried again after anything else', () => {
    for (const status of [null, 100, 301, 307, 400, 401, 404, 413, 429, 500, 503])
      expect([status, after(reply(status)).fate]).toEqual([status, 'retry']);
  });

  it('waits twice as long each time, half of it by chance, up to an hour', () => {
    const waits = (random: number) =>
      [1, 2, 3, 4, 8, 12, 100].map((tries) => Number(waitOf(after(reply(500), { tries, random }))) / 1000);
    expect(waits(0)).toEqual([2.5, 5, 10, 20, 320, 1800, 1800]);
    expect(waits(1)).toEqual([5, 10, 20, 40, 640, 3600, 3600]);
  });

  it('waits as long as it is asked to, in seconds or until a date, but not longer than six hours', () => {
    expect(waitOf(after(reply(429, '600')))).toBe(10 * MINUTE_MS);
    expect(waitOf(after(reply(503, 'Mon, 15 Jun 2026 12:30:00 GMT')))).toBe(30 * MINUTE_MS);
    expect(waitOf(after(reply(503, '999999999')))).toBe(6 * 60 * MINUTE_MS);
    for (const nonsense of ['', 'soon', '-5', '1e9', '0', 'Mon, 15 Jun 2020 12:30:00 GMT'])
      expect([nonsense, waitOf(after(reply(503, nonsense)))]).toEqual([nonsense, 3750]);
  });

  it('is tried for a day, the last time at its end, and is dead then', () => {
    const ms = TRIED_FOR_MS - MINUTE_MS;
    expect(waitOf(after(reply(500), { tries: 40, ms }), ms)).toBe(MINUTE_MS);
    expect(after(reply(500), { tries: 41, ms: TRIED_FOR_MS })).toEqual({ fate: 'dead' });
    expect(after(reply(200), { tries: 41, ms: TRIED_FOR_MS })).toEqual({ fate: 'delivered' });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { offsetOf, parseInstant, placeInTime, SKEW_DEAD_BAND_MS } from '../../src/core/clock';

const RECEIVED_AT = Date.parse('2026-06-15T12:00:00.000Z');
const HOUR = 3_600_000;

describe('an instant', () => {
  it.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31t12:00:00.5z', '2026-01-31T12:00:00.500Z'],
    ['2026-01-31T12:00:00.123456789+01:30', '2026-01-31T10:30:00.123Z'],
    ['2024-02-29T00:00:00-00:00', '2024-02-29T00:00:00.000Z'],
    ['1990-12-31T23:59:60Z', '1991-01-01T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ])('%s is read', (text, expected) => {
    expect(new Date(parseInstant(text)!).toISOString()).toBe(expected);
  });

  it.each([
    'yesterday',
    '2026-01-31',
    '2026-01-31T12:00:00',
    '2026-02-30T12:00:00Z',
    '2025-02-29T12:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:00+24:00',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59-23:59',
    'infinity',
    '',
    ' 2026-01-31T12:00:00Z',
  ])('%s is none', (text) => {
    expect(parseInstant(text)).toBeNull();
  });

  it('is what Date writes', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true }),
        (date) => {
          expect(parseInstant(date.toISOString())).toBe(date.getTime());
        },
      ),
    );
  });
});

describe("a client's clock", () => {
  it('is left alone within the dead band, where network delay would reorder events', () => {
    const sentAt = RECEIVED_AT - SKEW_DEAD_BAND_MS;
    expect(offsetOf({ receivedAt: RECEIVED_AT, sentAt, originals: [sentAt - 10] })).toBe(0);
  });

  it('that is behind is corrected by what it is behind', () => {
    const sentAt = RECEIVED_AT - HOUR;
    expect(offsetOf({ receivedAt: RECEIVED_AT, sentAt, originals: [sentAt - 10] })).toBe(HOUR);
  });

  it('that is ahead shifts the whole batch by one offset, and keeps its order', () => {
    const sentAt = RECEIVED_AT + HOUR;
    const originals = [sentAt - 30, sentAt - 20, sentAt - 10];
    const offset = offsetOf({ receivedAt: RECEIVED_AT, sentAt, originals });
    expect(originals.map((original) => original + offset - RECEIVED_AT)).toEqual([-30, -20, -10]);
  });

  it('that is a minute ahead, within the dead band, still puts nothing in the future', () => {
    const sentAt = RECEIVED_AT + 60_000;
    const offset = offsetOf({ receivedAt: RECEIVED_AT, sentAt, originals: [sentAt - 5, sentAt] });
    expect(sentAt + offset).toBe(RECEIVED_AT);
  });

  it('does not answer for an event that is later than its own sending: the others stay where they are', () => {
    const sentAt = RECEIVED_AT;
    const wrong = RECEIVED_AT + 1000 * 365 * 24 * HOUR;
    const offset = offsetOf({ receivedAt: RECEIVED_AT, sentAt, originals: [RECEIVED_AT - 10, wrong] });
    expect(offset).toBe(0);
    expect(placeInTime(wrong + offset, { receivedAt: RECEIVED_AT, oldest: null })).toEqual({
      occurredAt: RECEIVED_AT,
      isClamped: true,
    });
  });

  it('that nobody can tell, as the batch does not say when it was sent, is ahead by its latest event', () => {
    const originals = [10 * 365 * 24 * HOUR, 10 * 365 * 24 * HOUR + 5].map((ahead) => RECEIVED_AT + ahead);
    const offset = offsetOf({ receivedAt: RECEIVED_AT, sentAt: null, originals });
    expect(originals.map((original) => original + offset - RECEIVED_AT)).toEqual([-5, 0]);
  });

  it('that nobody can tell does not answer for a single event far beyond the others, whatever its place', () => {
    const wrong = Date.parse('9999-12-31T23:59:59.999Z');
    for (const originals of [
      [RECEIVED_AT - 10, wrong],
      [wrong, 0, RECEIVED_AT - 10],
      [wrong, RECEIVED_AT],
    ]) {
      expect(offsetOf({ receivedAt: RECEIVED_AT, sentAt: null, originals })).toBe(0);
    }
  });

  it('never puts anything in the future, nor reorders what it explains', () => {
    const moments = fc
      .integer({ min: -20 * 365 * 24, max: 20 * 365 * 24 })
      .map((hours) => RECEIVED_AT + hours * HOUR);
    fc.assert(
      fc.property(moments, fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: 1 }), (sentAt, ages) => {
        const originals = ages.map((age) => sentAt - age);
        const offset = offsetOf({ receivedAt: RECEIVED_AT, sentAt, originals });
        const placed = originals.map(
          (original) => placeInTime(original + offset, { receivedAt: RECEIVED_AT, oldest: null }).occurredAt,
        );
        expect(Math.max(...placed)).toBeLessThanOrEqual(RECEIVED_AT);
        expect(placed.map((at) => at - placed[0]!)).toEqual(originals.map((at) => at - originals[0]!));
      }),
    );
  });

  it('of 1970 cannot make the first claim: with a write key nothing is older than the limit', () => {
    const oldest = RECEIVED_AT - 30 * 24 * HOUR;
    expect(placeInTime(0, { receivedAt: RECEIVED_AT, oldest })).toEqual({
      occurredAt: oldest,
      isClamped: true,
    });
  });
});

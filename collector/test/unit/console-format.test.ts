import { describe, expect, test } from 'vitest';
import {
  absoluteTime,
  dayName,
  duration,
  money,
  nameOf,
  relativeTime,
  revenueOf,
  shortId,
  shortMoment,
} from '../../console/src/format';

const NOW = new Date(2026, 10, 21, 12, 0, 0).getTime();
const ago = (ms: number): string => new Date(NOW - ms).toISOString();
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('how long ago', () => {
  test.each([
    [0, 'just now'],
    [-3 * SECOND, 'just now'],
    [5 * SECOND, '5 s ago'],
    [59 * SECOND, '59 s ago'],
    [MINUTE, '1 min ago'],
    [59 * MINUTE, '59 min ago'],
    [HOUR, '1 h ago'],
    [23 * HOUR, '23 h ago'],
    [DAY, '1 d ago'],
    [6 * DAY, '6 d ago'],
  ])('%i ms reads %s', (ms, text) => {
    expect(relativeTime(ago(ms), NOW)).toBe(text);
  });

  test('a week or more reads as its date, with the year when it is another', () => {
    expect(relativeTime(ago(8 * DAY), NOW)).toMatch(/13/);
    expect(relativeTime(ago(8 * DAY), NOW)).not.toMatch(/2026/);
    expect(relativeTime(ago(400 * DAY), NOW)).toMatch(/2025/);
  });

  test('the tooltip shows milliseconds and the timezone', () => {
    expect(absoluteTime('2026-11-21T12:00:00.123Z')).toMatch(/\.123.*(UTC|GMT|[A-Z]{3})/);
  });
});

test('days on a timeline are Today, Yesterday, then by name', () => {
  expect(dayName(ago(HOUR), NOW)).toBe('Today');
  expect(dayName(ago(13 * HOUR), NOW)).toBe('Yesterday');
  expect(dayName(ago(3 * DAY), NOW)).toMatch(/Wednesday/);
});

test('a session began today at an hour, on a day at an hour, or in another year', () => {
  expect(shortMoment(ago(HOUR), NOW)).toBe('Today, 11:00');
  expect(shortMoment(ago(3 * DAY), NOW)).toMatch(/18.*12:00/);
  expect(shortMoment(ago(400 * DAY), NOW)).toMatch(/2025/);
});

test.each([
  [0, '0 s'],
  [59.4, '59 s'],
  [59.6, '1 min'],
  [250, '4 min 10 s'],
  [3600, '1 h'],
  [3_899, '1 h 4 min'],
  [90_000, '25 h'],
])('%d seconds last %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

describe('money', () => {
  test('is shown to the cent, as the exact decimal that it is', () => {
    expect(money('59.99', 'USD')).toMatch(/59\.99/);
    expect(money('9007199254740993.01', 'USD')).toMatch(/9,007,199,254,740,993\.01/);
  });

  test('keeps digits beyond a currency’s usual ones, and has none where it has none', () => {
    expect(money('0.005', 'USD')).toMatch(/0\.005/);
    expect(money('100.00', 'USD')).toMatch(/100\.00$/);
    expect(money('1200', 'JPY')).toMatch(/1,200$/);
  });

  test('in something that is no currency is shown as it came', () => {
    expect(money('12.50', 'points')).toBe('12.50 points');
  });

  test('of several currencies is never added up', () => {
    expect(revenueOf({ USD: '1.00', EUR: '2.00' })).toMatch(/1\.00 \+ .*2\.00/);
    expect(revenueOf({})).toBe('–');
  });
});

describe('a person is called', () => {
  const anonymousId = '01936c1e-8d5a-7cc0-8e2f-a1b2c3d4e5f6';

  test('by email, else by user ID', () => {
    expect(nameOf({ userId: 'u1', email: 'ada@example.com', anonymousId }).label).toBe('ada@example.com');
    expect(nameOf({ userId: 'u1', email: null, anonymousId }).label).toBe('u1');
  });

  test('else anonymous, with the end of the ID; the whole of it is in the tooltip', () => {
    expect(nameOf({ userId: null, email: null, anonymousId })).toEqual({
      label: 'anonymous c3d4e5f6',
      full: anonymousId,
      anonymous: true,
    });
  });

  test('by an ID of another form in full', () => {
    expect(shortId('visitor-7')).toBe('visitor-7');
  });
});

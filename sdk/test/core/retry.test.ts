import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backOffMs, decideOutcome, retryAfterMs } from '../../src/core/retry';
import type { Answer } from '../../src/core/wire';

const NOW = Date.UTC(2026, 0, 1);
const OURS = { error: { code: 'some_code', message: 'why' } };
const REJECTION = { index: 1, messageId: 'm', code: 'no_identity', message: 'nobody' };

function answer(status: number, body: unknown = undefined, retryAfter: string | null = null): Answer {
  return { status, body, retryAfter };
}

const TABLE: ReadonlyArray<readonly [what: string, given: Answer, sent: number, kind: string]> = [
  ['a verdict', answer(200, { accepted: 1, duplicates: 1, rejected: [REJECTION] }), 3, 'settled'],
  ['a verdict from a durable queue', answer(202, { accepted: 3, duplicates: 0, rejected: [] }), 3, 'settled'],
  ['a verdict that forgets an event', answer(200, { accepted: 1, duplicates: 1, rejected: [] }), 3, 'retry'],
  ['a verdict in words', answer(200, { accepted: '3', duplicates: '', rejected: [] }), 3, 'retry'],
  ['somebody else’s 200', answer(200, { success: true }), 3, 'retry'],
  ['a page', answer(200), 3, 'retry'],
  ['400 for many', answer(400, OURS), 3, 'split'],
  ['400 for one', answer(400, OURS), 1, 'refused'],
  ['somebody else’s 400', answer(400, { error: 'no' }), 1, 'retry'],
  ['401', answer(401, OURS), 3, 'stop'],
  ['somebody else’s 401', answer(401), 3, 'retry'],
  ['403', answer(403, OURS), 3, 'stop'],
  ['413 for many', answer(413, OURS), 3, 'split'],
  ['somebody else’s 413 for many', answer(413), 3, 'split'],
  ['413 for one', answer(413, OURS), 1, 'too-large'],
  ['somebody else’s 413 for one', answer(413), 1, 'retry'],
  ['429 with a time', answer(429, OURS, '7'), 3, 'hold'],
  ['somebody else’s 503 with a time', answer(503, undefined, '7'), 3, 'hold'],
  ['503 without a time', answer(503, OURS), 3, 'retry'],
  ['503 with no time to wait', answer(503, OURS, '0'), 3, 'retry'],
  ['500', answer(500, OURS), 1, 'retry'],
  ['404', answer(404), 1, 'retry'],
  ['no answer', answer(0), 1, 'retry'],
];

for (const [what, given, sent, kind] of TABLE) {
  test(`${what}: ${kind}`, () => {
    expect(decideOutcome(given, sent, NOW).kind).toBe(kind);
  });
}

test('whatever comes that is not the collector’s, no event leaves the store', () => {
  const status = fc.integer({ min: 0, max: 599 });
  fc.assert(
    fc.property(status, fc.jsonValue(), fc.integer({ min: 1, max: 100 }), (code, body, sent) => {
      expect(['retry', 'split', 'hold']).toContain(decideOutcome(answer(code, body), sent, NOW).kind);
    }),
  );
});

test('Retry-After is seconds or a date, at most a day', () => {
  expect(retryAfterMs('120', NOW)).toBe(120_000);
  expect(retryAfterMs(new Date(NOW + 5_000).toUTCString(), NOW)).toBe(5_000);
  expect(retryAfterMs('999999999', NOW)).toBe(86_400_000);
  for (const nothing of [null, '', 'soon', '0', '-5', new Date(NOW - 5_000).toUTCString()]) {
    expect(retryAfterMs(nothing, NOW)).toBe(0);
  }
});

test('back-off is anywhere up to a second at first, doubles, and ends at five minutes', () => {
  expect([0, 1, 2, 20].map((failures) => backOffMs(failures, 1))).toEqual([1_000, 2_000, 4_000, 300_000]);
  expect(backOffMs(5, 0)).toBe(0);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { followTouches, REMEMBERED_MS } from '../../src/core/touch';
import type { Arrival, Touches } from '../../src/core/touch';

const NOW = Date.UTC(2026, 5, 15, 12);
const DAY = 86_400_000;
const DOMAIN = 'example.test';

/** A visitor, whose events and page loads come one after another. */
function createVisitor() {
  let touches: Touches | null = null;
  return {
    at: (now: number, sessionId: string, arrival?: Partial<Arrival>): Touches => {
      const page = arrival && { path: '/', referrer: '', ...arrival };
      touches = followTouches(touches, { now, sessionId, arrival: page, domain: DOMAIN });
      return touches;
    },
  };
}

const FROM_SEARCH = { referrer: 'https://www.search.test/' };
const FROM_OURS = { referrer: 'https://www.example.test/mugs' };
const MAIL = { campaign: { source: 'mail' } };
const AD = { campaign: { source: 'search', gclid: 'x' } };

test('the first touch stays, and the last one is the last campaign or other site that led here', () => {
  const visitor = createVisitor();
  const first = visitor.at(NOW, 's1', { ...MAIL, path: '/landing' });
  expect(first.firstTouch).toEqual({
    at: '2026-06-15T12:00:00.000Z',
    path: '/landing',
    referrer: '',
    ...MAIL,
  });
  expect(first.lastTouch).toEqual(first.firstTouch);
  const later = visitor.at(NOW + DAY, 's2', FROM_SEARCH);
  expect(later.firstTouch).toEqual(first.firstTouch);
  expect(later.lastTouch).toMatchObject({ at: '2026-06-16T12:00:00.000Z', ...FROM_SEARCH });
  expect(later.lastTouch?.campaign).toBeUndefined();
  const direct = visitor.at(NOW + 2 * DAY, 's3', {});
  expect([direct.firstTouch, direct.lastTouch]).toEqual([first.firstTouch, later.lastTouch]);
});

test('a campaign within a session is a touch', () => {
  const visitor = createVisitor();
  visitor.at(NOW, 's1', MAIL);
  expect(visitor.at(NOW + 60_000, 's1', AD).lastTouch).toMatchObject(AD);
});

test('whoever comes from nowhere is remembered so until a campaign or another site leads them here', () => {
  const visitor = createVisitor();
  expect(visitor.at(NOW, 's1', {}).lastTouch).toMatchObject({ referrer: '' });
  const { firstTouch, lastTouch } = visitor.at(NOW + DAY, 's2', MAIL);
  expect(firstTouch).toMatchObject({ at: '2026-06-15T12:00:00.000Z' });
  expect(lastTouch).toMatchObject({ at: '2026-06-16T12:00:00.000Z', ...MAIL });
});

test.each(['https://example.test/', 'https://www.example.test/a', 'http://shop.eu.example.test:8080/'])(
  'a page of the site itself (%s) is no touch, at whatever time',
  (referrer) => {
    const visitor = createVisitor();
    expect(visitor.at(NOW, 's1', { referrer }).firstTouch).toBeUndefined();
    expect(visitor.at(NOW + DAY, 's2', { referrer }).lastTouch).toBeUndefined();
    expect(visitor.at(NOW + 2 * DAY, 's3', {}).firstTouch).toMatchObject({ referrer: '' });
  },
);

test.each(['https://notexample.test/', 'https://example.test.evil.test/', 'android-app://com.mail/'])(
  'a page of another site (%s) is a touch',
  (referrer) => {
    expect(createVisitor().at(NOW, 's1', { referrer }).lastTouch).toMatchObject({ referrer });
  },
);

test('whoever comes back from a payment provider within the session has not come anew', () => {
  const visitor = createVisitor();
  const { lastTouch } = visitor.at(NOW, 's1', MAIL);
  expect(visitor.at(NOW + 60_000, 's1', { referrer: 'https://pay.test/' }).lastTouch).toEqual(lastTouch);
});

test('after a year without a visit nothing is known any more', () => {
  const visitor = createVisitor();
  visitor.at(NOW, 's1', MAIL);
  const { firstTouch, lastTouch } = visitor.at(NOW + REMEMBERED_MS, 's2', {});
  expect(firstTouch).toMatchObject({ at: new Date(NOW + REMEMBERED_MS).toISOString(), referrer: '' });
  expect(lastTouch).toEqual(firstTouch);
});

test('what is stored is written again only where a page was entered or a session began', () => {
  const visitor = createVisitor();
  const last = visitor.at(NOW, 's1', MAIL);
  expect(visitor.at(NOW + DAY, 's1')).toBe(last);
  expect(visitor.at(NOW + DAY, 's2')).toEqual({ ...last, sessionId: 's2', seenAt: NOW + DAY });
});

const arrivals = fc.option(
  fc.record({
    referrer: fc.constantFrom('', FROM_SEARCH.referrer, FROM_OURS.referrer),
    campaign: fc.constantFrom(undefined, MAIL.campaign, AD.campaign),
  }),
  { nil: undefined },
);
const steps = fc.array(fc.record({ isNewSession: fc.boolean(), arrival: arrivals }), {
  minLength: 1,
  maxLength: 40,
});

test('whatever happens: the first touch stays, and only an arrival is a touch', () => {
  fc.assert(
    fc.property(steps, (history) => {
      const visitor = createVisitor();
      let session = 0;
      let before: Touches | undefined;
      for (const [step, { isNewSession, arrival }] of history.entries()) {
        if (isNewSession) session += 1;
        const after = visitor.at(NOW + step, `s${session}`, arrival);
        if (before?.firstTouch) expect(after.firstTouch).toEqual(before.firstTouch);
        if (!arrival) expect(after.lastTouch).toEqual(before?.lastTouch);
        if (arrival?.campaign) expect(after.lastTouch?.campaign).toEqual(arrival.campaign);
        expect(after.firstTouch === undefined).toBe(after.lastTouch === undefined);
        before = after;
      }
    }),
  );
});

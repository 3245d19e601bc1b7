// @vitest-environment node
import { expect, test } from 'vitest';
import { createTracker } from '../src';
import { autocapture } from '../src/autocapture/autocapture';
import { experiments } from '../src/experiments/experiments';
import { webVitals } from '../src/web-vitals/web-vitals';

test('on a server the tracker does nothing, and says so of bad options all the same', async () => {
  expect(typeof document).toBe('undefined');
  const tracker = createTracker({ writeKey: 'pk_test', host: 'https://collect.example' });
  tracker.identify('u1');
  tracker.track('Paid');
  tracker.page();
  tracker.reset();
  await tracker.flush();
  expect(tracker.anonymousId()).toBe('');
  expect(tracker.user()).toEqual({ traits: {} });
  tracker.close();
  expect(() => createTracker({ writeKey: '', host: '' })).toThrow('writeKey, host');
});

test('on a server the entry points do nothing', () => {
  const undo = autocapture({ track: () => expect.unreachable() });
  undo();
  webVitals({ track: () => expect.unreachable() })();
  const idle = createTracker({ writeKey: 'pk_test', host: 'https://collect.example' });
  expect(experiments(idle, [{ key: 'checkout', variants: ['a', 'b'] }]).variant('checkout')).toBeUndefined();
  expect(() => autocapture({ track: () => undefined }, { clicks: 1 } as object)).toThrow('clicks');
});

import type { AnyEvents, Tracker } from './api';
import { openKeptStore } from './browser/kept-store';
import { openWithConsent } from './consent';
import { NOBODY } from './core/identity';
import { createReceipt } from './core/receipt';
import { resolveOptions } from './options';
import type { TrackerOptions } from './options';
import { createCalls } from './tracker';

/**
 * Starts tracking in this page or worker. On a server it gives a tracker that does nothing.
 *
 * @throws TypeError where options are missing, bad or unknown; it names them all
 */
export function createTracker<Events extends object = AnyEvents>(options: TrackerOptions): Tracker<Events> {
  const settings = resolveOptions(options);
  const { storage, plugins, onDrop, cookieless, namespace } = settings;
  // A page, or a worker that can store; Node and its like have neither.
  if (typeof document === 'undefined' && typeof indexedDB === 'undefined') {
    return createIdleTracker() as Tracker<Events>;
  }
  const tracker = openWithConsent(settings, {
    opening: storage && !cookieless ? openKeptStore(storage, namespace) : undefined,
  });
  plugins.forEach(tracker.use);
  tracker.on('drop', ({ reason, detail }) => onDrop(1, reason!, detail));
  return tracker as Tracker<Events>;
}

function createIdleTracker(): Tracker {
  const ignore = (): void => undefined;
  const subscribe = (): typeof ignore => ignore;
  return {
    ...createCalls(() => Promise.resolve(createReceipt('', 'closed'))),
    ...{ reset: ignore, close: ignore, use: subscribe, on: subscribe },
    ready: Promise.resolve(),
    flush: () => Promise.resolve(),
    consent: { get: () => 'denied', set: ignore },
    anonymousId: () => '',
    user: () => NOBODY,
    session: () => ({ id: '' }),
  };
}

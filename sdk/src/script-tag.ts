import type { Tracker } from './api';
import type { EssentialSettings } from './options';
import type { ConsentedTracker, EarlyCall } from './tracker';

declare global {
  interface Window {
    /** The tracker; before it is there, the stub's list of calls. */
    throughline?: Tracker | ConsentedTracker | readonly EarlyCall[];
  }
}

/**
 * Gives a page the tracker that its tag asks for: the tag's attributes are its settings, `data-write-key="pk_…"` is
 * `writeKey`. A switch is on where it has no value, or any but `false`; attributes that are no options are nobody's.
 * It is `window.throughline`, or has the name that `data-global` gives. The script a second time on a page changes
 * nothing: the first tracker stays.
 */
export function startTracker<S extends EssentialSettings>(
  defaults: Omit<S, 'writeKey' | 'host'>,
  open: (settings: S, earlyCalls: readonly EarlyCall[]) => Tracker | ConsentedTracker,
): void {
  // Classic scripts have one while they run, also asynchronous and inserted ones.
  const { src, dataset } = document.currentScript as HTMLScriptElement;
  const { global: name = 'throughline', autoPage = 'false' } = dataset;
  const globals = window as unknown as Record<string, Tracker | readonly EarlyCall[] | undefined>;
  const before = globals[name] ?? [];
  if (!Array.isArray(before)) return;
  const host = new URL(src).origin;
  const settings = { ...defaults, host, ...dataset, autoPage: autoPage !== 'false' };
  globals[name] = open(settings as unknown as S, before as readonly EarlyCall[]) as Tracker;
}

import type { Tracker } from './api';
import type { EssentialSettings } from './options';
import type { ConsentedTracker, EarlyCall } from './tracker';

declare global {
  interface Window {
    /** The tracker; before it is there, the stub's list of calls. */
    throughline?: Tracker | ConsentedTracker | readonly EarlyCall[];
  }
}

/** What the stub has listed; undefined where the script is on the page a second time: the first tracker stays. */
export function readEarlyCalls(): readonly EarlyCall[] | undefined {
  const before = window.throughline;
  if (Array.isArray(before)) return before as readonly EarlyCall[];
  return before && 'track' in before ? undefined : [];
}

/** The settings of the tag: `data-write-key="pk_…"` is `writeKey`; one without a value, or any but `false`, says yes. */
export function readAttributes<S extends EssentialSettings>(defaults: Partial<S>): S {
  // Classic scripts have one while they run, also asynchronous and inserted ones.
  const { src, dataset } = document.currentScript as HTMLScriptElement;
  const { autoPage = 'false' } = dataset;
  // Attributes that are not options are nobody's.
  return {
    ...defaults,
    host: new URL(src).origin,
    ...dataset,
    autoPage: autoPage !== 'false',
  } as unknown as S;
}

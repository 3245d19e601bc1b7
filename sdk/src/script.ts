import { openTracker } from './tracker';
import type { EarlyCall, Tracker } from './tracker';
import type { TrackerOptions } from './options';

declare global {
  interface Window {
    /** The tracker; before it is there, the stub's list of calls. */
    throughline?: Tracker | readonly EarlyCall[];
  }
}

/** `data-write-key="pk_…"`, and where wanted `data-host`, `data-auto-page`, `data-namespace`, `data-cookie-domain`. */
function readOptions({ src, dataset }: HTMLScriptElement): TrackerOptions {
  const { writeKey, host = new URL(src).origin, autoPage = 'false', namespace, cookieDomain } = dataset;
  const options = { writeKey, host, autoPage: autoPage !== 'false', namespace, cookieDomain };
  // What is not given is as good as absent.
  return options as TrackerOptions;
}

function start(script: HTMLScriptElement): void {
  const before = window.throughline;
  const earlyCalls: readonly EarlyCall[] = Array.isArray(before) ? before : [];
  // The script a second time on one page: the first tracker stays.
  if (before !== earlyCalls && before && 'track' in before) return;
  window.throughline = openTracker(readOptions(script), earlyCalls);
}

// Classic scripts have one while they run, also asynchronous and inserted ones.
start(document.currentScript as HTMLScriptElement);

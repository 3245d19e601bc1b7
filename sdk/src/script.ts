import type { Tracker } from './api';
import { openTracker } from './tracker';
import type { EarlyCall } from './tracker';
import { DEFAULTS } from './options';
import type { Settings } from './options';

declare global {
  interface Window {
    /** The tracker; before it is there, the stub's list of calls. */
    throughline?: Tracker | readonly EarlyCall[];
  }
}

/** `data-write-key="pk_…"`, and where wanted `data-host`, `data-auto-page`, `data-namespace`, `data-cookie-domain`. */
function readSettings({ src, dataset }: HTMLScriptElement): Settings {
  const { autoPage = 'false' } = dataset;
  // Attributes that are not options are nobody's.
  return { ...DEFAULTS, host: new URL(src).origin, ...dataset, autoPage: autoPage !== 'false' };
}

function start(script: HTMLScriptElement): void {
  const before = window.throughline;
  const earlyCalls: readonly EarlyCall[] = Array.isArray(before) ? before : [];
  // The script a second time on one page: the first tracker stays.
  if (before !== earlyCalls && before && 'track' in before) return;
  window.throughline = openTracker(readSettings(script), earlyCalls);
}

// Classic scripts have one while they run, also asynchronous and inserted ones.
start(document.currentScript as HTMLScriptElement);

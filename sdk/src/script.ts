import type { Tracker } from './api';
import { doEarlyCalls, openTracker } from './tracker';
import type { EarlyCall } from './tracker';
import { ESSENTIALS } from './options';
import type { EssentialSettings } from './options';

declare global {
  interface Window {
    /** The tracker; before it is there, the stub's list of calls. */
    throughline?: Tracker | readonly EarlyCall[];
  }
}

/** `data-write-key="pk_…"`, and where wanted `data-host`, `data-auto-page`, `data-namespace`, `data-cookie-domain`. */
function readSettings({ src, dataset }: HTMLScriptElement): EssentialSettings {
  const { autoPage = 'false' } = dataset;
  // Attributes that are not options are nobody's.
  const settings = { ...ESSENTIALS, host: new URL(src).origin, ...dataset, autoPage: autoPage !== 'false' };
  return settings as typeof settings & EssentialSettings;
}

function start(script: HTMLScriptElement): void {
  const before = window.throughline;
  const earlyCalls: readonly EarlyCall[] = Array.isArray(before) ? before : [];
  // The script a second time on one page: the first tracker stays.
  if (before !== earlyCalls && before && 'track' in before) return;
  const opened = openTracker(readSettings(script));
  window.throughline = opened.tracker;
  doEarlyCalls(opened, earlyCalls);
}

// Classic scripts have one while they run, also asynchronous and inserted ones.
start(document.currentScript as HTMLScriptElement);

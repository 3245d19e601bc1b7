import { ESSENTIALS } from './options';
import type { EssentialSettings } from './options';
import { startTracker } from './script-tag';
import { doEarlyCalls, openTracker } from './tracker';

/** `sdk.js`: what most sites need, and records from the start. */
startTracker<EssentialSettings>(ESSENTIALS, (settings, earlyCalls) => {
  const opened = openTracker(settings);
  doEarlyCalls(opened, earlyCalls);
  return opened.tracker;
});

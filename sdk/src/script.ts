import { ESSENTIALS } from './options';
import type { EssentialSettings } from './options';
import { readAttributes, readEarlyCalls } from './script-tag';
import { doEarlyCalls, openTracker } from './tracker';

/** `sdk.js`: records from the start. */
const earlyCalls = readEarlyCalls();
if (earlyCalls) {
  const opened = openTracker(readAttributes<EssentialSettings>(ESSENTIALS));
  window.throughline = opened.tracker;
  doEarlyCalls(opened, earlyCalls);
}

import { openWithConsent } from './consent';
import { ESSENTIALS, FULL_DEFAULTS } from './options';
import type { TagSettings } from './options';
import { startTracker } from './script-tag';

/** `sdk-full.js`: the same with all options, for sites that ask their visitors first, and sites of several hosts. */
startTracker<TagSettings>({ ...ESSENTIALS, ...FULL_DEFAULTS }, (settings, earlyCalls) =>
  openWithConsent(settings, { earlyCalls }),
);

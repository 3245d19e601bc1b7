import { openWithConsent } from './consent';
import { ESSENTIALS, FULL_DEFAULTS } from './options';
import type { TagSettings } from './options';
import { startTracker } from './script-tag';

/** `sdk-full.js`: the same with all options, for sites that ask their visitors first, and sites of several hosts. */
startTracker<TagSettings>({ ...ESSENTIALS, ...FULL_DEFAULTS }, (settings, earlyCalls) => {
  return openWithConsent({ ...settings, ...readSwitches(settings) }, { earlyCalls });
});

/** An attribute without a value is an empty text, and says yes. */
function readSwitches(settings: TagSettings): Partial<TagSettings> {
  const names = Object.entries(FULL_DEFAULTS).flatMap(([name, value]) => (value === false ? name : []));
  return Object.fromEntries(names.map((name) => [name, String(settings[name as 'cookieless']) !== 'false']));
}

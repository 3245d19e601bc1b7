import { CONSENT_DEFAULTS, ESSENTIALS } from './options';
import type { Settings } from './options';
import { openWithConsent } from './consent';
import { readAttributes, readEarlyCalls } from './script-tag';

/** `sdk-consent.js`: the same, for sites that ask their visitors first. */
const earlyCalls = readEarlyCalls();
if (earlyCalls) {
  const settings = readAttributes<Settings>({ ...ESSENTIALS, ...CONSENT_DEFAULTS });
  const { cookieless, respectGpc, respectDnt } = settings;
  const flags = {
    cookieless: isSet(cookieless),
    respectGpc: isSet(respectGpc),
    respectDnt: isSet(respectDnt),
  };
  window.throughline = openWithConsent({ ...settings, ...flags }, { earlyCalls });
}

/** An attribute without a value is an empty text. */
function isSet(value: unknown): boolean {
  return value !== false && value !== 'false';
}

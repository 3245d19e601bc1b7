import { readChoices } from '../entry/choices';
import { claimTrackers, lateCalls } from '../entry/late-tracker';
import { autocapture } from './autocapture';
import { STANDARD } from './choices';

// Classic scripts have one while they run, also asynchronous and inserted ones.
const script = document.currentScript as HTMLScriptElement;

for (const name of claimTrackers(script, 'autocapture')) {
  autocapture(lateCalls(name), readChoices(STANDARD, script.dataset));
}

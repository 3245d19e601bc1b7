/*! With web-vitals 6.2.3, Copyright Google LLC, Apache-2.0: https://www.apache.org/licenses/LICENSE-2.0 */
import { claimTrackers, lateCalls } from '../entry/late-tracker';
import { webVitals } from './web-vitals';
import type { MetricName } from './web-vitals';

// Classic scripts have one while they run, also asynchronous and inserted ones.
const script = document.currentScript as HTMLScriptElement;
const { metrics } = script.dataset;

for (const name of claimTrackers(script, 'web-vitals')) {
  webVitals(
    lateCalls(name),
    metrics ? { metrics: metrics.split(/\s+/).filter(Boolean) as MetricName[] } : {},
  );
}

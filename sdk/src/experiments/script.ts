import { claimTrackers, whenTracker } from '../entry/late-tracker';
import { assign, experiments } from './experiments';
import type { Experiment, Experiments, VisitorCalls } from './experiments';

type Use = (given: Experiments) => unknown;

declare global {
  interface Window {
    /** The page's experiments; before they are there, what is to be done with them. */
    throughlineExperiments?: readonly Use[] | (Experiments & { readonly push: (use: Use) => void });
  }
}

/** `data-experiments='[{"key": "checkout", "variants": ["control", "blue"]}]'` */
function start({ dataset }: HTMLScriptElement, tracker: VisitorCalls): void {
  const definitions = JSON.parse(dataset.experiments ?? '[]') as readonly Experiment[];
  const given = experiments(tracker, definitions, { remember: dataset.remember !== 'false' });
  const waiting = window.throughlineExperiments;
  // One that throws is the page's to see, and keeps the others from nothing.
  const push = (use: Use): void => void Promise.resolve(given).then(use);
  window.throughlineExperiments = Object.assign({ push, assign }, given);
  if (Array.isArray(waiting)) (waiting as readonly Use[]).forEach(push);
}

// Classic scripts have one while they run, also asynchronous and inserted ones.
const script = document.currentScript as HTMLScriptElement;
const [name] = claimTrackers(script, 'experiments');
if (name) whenTracker<VisitorCalls>(name, (tracker) => start(script, tracker));

import type { TrackCalls } from './calls';

/** A page whose tracker never comes must not fill its memory. */
const MAX_HELD_CALLS = 100;

type HeldCall = readonly [event: string, properties: object | undefined, options: object];

/** The page's global of this name as soon as it is a tracker; a stub's list of calls and a page's element are none. */
function findTracker<T>(name: string): T | undefined {
  const there = (window as unknown as Readonly<Record<string, unknown>>)[name];
  const isTracker =
    typeof (there as Partial<TrackCalls> | undefined)?.track === 'function' && !Array.isArray(there);
  return isTracker ? (there as T) : undefined;
}

/**
 * Runs once with the tracker of this global name, now or when it is there. It comes with some script of the page, so
 * it is looked for whenever one has been loaded: no timer, and nothing that the tracker has to know.
 */
export function whenTracker<T>(name: string, run: (tracker: T) => void): void {
  const look = (): void => {
    const tracker = findTracker<T>(name);
    if (!tracker) return;
    document.removeEventListener('load', look, true);
    removeEventListener('load', look);
    run(tracker);
  };
  // A script's load event does not bubble, and does not come by the window; the window's own comes last of all.
  document.addEventListener('load', look, true);
  addEventListener('load', look);
  look();
}

/** The tracker of this global name; until it is there, calls wait, with the times at which they were made. */
export function lateCalls(name: string): TrackCalls {
  let held: HeldCall[] = [];
  const settle = (tracker: TrackCalls): void => {
    for (const call of held) tracker.track(...call);
    held = [];
  };
  whenTracker(name, settle);
  return {
    track: (event, properties, options) => {
      const tracker = findTracker<TrackCalls>(name);
      if (!tracker) {
        const timestamp = new Date().toISOString();
        if (held.length < MAX_HELD_CALLS) held.push([event, properties, { timestamp, ...options }]);
        return;
      }
      settle(tracker);
      tracker.track(event, properties, options);
    },
  };
}

/**
 * The trackers that a script tag is for, `data-tracker="throughline shop"`, without those for which the same script
 * has run before on this page.
 */
export function claimTrackers(script: HTMLScriptElement, entry: string): readonly string[] {
  const names = (script.dataset.tracker ?? 'throughline').split(/\s+/).filter(Boolean);
  const key = Symbol.for(`throughline.${entry}`);
  const claimed = ((window as unknown as Record<symbol, Set<string> | undefined>)[key] ??= new Set());
  const isNew = (name: string): boolean => !claimed.has(name) && Boolean(claimed.add(name));
  return names.filter(isNew);
}

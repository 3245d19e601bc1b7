import { inject, nextTick } from 'vue';
import type { App, InjectionKey } from 'vue';
import type { AnyEvents, Tracker } from '../api';
import { providerError } from '../errors';

/** A place in the app, as vue-router has it. */
interface Place {
  readonly path: string;
  readonly query: object;
  readonly name?: unknown;
}

/** What is needed of a vue-router: it tells where one came, also the first time. */
export interface RouterEvents {
  afterEach(told: (to: Place, from: Place, failure?: unknown) => void): () => void;
}

export interface TrackerPluginOptions {
  /** Made once, outside of components: `createTracker` may run on a server, where its tracker does nothing. */
  readonly tracker: Tracker;
  /**
   * Records a page view for each of its navigations that changes path or query. Give it or set the tracker's
   * `autoPage`, not both. @default none
   */
  readonly router?: RouterEvents;
}

const TRACKER: InjectionKey<Tracker> = Symbol('throughline');

/** `app.use(trackerPlugin, { tracker, router })` */
export const trackerPlugin = {
  install(app: App, { tracker, router }: TrackerPluginOptions): void {
    app.provide(TRACKER, tracker);
    if (!router) return;
    let seen: string | undefined;
    const undo = router.afterEach(({ path, query, name }, _from, failure) => {
      const place = path + JSON.stringify(query);
      if (failure || place === seen) return;
      seen = place;
      // By then the page has its components, and its title where they set one.
      void nextTick(() => void tracker.page(typeof name === 'string' ? name : null));
    });
    app.onUnmount(undo);
  },
};

/**
 * The tracker, with the app's events where they are named: `useTracker<Events>()`.
 *
 * @throws Error where the plugin is not installed
 */
export function useTracker<Events extends object = AnyEvents>(): Tracker<Events> {
  const tracker = inject(TRACKER, null);
  if (!tracker) throw providerError('trackerPlugin');
  return tracker as unknown as Tracker<Events>;
}

/** The tracker's `track`. */
export function useTrack<Events extends object = AnyEvents>(): Tracker<Events>['track'] {
  return useTracker<Events>().track;
}

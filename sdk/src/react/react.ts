import { createContext, createElement, useContext, useEffect, useRef } from 'react';
import type { FunctionComponent, ReactNode } from 'react';
import type { AnyEvents, Tracker } from '../api';
import { providerError } from '../errors';

export interface TrackerProviderProps {
  /** Made once, outside of components: `createTracker` may run on a server, where its tracker does nothing. */
  readonly tracker: Tracker;
  readonly children?: ReactNode;
}

/** What a page view says besides where it is. */
export interface PageView {
  readonly name?: string | undefined;
  readonly category?: string | undefined;
  readonly properties?: object | undefined;
}

const TrackerContext = createContext<Tracker | null>(null);

/** Gives the tracker to the hooks below it. */
export const TrackerProvider: FunctionComponent<TrackerProviderProps> = ({ tracker, children }) =>
  createElement(TrackerContext.Provider, { value: tracker }, children);

/**
 * The tracker, with the app's events where they are named: `useTracker<Events>()`.
 *
 * @throws Error where no provider is above
 */
export function useTracker<Events extends object = AnyEvents>(): Tracker<Events> {
  const tracker = useContext(TrackerContext);
  if (!tracker) throw providerError('TrackerProvider');
  return tracker as unknown as Tracker<Events>;
}

/** The tracker's `track`, the same function as long as the tracker is the same: it may stand among dependencies. */
export function useTrack<Events extends object = AnyEvents>(): Tracker<Events>['track'] {
  return useTracker<Events>().track;
}

/**
 * Records a page view at the start and whenever `location` is another one: what makes a page, such as path and query.
 * Once each, also in StrictMode. Use it or the tracker's `autoPage`, not both.
 */
export function usePageView(location: string, { name, category, properties }: PageView = {}): void {
  const tracker = useTracker();
  const seen = useRef<string>(undefined);
  useEffect(() => {
    // StrictMode runs an effect twice on one component; what it saw stays.
    if (seen.current === location) return;
    seen.current = location;
    void tracker.page(category ?? null, name ?? null, properties);
  });
}

/**
 * Says who the visitor is as soon as it is known and whenever that, or a trait, changes; who was known and is gone
 * (`null` or `undefined`) has signed out: that resets the tracker.
 */
export function useIdentify(userId: string | number | null | undefined, traits?: object): void {
  const tracker = useTracker();
  const said = useRef<string>(undefined);
  useEffect(() => {
    const isKnown = userId !== null && userId !== undefined;
    const now = isKnown ? JSON.stringify([userId, traits]) : undefined;
    if (said.current === now) return;
    said.current = now;
    if (isKnown) void tracker.identify(userId, traits);
    else tracker.reset();
  });
}

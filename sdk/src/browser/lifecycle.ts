import { attempt } from '../core/attempt';

export interface LifecycleHandlers {
  /** The page is out of sight, and may be killed without another word. */
  readonly onHide: () => void;
  /** The page is being left, for good or into the back/forward cache. */
  readonly onLeave: () => void;
  /** The page is back out of the back/forward cache. */
  readonly onReturn: () => void;
  /** The page is in sight again, or the connection is back. */
  readonly onWake: () => void;
}

/**
 * Follows the page's life until the signal. No `unload` and no `beforeunload`: they keep pages out of the
 * back/forward cache, and phones do not fire them.
 */
export function followLifecycle(handlers: LifecycleHandlers, signal: AbortSignal): void {
  const onVisibility = (): void => (document.hidden ? handlers.onHide() : handlers.onWake());
  const onShow = ({ persisted }: PageTransitionEvent): void => {
    if (persisted) handlers.onReturn();
  };
  // A worker has no document, and nothing but the connection to follow.
  attempt(() => document.addEventListener('visibilitychange', onVisibility, { signal }));
  // A Firefox that ends a process with its last tab cuts short whatever script it is in, or comes to first, as the tab is
  // closed. That is once: the other listener does what this one did not.
  addEventListener('pagehide', handlers.onLeave, { signal, capture: true });
  addEventListener('pagehide', handlers.onLeave, { signal });
  addEventListener('pageshow', onShow, { signal });
  addEventListener('online', handlers.onWake, { signal });
  // A page that is rendered in advance is granted no locks until it is opened: it returns, like a frozen one.
  whenActivated(() => signal.aborted || handlers.onReturn());
}

/** Runs now, or when a page that the browser renders in advance is really opened. */
export function whenActivated(run: () => unknown): void {
  // Not in TypeScript's DOM library yet.
  if (attempt(() => (document as { readonly prerendering?: boolean }).prerendering)) {
    document.addEventListener('prerenderingchange', run, { once: true });
  } else {
    run();
  }
}

import type { Clock } from './clock';
import { whenActivated } from './lifecycle';

/**
 * Records a page view now and whenever path or query change, until the signal; the fragment alone is not
 * another page, one that is rendered in advance is viewed when it is opened, and one that comes out of the
 * back/forward cache is viewed again, as it would be had it been loaded again.
 *
 * Each view waits for the end of the tick, because a router sets the title after the address, and because a
 * redirect inside the tick is not a view. The function returned records one that is due without waiting, so
 * that what happens on the page follows it.
 */
export function followPageViews(clock: Clock, onPageView: () => void, signal: AbortSignal): () => void {
  let last = '';
  let isDue = false;
  const settle = (): void => {
    if (!isDue) return;
    isDue = false;
    onPageView();
  };
  const look = (): void => {
    const address = location.pathname + location.search;
    if (signal.aborted || address === last) return;
    last = address;
    isDue = true;
    clock.after(0, settle);
  };
  const start = (): void => {
    // The wrappers stay when it is over: somebody else may have wrapped them in turn.
    for (const name of ['pushState', 'replaceState'] as const) {
      const original = history[name];
      history[name] = function (this: History, ...given) {
        original.apply(this, given);
        look();
      };
    }
    const onShow = ({ persisted }: PageTransitionEvent): void => {
      if (!persisted) return;
      last = '';
      look();
    };
    addEventListener('popstate', look, { signal });
    addEventListener('pageshow', onShow, { signal });
    look();
  };
  whenActivated(start);
  return settle;
}

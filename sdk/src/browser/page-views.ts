import { attempt } from '../core/attempt';
import { whenActivated } from './lifecycle';
import type { ReadPage } from './page-context';

/** Not in TypeScript's DOM library yet; a page may have something of its own under that name. */
declare const navigation: EventTarget;

/**
 * Records a page view now and whenever the address changes, until the signal; a page that is rendered in advance is viewed when it is opened, and one that comes out of the
 * back/forward cache is viewed again, as it would be had it been loaded again.
 *
 * Each view waits for the end of the tick, because a router sets the title after the address, and because a
 * redirect inside the tick is not a view. The function returned records one that is due without waiting, so
 * that what happens on the page follows it.
 */
export function followPageViews(readPage: ReadPage, onPageView: () => void, signal: AbortSignal): () => void {
  let last: string | undefined = '';
  let isDue = false;
  const settle = (): void => {
    if (!isDue) return;
    isDue = false;
    onPageView();
  };
  const look = (): void => {
    const url = readPage().page?.url;
    if (signal.aborted || url === last) return;
    last = url;
    isDue = true;
    setTimeout(settle);
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
    // Sees also who kept the functions from before they were wrapped, and who navigates without them; not everywhere.
    attempt(() => navigation.addEventListener('currententrychange', look, { signal }));
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
